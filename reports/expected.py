"""What was expected and what was seen: the two lines that say why a case is no pass."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.results import Verdict
from reports.text import line, visible

if TYPE_CHECKING:
    from harness.results import Case

DEVIATES = frozenset({Verdict.FAIL, Verdict.KNOWN, Verdict.ADVICE, Verdict.UNSTABLE})
"""Verdicts that come from something seen which the clause does not allow."""

_DEMANDED = re.compile(r"demanded: (?P<expected>.+?); seen: (?P<seen>.+)", re.DOTALL)
_COMPARED = re.compile(r" (==|!=|<=|>=|<|>|not in|in|is not|is) ")
_WORDS = {"==": "", "is": ""}
_PAIRS = {"(": ")", "[": "]", "{": "}"}


def expected_and_seen(case: Case) -> tuple[str, str] | None:
    """Return both as text, expected first; None where nothing was seen to deviate.

    They come from the sentence of a demand or from the comparison that pytest printed. Where
    neither can be read, the clause is what was expected, and the reason what was seen.
    """
    if case.verdict not in DEVIATES or not case.reason:
        return None
    reason = seen(case.reason)
    if demanded := _DEMANDED.fullmatch(reason):
        return demanded["expected"], demanded["seen"]
    first = reason.partition("\n")[0]
    if first.startswith("assert ") and (sides := _sides(first.removeprefix("assert "))):
        left, operator, right = sides
        return f"{_WORDS.get(operator, operator + ' ')}{right}", left
    return case.summary or "the clause holds", first


def seen(reason: str) -> str:
    """Return what was seen of a ``reason`` that begins with that of an expectation."""
    return reason.rpartition("\nseen: ")[2]


def told(case: Case, limit: int) -> bool:
    """Whether two lines of up to ``limit`` characters say all that the reason says."""
    why, _, rest = case.reason.rpartition("\nseen: ")
    return all(line(text, limit) == visible(text) for text in (why, rest))


def _sides(text: str) -> tuple[str, str, str] | None:
    """Split a comparison at its one operator; None if that is not clear."""
    found = [
        (text[: match.start()], match[1], text[match.end() :])
        for match in _COMPARED.finditer(text)
        if _whole(text[: match.start()]) and _whole(text[match.end() :])
    ]
    return found[0] if len(found) == 1 else None


def _whole(side: str) -> bool:
    """Whether brackets and quotes of ``side`` are closed, as far as pytest left them whole."""
    if "..." in side:
        return True
    open_: list[str] = []
    quote = ""
    for character in re.sub(r"\\.", "", side):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in _PAIRS:
            open_.append(_PAIRS[character])
        elif character in ")]}" and (not open_ or open_.pop() != character):
            return False
    return not quote and not open_
