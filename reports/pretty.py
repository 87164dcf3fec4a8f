"""config.json laid out for reading, token by token, so that nothing a case wrote is normalised."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_INLINE = 88
"""A list of plain values stays on its line up to this many characters."""


def pretty(document: str) -> str:
    """Indent ``document``; leave alone what is no JSON (a case may write such on purpose)."""
    return "".join(marked(document, ()))


def marked(document: str, clauses: Iterable[str]) -> tuple[str, str, str]:
    """Return ``pretty(document)`` in three: the middle is the property that a clause is about.

    The property is found by the ids of the clauses; the middle is empty where none names one.
    """
    try:
        json.loads(document)
    except (ValueError, RecursionError):
        return document, "", ""
    parts = _TOKEN.findall(document)
    first, last = max(
        (_member(parts, clause) for clause in clauses),
        key=lambda span: span[0],
        default=(0, 0),
    )
    out = _laid_out(parts, first, last)
    return out[0], out[1], out[2]


def _laid_out(parts: list[str], first: int, last: int) -> tuple[str, str, str]:
    """Indent the tokens; the middle begins at token ``first`` and ends before ``last``."""
    out: list[str] = []
    depth = position = 0
    cuts = [0, 0]
    while position < len(parts):
        if position == first:
            cuts[0] = len(out)
        if position == last:
            cuts[1] = len(out)
        part = parts[position]
        position += 1
        if part == ":":
            out.append(": ")
        elif part == ",":
            out.append(",\n" + "  " * depth)
        elif part in "{[":
            if flat := _flat(parts, position - 1):
                part, position = flat
            else:
                depth += 1
                part += "\n" + "  " * depth
            out.append(part)
        elif part in "}]":
            depth -= 1
            out.append("\n" + "  " * depth + part)
        else:
            out.append(part)
    cuts[1] = cuts[1] or (len(out) if last else 0)
    pieces = out[: cuts[0]], out[cuts[0] : cuts[1]], out[cuts[1] :]
    before, middle, after = ("".join(piece) for piece in pieces)
    return before, middle, after


def _member(parts: list[str], clause: str) -> tuple[int, int]:
    """Find the tokens of the deepest member that the id names; (0, 0) where it names none.

    ``linux.resources.memory.disable-oom-killer`` is linux.resources.memory.disableOOMKiller, and
    ``config.process.user.umask-unset`` process.user.umask.
    """
    area = next((area for area in _ROOTS if clause.startswith(area)), "")
    steps = clause.removeprefix(area).replace("-", "").split(".")
    position = 0
    for key, end in _members(parts, 0) if _ROOTS.get(area) else ():
        if _key(parts, (key, end)) == _ROOTS[area]:
            position = key + 2
    if not area or (_ROOTS[area] and not position):
        return (0, 0)
    found = (0, 0)
    while steps and position < len(parts):
        best = max(
            (span for span in _members(parts, position) if steps[0].startswith(_key(parts, span))),
            key=lambda span: len(parts[span[0]]),
            default=None,
        )
        if best is None:
            break
        found = best
        if steps.pop(0) != _key(parts, best):
            break
        position = best[0] + 2
    return found


_ROOTS = {"config.": "", "linux.": "linux", "runtime.lifecycle.": "hooks"}
"""The object that the second word of an id is looked up in, by area; empty is the whole."""


def _key(parts: list[str], span: tuple[int, int]) -> str:
    return parts[span[0]].strip('"').lower()


def _members(parts: list[str], start: int) -> Iterator[tuple[int, int]]:
    """Give each member of the object that begins at ``start``: its key, and where it ends."""
    if parts[start] != "{":
        return
    position = start + 1
    while position < len(parts) and parts[position] not in "},":
        key = position
        position = _end(parts, key + 2)
        yield key, position
        position += parts[position] == ","


def _end(parts: list[str], start: int) -> int:
    """Return the token after the value that begins at ``start``."""
    depth = 0
    for position in range(start, len(parts)):
        depth += (parts[position] in "{[") - (parts[position] in "}]")
        if not depth:
            return position + 1
    return len(parts)


def _flat(parts: list[str], start: int) -> tuple[str, int] | None:
    """Put a short list of plain values, or an empty object, on one line; say where it ends."""
    close = {"[": "]", "{": "}"}[parts[start]]
    end = start + 1
    width = 2
    while end < len(parts) and parts[end] not in "[]{}" and width <= _INLINE:
        width += len(parts[end]) + 1
        end += 1
    if end >= len(parts) or parts[end] != close or (close == "}" and end > start + 1):
        return None
    inner = "".join(", " if part == "," else part for part in parts[start + 1 : end])
    return parts[start] + inner + close, end + 1
