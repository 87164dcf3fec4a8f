"""Text of a runtime made fit to be read: visible, bounded, and the same in every format.

Whatever a runtime printed is untrusted. ``visible`` is the one place that decides what a control
character, a lone surrogate or a bidirectional override looks like; escaping for HTML comes after.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.results import Operation

MAX_TEXT = 16_384
"""No text of a results file takes more characters than this in a report, wherever it stands."""


def visible(text: str) -> str:
    r"""``text`` with everything that does not print replaced by something that does.

    Line feed and tab stay; other C0 controls become their picture (``\x1b``: U+241B), the rest
    (surrogates, bidirectional overrides, zero-width and unassigned characters) ``⟨U+202E⟩``.
    """
    if text.isprintable() or text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return text.translate(_PICTURES)


class _Pictures(dict[int, str]):
    """What str.translate asks for each character; each is worked out once."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if character.isprintable() or character in "\n\t":
            shown = character
        elif code < 0x20:  # noqa: PLR2004 - the C0 controls
            shown = chr(0x2400 + code)
        else:
            shown = "\u2421" if code == 0x7F else f"⟨U+{code:04X}⟩"  # noqa: PLR2004 - DEL
        self[code] = shown
        return shown


_PICTURES = _Pictures()


def clip(text: str, limit: int) -> str:
    """``text`` cut to ``limit`` characters in its middle, with a note of how many are missing."""
    if len(text) <= limit:
        return text
    tail = limit // 4
    missing = len(text) - limit
    return f"{text[: limit - tail]} [… {missing} characters left out …] {text[len(text) - tail :]}"


def shown(text: str, limit: int = MAX_TEXT) -> str:
    """``text`` bounded and visible: the gate that all text of a run passes on its way to a page."""
    return visible(clip(text, min(limit, MAX_TEXT)))


def line(text: str, limit: int = 300) -> str:
    """``text`` as a single bounded line, for headings and terminals."""
    return visible(clip(" ".join(clip(text, 4 * limit).split()), limit)).replace("\n", " ")


def plural(count: int, noun: str) -> str:
    """``3 clauses``, ``1 clause``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def duration(seconds: float) -> str:
    """Write a time as people read it: ``0.4 ms``, ``12 ms``, ``3.2 s``, ``4 min 5 s``."""
    if seconds < 0.01:  # noqa: PLR2004
        return f"{seconds * 1000:.1f} ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if not seconds < 60:  # noqa: PLR2004
        minutes, rest = divmod(seconds, 60)
        return f"{minutes:.0f} min {rest:.0f} s"
    return f"{seconds:.1f} s"


def command(argv: list[str]) -> str:
    """``argv`` quoted so that it can be pasted into a shell."""
    return shlex.join(argv)


def outcome(operation: Operation) -> str:
    """How a call ended: ``exit 0``, ``SIGSEGV``, or that it was ended at the deadline."""
    if operation.signal is not None:
        try:
            return signal.Signals(operation.signal).name
        except ValueError:
            return f"signal {operation.signal}"
    if operation.exit_status is not None:
        return f"exit {operation.exit_status}"
    return "ended at the deadline" if operation.fault == "RuntimeHung" else "no exit status"


def slug(case: str) -> str:
    """Make a fragment identifier of a case: readable, the same in every run, no two alike."""
    name = case.lower().replace(".py::", "/").replace("/test_", "/")
    words = re.sub(r"[^a-z0-9]+", "-", name).strip("-")
    digest = hashlib.sha256(case.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{words[:64].rstrip('-') or 'case'}-{digest[:6]}"


def parameters(case: str) -> str:
    """Return the parameters in a case's id: ``TERM`` of ``.../test_kill.py::test_sends[TERM]``."""
    _, bracket, rest = case.partition("[")
    return rest.removesuffix("]") if bracket else ""
