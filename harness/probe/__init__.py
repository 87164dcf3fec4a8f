"""The reading side of the probe: what the program in the container said.

The probe appends its lines to a file that the runtime and everything else in the container may
write to as well. So the text is untrusted: whatever is not a line of this probe is passed over.
What a line may hold stands in the comment at the top of `probe.c`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

__all__ = ["Line", "parse"]

LONGEST_LINE = 2 * 1024 * 1024
"""Characters; the probe's own lines end at 1 MiB."""

LONGEST_TEXT = 64 * 1024 * 1024
"""Bytes or characters that are looked at; what comes later is not read."""


@dataclass(frozen=True)
class Line:
    """One line of the probe: `event`, who said it (`as_`), and every other member but the nonce."""

    event: str
    as_: str
    data: Mapping[str, object]


def parse(text: bytes | str, nonce: str) -> list[Line]:
    """Return the lines of the probe that carry `nonce`, in the order in which they were written.

    Bytes are decoded as UTF-8 with surrogateescape, so `os.fsencode` of a member gives the bytes
    that the probe saw. Passed over: lines that are no JSON object, that carry another nonce, that
    are longer than `LONGEST_LINE`, and a last line whose newline is not written yet. Never raises.
    """
    text = text[:LONGEST_TEXT]
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    *complete, _unfinished = text.split("\n")
    lines = (_line(candidate, nonce) for candidate in complete)
    return [line for line in lines if line is not None]


def _line(text: str, nonce: str) -> Line | None:
    if not text.startswith("{") or len(text) > LONGEST_LINE:
        return None
    try:
        members = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    if not isinstance(members, dict) or members.pop("nonce", None) != nonce:
        return None
    event, as_ = members.pop("event", None), members.pop("as", None)
    if not isinstance(event, str) or not isinstance(as_, str):
        return None
    return Line(event, as_, members)


def _refuse(constant: str) -> NoReturn:
    # Python's json reads NaN and Infinity, which are not JSON.
    raise ValueError(constant)
