"""Expectation files: the known deviations of one runtime, each with its reason.

Strict (strict.py): a case that is expected to fail and passes turns the gate red, so a file cannot
outlive the deviations that it describes.
"""

from __future__ import annotations

import fnmatch
import tomllib
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from harness import toml_lines
from harness.faults import ExpectationError
from harness.results import Verdict
from harness.toml_lines import Lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.results import Runtime

NOT_ADJUDICATED = "not adjudicated"
"""The reason of an entry that nobody has looked at yet."""

DIRECTORY = Path(__file__).parent.parent / "expectations"


@dataclass(frozen=True)
class Expectation:
    """One known deviation."""

    clause: str
    """Empty: whatever clauses its cases check."""
    reason: str
    """What the runtime does instead, and why that is a deviation."""
    cases: tuple[str, ...] = ("*",)
    """Case ids, fnmatch(3) patterns: each one that matches is expected not to hold."""
    upstream: str = "not reported"
    spec: str = ""
    """Only when judged by these releases: ``>=1.3.0``."""
    blocked: bool = False
    """Whether the case may also be blocked."""
    unstable: bool = False
    """The runtime does so in some runs only: it may also be blocked, or pass."""
    rootless: bool | None = None
    """Only in runs of an ordinary user, or only in those of root; else in both."""
    cgroup: str = ""
    """Only where the runtime sees these cgroups: v1, v2 or hybrid; else everywhere."""
    until: str = ""
    """The last day (``2027-01-31``) or the first version without it (``2.1``) that was promised."""
    lines: Lines = field(default_factory=Lines, compare=False)
    """Where it stands in its file."""

    @property
    def name(self) -> str:
        """Its clause, else its first case."""
        return self.clause or self.cases[0]

    def ended(self, version: str, today: date) -> bool:
        """Whether the day has passed, or the runtime has the version, that it was to last until."""
        if not self.until:
            return False
        day = _day(self.until)
        if day is not None:
            return today > day
        try:
            return _version(version) >= _version(self.until)
        except InvalidVersion:
            return False  # of the runtime: the entry's was looked at when it was read

    def covers(self, case: str, clauses: Iterable[str]) -> bool:
        """Whether this is about that case."""
        return self.speaks_of(clauses) and any(matches(case, pattern) for pattern in self.cases)

    def speaks_of(self, clauses: Iterable[str]) -> bool:
        """Whether its clause is one of these; one without a clause speaks of all."""
        return not self.clause or self.clause in clauses

    def excuses(self, verdict: Verdict) -> bool:
        """Whether this verdict is the expected deviation."""
        may_be_blocked = self.blocked or self.unstable
        return verdict is Verdict.FAIL or (may_be_blocked and verdict is Verdict.BLOCKED)


def matches(case: str, pattern: str) -> bool:
    """Whether a case is one that a pattern of an entry speaks of."""
    # The brackets of a parameter are no character class.
    return fnmatch.fnmatchcase(case, pattern.replace("[", "[[]"))


@dataclass(frozen=True)
class Expectations:
    """The expectations of one file that hold for one run."""

    name: str
    known: tuple[Expectation, ...]

    def of(self, case: str, clauses: Iterable[str], verdict: Verdict) -> Expectation | None:
        """Return the expectation that excuses this verdict of a case, if there is one."""
        named = list(clauses)
        about = (e for e in self.known if e.covers(case, named))
        return next((e for e in about if e.excuses(verdict)), None)

    def unstable(self, case: str, clauses: Iterable[str]) -> Expectation | None:
        """Return the expectation that a case fails in some runs only, if there is one."""
        named = list(clauses)
        about = (e for e in self.known if e.covers(case, named))
        return next((e for e in about if e.unstable), None)


NONE = Expectations("", ())


def find(runtime: Runtime) -> Path | None:
    """Return the file of expectations/ whose name and versions match the runtime."""
    for path in sorted(DIRECTORY.glob("*.toml")):
        about = _table(path)["runtime"]
        if about["name"] == runtime.name and _in(runtime.version, about["versions"], path):
            return path
    return None


