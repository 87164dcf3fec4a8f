"""The catalogue of clauses, and ``@clause``, which says what a case is about.

``python -m harness.clauses [--json]`` prints the coverage: which clauses have cases, which cannot
be tested and why, and which are pending (exit status 1 if any is).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from harness import remembered
from harness.faults import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DIRECTORY = Path(__file__).parents[2] / "suites" / "clauses"

RELEASES = ("1.0.0", "1.0.1", "1.0.2", "1.1.0", "1.2.0", "1.2.1", "1.3.0")
"""Releases of the specification, oldest first; the last one is what the suite covers."""

LEVELS = ("must", "should", "may")
KEYWORDS = ("must", "should", "may", "effect")
OPERATIONS = ("state", "create", "start", "kill", "delete", "features")
ENGINE_OPERATIONS = ("exec", "list", "pause", "ps", "resume", "run", "update", "version")
"""Those that engines know and the specification does not."""
ENGINE = "engine"
ENGINE_DOCUMENT = "engine-profile.md"
"""Of our own docs: what engines need has headings there."""
PROFILES = ("core", "linux", ENGINE)
CLIENTS = ("podman", "conmon", "containerd", "docker", "buildah", "CRI-O", "BuildKit")
"""Who needs a clause of the engine profile."""

_SHAPES: dict[str, Any] = {
    "operation": str | list,
    "census": list,
    "clients": list,
    "demands_error": bool,
}
"""Of the members of a table; all others are strings."""

F = TypeVar("F", bound="Callable[..., object]")


def clause(*ids: str) -> Callable[[F], F]:
    """Name the clauses that a case can show false.

    ``{kind}`` in an id stands for the parameter of that name, written as ids write it:
    ``createRuntime`` as ``create-runtime``.
    """
    mark = pytest.mark.clause(*ids)

    def decorate(function: F) -> F:
        mark(function)
        return function

    return decorate


@dataclass(frozen=True)
class Clause:
    """One normative obligation of the specification, in our own words."""

    id: str
    summary: str
    anchor: str
    """Document and heading: ``runtime.md#kill``."""
    keyword: str
    """What the text says: must, should, may, or effect (it describes what happens)."""
    level: str
    """What the gate does: must, should (advice) or may (recorded)."""
    since: str
    """First release in which it stands so."""
    until: str = ""
    """Last release in which it stood so; empty for a clause in force."""
    changed: str = ""
    """What a later release changed, for readers."""
    operations: tuple[str, ...] = ()
    """Operations whose failure is a failure of the clause; of any other one it is blocked."""
    demands_error: bool = False
    """It demands that an operation errs: a fault outside ``generates_an_error`` is no evidence."""
    profile: str = "core"
    census: tuple[str, ...] = ()
    untestable: str = ""
    """Why no case can show it false; empty if one can."""
    clients: tuple[str, ...] = ()
    """Of ENGINE_DOCUMENT: who needs it, of CLIENTS."""
    breaks: str = ""
    """Of ENGINE_DOCUMENT: what a client's user sees where it does not hold."""

    def applies(self, version: str) -> bool:
        """Whether it is in force in this release of the specification."""
        number = release(version)
        return release(self.since) <= number and (not self.until or number <= release(self.until))


def release(version: str) -> tuple[int, ...]:
    """Return the numbers of a version's release part: ``1.0.2-dev`` is (1, 0, 2)."""
    core = version.partition("+")[0].partition("-")[0]
    return tuple(int(part) for part in core.split("."))


@cache
def catalogue() -> dict[str, Clause]:
    """All clauses by id; CatalogueError naming file and table for anything wrong."""
    found: dict[str, Clause] = {}
    for path in sorted(DIRECTORY.glob("*.toml")):
        for id_, table in _tables(path).items():
            if id_ in found:
                raise CatalogueError(f"suites/clauses/{path.name}: [{id_}] is there twice")
            found[id_] = _clause(id_, table, path.name)
    return found


def _tables(path: Path) -> dict[str, Any]:
    try:
        return remembered.parsed(path.stem, path.read_text(encoding="utf-8"), tomllib.loads)
    except (OSError, ValueError) as error:
        raise CatalogueError(f"suites/clauses/{path.name}: {error}") from error


def _clause(id_: str, table: Any, file: str) -> Clause:  # noqa: ANN401 - as TOML gives it
    where = f"suites/clauses/{file}: [{id_}]"
    if not isinstance(table, dict):
        raise CatalogueError(f"{where} is no table")
    for name, value in table.items():
        if not isinstance(value, _SHAPES.get(name, str)):
            raise CatalogueError(f"{where}: {name} is of the wrong type")
    operations = table.pop("operation", [])
    values = {
        **table,
        "operations": (operations,) if isinstance(operations, str) else tuple(operations),
        "census": tuple(table.get("census", ())),
        "clients": tuple(table.get("clients", ())),
    }
    try:
        found = Clause(id=id_, **values)
    except TypeError as error:
        raise CatalogueError(f"{where}: {str(error).partition('() ')[2]}") from error
    allowed = {
        "keyword": (found.keyword, KEYWORDS),
        "level": (found.level, LEVELS),
        "profile": (found.profile, PROFILES),
        "since": (found.since, RELEASES),
        "until": (found.until, ("", *RELEASES)),
    }
    for name, (value, choices) in allowed.items():
        if value not in choices:
            raise CatalogueError(f"{where}: {name} {value!r} is none of {', '.join(choices)}")
    known = OPERATIONS + (ENGINE_OPERATIONS if found.profile == ENGINE else ())
    for operation in found.operations:
        if operation not in known:
            raise CatalogueError(f"{where}: there is no operation {operation!r}")
    _check_clients(found, where)
    return found


def _check_clients(found: Clause, where: str) -> None:
    for client in found.clients:
        if client not in CLIENTS:
            raise CatalogueError(f"{where}: client {client!r} is none of {', '.join(CLIENTS)}")
    of_engines = found.anchor.startswith(f"{ENGINE_DOCUMENT}#")
    if of_engines and not (found.profile == ENGINE and found.clients and found.breaks):
        raise CatalogueError(f"{where}: what engines need has profile, clients and breaks")
    if not of_engines and (found.clients or found.breaks):
        raise CatalogueError(f"{where}: only clauses of {ENGINE_DOCUMENT} have clients and breaks")


def resolve(ids: Iterable[str], parameters: dict[str, Any]) -> list[Clause]:
    """Find the clauses that a case names; CatalogueError naming an id that no file has."""
    found = []
    spelt = {name: _kebab(value) for name, value in parameters.items()}
    for pattern in ids:
        try:
            id_ = pattern.format_map(spelt) if "{" in pattern else pattern
        except (ValueError, LookupError) as error:
            raise CatalogueError(f"clause {pattern!r}: no parameter {error}") from error
        if id_ not in catalogue():
            raise CatalogueError(f"there is no clause {id_!r}; add it to suites/clauses/*.toml")
        found.append(catalogue()[id_])
    return found


def _kebab(value: object) -> str:
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in str(value)).lstrip("-")
