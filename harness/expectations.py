"""Expectation files: the known deviations of one runtime, each with its reason.

Strict: a case that is expected to fail and passes turns the gate red, so a file cannot outlive the
deviations that it describes.
"""

from __future__ import annotations

import fnmatch
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from harness.faults import ExpectationError
from harness.results import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.results import Runtime

DIRECTORY = Path(__file__).parent.parent / "expectations"


@dataclass(frozen=True)
class Expectation:
    """One known deviation."""

    clause: str
    reason: str
    """What the runtime does instead, and why that is a deviation."""
    cases: tuple[str, ...]
    """Case ids, fnmatch(3) patterns: each one that matches is expected not to hold."""
    upstream: str = "not reported"
    spec: str = ""
    """Only when judged by these releases: ``>=1.3.0``."""
    blocked: bool = False
    """Whether the case may also be blocked."""

    def covers(self, case: str, clauses: Iterable[str]) -> bool:
        """Whether this is about that case."""
        return self.clause in clauses and any(_matches(case, pattern) for pattern in self.cases)

    def excuses(self, verdict: Verdict) -> bool:
        """Whether this verdict is the expected deviation."""
        return verdict is Verdict.FAIL or (self.blocked and verdict is Verdict.BLOCKED)


def _matches(case: str, pattern: str) -> bool:
    # The brackets of a parameter are no character class.
    return fnmatch.fnmatchcase(case, pattern.replace("[", "[[]"))


@dataclass(frozen=True)
class Expectations:
    """The expectations of one file that hold for one run."""

    name: str
    known: tuple[Expectation, ...]

    def of(self, case: str, clauses: Iterable[str]) -> Expectation | None:
        """Return the expectation about a case, if there is one."""
        named = list(clauses)
        return next((e for e in self.known if e.covers(case, named)), None)


NONE = Expectations("", ())


def find(runtime: Runtime) -> Path | None:
    """Return the file of expectations/ whose name and versions match the runtime."""
    for path in sorted(DIRECTORY.glob("*.toml")):
        about = _table(path)["runtime"]
        if about["name"] == runtime.name and _in(runtime.version, about["versions"], path):
            return path
    return None


def load(path: Path, spec_version: str) -> Expectations:
    """Read a file; ExpectationError naming the entry for anything wrong with it."""
    known = []
    for number, entry in enumerate(_table(path).get("known", []), 1):
        where = f"{path.name}: known entry {number}"
        if missing := {"clause", "reason", "cases"} - set(entry):
            raise ExpectationError(f"{where} lacks {', '.join(sorted(missing))}")
        try:
            expectation = Expectation(**{**entry, "cases": tuple(entry["cases"])})
        except TypeError as error:
            raise ExpectationError(f"{where}: {str(error).partition('__init__() ')[2]}") from error
        if not expectation.spec or _in(spec_version, expectation.spec, path):
            known.append(expectation)
    return Expectations(path.name, tuple(known))


def _table(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExpectationError(f"{path}: {error}") from error
    about = table.get("runtime")
    if not isinstance(about, dict) or not {"name", "versions"} <= set(about):
        raise ExpectationError(f"{path.name}: needs [runtime] with name and versions")
    return table


def _in(version: str, specifier: str, path: Path) -> bool:
    try:
        return SpecifierSet(specifier, prereleases=True).contains(Version(version))
    except InvalidVersion:
        return False
    except InvalidSpecifier as error:
        raise ExpectationError(f"{path.name}: {error}") from error