def load(
    path: Path, spec_version: str, *, rootless: bool = False, cgroup: str = ""
) -> Expectations:
    """Read a file; ExpectationError naming the entry for anything wrong with it."""
    entries = _table(path).get("known", [])
    if not isinstance(entries, list):
        raise ExpectationError(f"{path.name}: known is no array of tables: write [[known]]")
    read = [_read(entry, path, number) for number, entry in enumerate(entries, 1)]
    places = toml_lines.entries(path.read_text(encoding="utf-8"), [list(e.cases) for e in read])
    held = (
        replace(e, lines=lines)
        for e, lines, entry in zip(read, places, entries, strict=True)
        if holds(entry, spec_version, rootless=rootless, cgroup=cgroup, name=path.name)
    )
    return Expectations(path.name, tuple(held))


def holds(
    entry: Mapping[str, Any],
    spec_version: str,
    *,
    rootless: bool,
    cgroup: str = "",
    name: str = "expectations",
) -> bool:
    """Whether an entry speaks of runs like this one: by release, by root or not, by cgroups."""
    if entry.get("spec") and not _in(spec_version, str(entry["spec"]), Path(name)):
        return False
    return entry.get("rootless") in {None, rootless} and entry.get("cgroup") in {None, cgroup}


LAYOUTS = ("v1", "v2", "hybrid")


MEMBERS = frozenset(f.name for f in fields(Expectation)) - {"lines"}
"""What an entry may say."""

_SHAPES: dict[str, type] = {"cases": list, "blocked": bool, "unstable": bool, "rootless": bool}
"""Of the members of an entry; all others are strings."""


def _read(entry: Any, path: Path, number: int) -> Expectation:  # noqa: ANN401 - as TOML gives it
    where = f"{path.name}: known entry {number}"
    if not isinstance(entry, dict):
        raise ExpectationError(f"{where} is no table: write [[known]]")
    if "reason" not in entry:
        raise ExpectationError(f"{where} lacks reason")
    if not {"clause", "cases"} & set(entry):
        raise ExpectationError(f"{where} lacks clause, or cases")
    if unknown := set(entry) - MEMBERS:
        raise ExpectationError(f"{where}: no member of an entry: {', '.join(sorted(unknown))}")
    for name, value in entry.items():
        if not isinstance(value, _SHAPES.get(name, str)):
            raise ExpectationError(f"{where}: {name} is of the wrong type")
    cases = entry.get("cases", ["*"])
    if not cases or not all(isinstance(case, str) and case for case in cases):
        raise ExpectationError(f"{where}: cases is no list of case ids")
    if entry.get("cgroup", "v1") not in LAYOUTS:
        raise ExpectationError(f"{where}: cgroup is none of {', '.join(LAYOUTS)}")
    until = entry.get("until", "")
    if until and _day(until) is None and not _is_version(until):
        raise ExpectationError(f"{where}: until {until!r} is no day (2027-01-31) and no version")
    return Expectation(**{"clause": "", **entry, "cases": tuple(cases)})


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _is_version(text: str) -> bool:
    try:
        _version(text)
    except InvalidVersion:
        return False
    return True


def _table(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExpectationError(f"{path}: {error}") from error
    about = table.get("runtime")
    if not isinstance(about, dict) or not all(
        isinstance(about.get(name), str) for name in ("name", "versions")
    ):
        raise ExpectationError(f"{path.name}: needs [runtime] with name and versions")
    return table


def _in(version: str, specifier: str, path: Path) -> bool:
    try:
        held = SpecifierSet(specifier, prereleases=True)
    except InvalidSpecifier as error:
        raise ExpectationError(f"{path.name}: {error}") from error
    try:
        return held.contains(_version(version))
    except InvalidVersion:
        return False


def _version(text: str) -> Version:
    # Debian writes 1.0.0~rc93+ds1-5+deb11u5: a tilde before a pre-release, more than one plus.
    release, plus, local = text.replace("~", "").partition("+")
    return Version(release + plus + local.replace("+", "."))
