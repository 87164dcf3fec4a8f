"""What turns a run red in its expectation file, and which line of the file is to go for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.expectations import NOT_ADJUDICATED, matches
from harness.results import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from harness.expectations import Expectation, Expectations


def unmatched(known: Expectations, cases: Iterable[tuple[str, Iterable[str]]]) -> list[str]:
    """Say which patterns match none of the cases of a whole run, each given with its clauses."""
    seen = [(case, set(named)) for case, named in cases]
    return [
        f"{_at(known, entry, number)}: the entry of {entry.name} matches no case: {pattern}; "
        f"remove {_what(entry, [number])}"
        for entry in known.known
        for number, pattern in enumerate(entry.cases)
        if not any(entry.speaks_of(named) and matches(case, pattern) for case, named in seen)
    ]


def expired(known: Expectations, version: str, today: date) -> list[str]:
    """Say which entries have outlived what they promise."""
    return [
        f"{_at(known, entry)}: the entry of {entry.name} ended ({entry.until}): look again, then "
        f"remove {_what(entry)} or give it another end"
        for entry in known.known
        if entry.ended(version, today)
    ]


def unadjudicated(known: Expectations) -> list[str]:
    """Say of which entries nobody has said yet why they are deviations."""
    return [
        f"{_at(known, entry)}: the entry of {entry.name} is {NOT_ADJUDICATED}: read the clause, "
        f"then give its reason"
        for entry in known.known
        if entry.reason == NOT_ADJUDICATED
    ]


@dataclass(frozen=True)
class _Seen:
    """What came of the cases that one pattern of an entry matches."""

    number: int
    """Of the pattern in its entry."""
    held: list[str]
    """Cases that pass."""
    others: bool
    """Whether it matches cases that do not."""


def passing(known: Expectations, cases: Iterable[tuple[str, Iterable[str], Verdict]]) -> list[str]:
    """Say which cases pass that are expected not to, and what is to go from the file for it.

    A line goes if all cases pass that it speaks of, an entry if all of its lines go.
    """
    ran = [(case, set(named), verdict) for case, named, verdict in cases]
    found = []
    for entry in (e for e in known.known if not e.unstable):
        seen = [_look(entry, number, ran) for number in range(len(entry.cases))]
        if all(one.held and not one.others for one in seen):
            every = [case for one in seen for case in one.held]
            found.append(f"{_at(known, entry)}: {_pass(every)}: remove {_what(entry)}")
            continue
        for one in (one for one in seen if one.held):
            way = (
                _narrow(entry, one.number) if one.others else f"remove {_what(entry, [one.number])}"
            )
            found.append(f"{_at(known, entry, one.number)}: {_pass(one.held)}: {way}")
    return found


def _look(entry: Expectation, number: int, ran: list[tuple[str, set[str], Verdict]]) -> _Seen:
    about = [
        (case, verdict is Verdict.PASS)
        for case, named, verdict in ran
        if entry.speaks_of(named) and matches(case, entry.cases[number])
    ]
    held = [case for case, passes in about if passes]
    return _Seen(number, held, len(held) < len(about))


def _pass(cases: Sequence[str]) -> str:
    named = list(dict.fromkeys(cases))
    if len(named) == 1:
        return f"{named[0]} passes and is expected to fail"
    return f"{named[0]} and {len(named) - 1} more pass and are expected to fail"


def _at(known: Expectations, entry: Expectation, number: int | None = None) -> str:
    """Name the file and the line: of the entry, or of one of its cases where it has several."""
    lines = entry.lines
    of_one = number is not None and len(entry.cases) > 1 and lines.cases
    line = lines.cases[number or 0] if of_one else 0
    return f"{known.name}:{line or lines.first}" if lines.first else known.name


def _what(entry: Expectation, numbers: Sequence[int] | None = None) -> str:
    """Name what is to go: the entry where all of its cases do, else the line of the one."""
    lines = entry.lines
    if numbers is None or len(numbers) == len(entry.cases):
        where = f" (lines {lines.first} to {lines.last})" if lines.first else ""
        return f"the entry of {entry.name}{where}"
    (number,) = numbers
    if lines.alone and lines.alone[number]:
        return f"this line of the entry of {entry.name}"
    return f'"{entry.cases[number]}" from the entry of {entry.name}'


def _narrow(entry: Expectation, number: int) -> str:
    said = f'"{entry.cases[number]}" of the entry of {entry.name} says too much'
    return f"{said}: name the cases that fail"
