"""``--update-expectations``: what a run shows is written into the expectation file.

New deviations come in with the reason ``NOT_ADJUDICATED``, with which the gate stays red: a person
reads the clause again and says why it is a deviation. Patterns whose cases pass go out. All else of
the file, its order, comments and reasons, stays as people wrote it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.expectations import NOT_ADJUDICATED, holds, matches
from harness.faults import ExpectationError
from harness.results import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from tomlkit import TOMLDocument
    from tomlkit.items import Table

    from harness.results import Case, Runtime

NEW = frozenset({Verdict.FAIL, Verdict.BLOCKED})


@dataclass(frozen=True)
class Place:
    """Where a run took place, as far as entries ask for it."""

    rootless: bool = False
    cgroup: str = ""
    """v1, v2 or hybrid; empty is none that an entry asks for."""


HERE = Place()


@dataclass(frozen=True)
class Change:
    """What became of the file."""

    added: int
    """Entries."""
    removed: int
    """Patterns of cases."""

    def __str__(self) -> str:
        added = "1 entry" if self.added == 1 else f"{self.added} entries"
        removed = "1 pattern" if self.removed == 1 else f"{self.removed} patterns"
        return f"{added} added, {removed} removed"


def update(
    path: Path,
    runtime: Runtime,
    cases: Iterable[Case],
    told: Callable[[Case], tuple[str, str]],
    place: Place = HERE,
) -> Change:
    """Bring the file at ``path`` up to what the cases of a run came to.

    ``told`` gives what was expected and what was seen of a case that failed. Raises
    ExpectationError if the file cannot be written. A file that is not there is made, for this
    version of the runtime alone.
    """
    ran = list(cases)
    document = _read(path, runtime)
    version = runtime.spec_version

    def speaks_of_it(entry: Mapping[str, Any]) -> bool:
        return holds(entry, version, rootless=place.rootless, cgroup=place.cgroup, name=path.name)

    removed = _remove(document, ran, speaks_of_it)
    added = _add(document, ran, told, rootless=place.rootless)
    if added or removed:
        _write(path, document)
    return Change(added, removed)


def _read(path: Path, runtime: Runtime) -> TOMLDocument:
    import tomlkit  # noqa: PLC0415 - only who updates waits for it

    if path.exists():
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    document = tomlkit.document()
    document.add(tomlkit.comment(f"Known deviations of {runtime.name} {runtime.version}."))
    about = tomlkit.table()
    about.update({"name": runtime.name, "versions": f"=={runtime.version}"})
    document.add("runtime", about)
    return document


def _write(path: Path, document: TOMLDocument) -> None:
    import tomlkit  # noqa: PLC0415 - as above

    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(tomlkit.dumps(document), encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise ExpectationError(f"{path}: cannot be written ({error.strerror})") from error


def _remove(
    document: TOMLDocument, ran: list[Case], speaks_of_it: Callable[[Mapping[str, Any]], bool]
) -> int:
    known: Any = document.get("known", [])
    count = 0
    for entry in list(known):
        if not speaks_of_it(entry) or entry.get("unstable"):
            continue
        patterns = entry.get("cases", ["*"])
        clause = entry.get("clause", "")
        of_it = [case for case in ran if not clause or clause in case.clauses]
        for pattern in list(patterns):
            about = [case for case in of_it if matches(case.case, pattern)]
            if about and all(case.verdict is Verdict.PASS for case in about):
                patterns.remove(pattern)
                count += 1
        if not patterns:
            known.remove(entry)
    return count


def _add(
    document: TOMLDocument,
    ran: list[Case],
    told: Callable[[Case], tuple[str, str]],
    *,
    rootless: bool,
) -> int:
    import tomlkit  # noqa: PLC0415 - as above

    new: dict[tuple[str, bool], list[Case]] = defaultdict(list)
    for case in ran:
        if case.verdict in NEW and case.clauses:
            new[case.clauses[0], case.verdict is Verdict.BLOCKED].append(case)
    if new and "known" not in document:
        document.add("known", tomlkit.aot())
    known: Any = document.get("known", [])
    for (clause, blocked), several in new.items():
        entry = _entry(clause, several, told)
        if blocked:
            entry["blocked"] = True
        if rootless:
            entry["rootless"] = True
        entry.add(tomlkit.nl())
        known.append(entry)
    return len(new)


def _entry(clause: str, several: list[Case], told: Callable[[Case], tuple[str, str]]) -> Table:
    import tomlkit  # noqa: PLC0415 - as above

    entry = tomlkit.table()
    expected, seen = told(several[0])
    entry["clause"] = clause
    entry.add(tomlkit.comment(f"expected: {expected}"))
    entry.add(tomlkit.comment(f"seen: {seen}"))
    cases = tomlkit.array()
    cases.extend(case.case for case in several)
    entry["cases"] = cases.multiline(multiline=True)
    entry["reason"] = NOT_ADJUDICATED
    return entry
