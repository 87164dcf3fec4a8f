"""Where in an expectation file its entries stand: tomllib says what a file holds, not where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

_HEADER = re.compile(r"\s*\[\[?\s*(?P<name>[\w.\"'-]+)\s*\]\]?\s*(#.*)?")


@dataclass(frozen=True)
class Lines:
    """The lines of one entry, counted from 1; all 0 or empty where they were not found."""

    first: int = 0
    last: int = 0
    cases: tuple[int, ...] = ()
    """Of each of its cases; 0 for one that was not found."""
    alone: tuple[bool, ...] = ()
    """Whether nothing but this case is in that line."""


def entries(text: str, cases: list[list[str]]) -> list[Lines]:
    """Find the ``[[known]]`` tables of a file; ``cases`` are those of each, as they were read.

    Where the file is written in another way (an inline array, headers within a string) it finds
    nothing, rather than a wrong line.
    """
    lines = text.splitlines()
    headers = [
        (number, found["name"]) for number, line in enumerate(lines)
        if (found := _HEADER.fullmatch(line))
    ]  # fmt: skip
    starts = [number for number, name in headers if name == "known"]
    if len(starts) != len(cases):
        return [Lines()] * len(cases)
    ends = {start: stop for (start, _), (stop, _) in pairwise(headers)}
    return [
        _entry(lines, start, ends.get(start, len(lines)), several)
        for start, several in zip(starts, cases, strict=True)
    ]


def _entry(lines: list[str], start: int, stop: int, cases: list[str]) -> Lines:
    while stop > start + 1 and (not lines[stop - 1].strip() or lines[stop - 1].startswith("#")):
        stop -= 1  # what stands before the next entry is the next one's
    numbers, alone = [], []
    for case in cases:
        held = f'"{case}"', f"'{case}'"
        found = [n for n in range(start, stop) if any(text in lines[n] for text in held)]
        numbers.append(found[0] + 1 if len(found) == 1 else 0)
        rest = lines[found[0]].partition("#")[0].strip().rstrip(",") if found else ""
        alone.append(rest in held)
    return Lines(start + 1, stop, tuple(numbers), tuple(alone))
