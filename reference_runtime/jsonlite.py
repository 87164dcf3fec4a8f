"""JSON by CPython's own C scanner and encoder: the json package would cost every operation 10 ms.

Stricter than json.loads, as glossary.md#json asks: UTF-8 only, no member name twice, no NaN.
"""

from __future__ import annotations

import _json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WHITESPACE = " \t\n\r"


class _Rules:
    """What the C scanner asks of its decoder."""

    strict = True
    object_hook = None
    parse_float = float
    parse_int = int
    memo: dict[str, str] = {}  # noqa: RUF012 (the scanner clears it itself)

    @staticmethod
    def object_pairs_hook(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            message = f'the member "{twice}" occurs twice in one object'
            raise ValueError(message)
        return members

    @staticmethod
    def parse_constant(name: str) -> Any:  # noqa: ANN401
        message = f"{name} is no JSON value"
        raise ValueError(message)


_scan = _json.make_scanner(_Rules)  # type: ignore[arg-type]
_encode = _json.make_encoder(
    None,
    str,
    _json.encode_basestring_ascii,
    None,
    ":",
    ",",
    False,  # noqa: FBT003 (sort_keys)
    False,  # noqa: FBT003 (skipkeys)
    False,  # noqa: FBT003 (allow_nan)
)


def loads(document: bytes) -> Any:  # noqa: ANN401
    """Parse one JSON document (RFC 8259, RFC 7493); ValueError says what is wrong with it."""
    text = document.decode("utf-8")
    start = len(text) - len(text.lstrip(_WHITESPACE))
    try:
        value, end = _scan_or_explain(text, start)
    except StopIteration as stop:
        message = f"no JSON value at character {stop.value}"
        raise ValueError(message) from None
    if text[end:].strip(_WHITESPACE):
        message = f"more than one JSON value: extra text at character {end}"
        raise ValueError(message)
    return value


def _scan_or_explain(text: str, start: int) -> tuple[Any, int]:
    try:
        scanned: tuple[Any, int] = _scan(text, start)
    except SystemError:  # it raises JSONDecodeError if json.decoder is loaded, else it cannot
        __import__("json.decoder")
        scanned = _scan(text, start)
    return scanned


def dumps(value: Any) -> str:  # noqa: ANN401
    """Serialise to one line of ASCII."""
    return "".join(_encode(value, 0))
