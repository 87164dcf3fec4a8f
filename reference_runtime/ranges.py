"""Lists of numbers such as 0-3,7: how config.json and the kernel name CPUs and memory nodes."""

from __future__ import annotations


def numbers(text: str, highest: int, what: str) -> set[int]:
    """Return the numbers of a list; ValueError says what is wrong with it."""
    found: set[int] = set()
    for part in text.split(","):
        first, is_range, last = part.partition("-")
        low = _number(first, highest, what)
        high = _number(last, highest, what) if is_range else low
        if low > high:
            message = f"{part!r} is a range that ends before it begins"
            raise ValueError(message)
        found.update(range(low, high + 1))
    return found


def _number(text: str, highest: int, what: str) -> int:
    if not (text.isascii() and text.isdigit()):
        message = f"{text!r} is not the number of a {what}"
        raise ValueError(message)
    if len(text) > len(str(highest)) or int(text) > highest:
        message = f"{text} is higher than {highest}, the last {what} that Linux can have"
        raise ValueError(message)
    return int(text)
