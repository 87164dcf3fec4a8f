"""Checks of JSON values, from which validate.py is put together.

A check is a function of the value and the path of its property: its errors begin with that path.
"""

from __future__ import annotations

from reference_runtime import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any

    from reference_runtime.model import Json

    Check = Callable[[Any, str], None]
    Table = dict[str, Check]

_LONGEST_PATH = 4095  # PATH_MAX without the null character
_SHOWN = 300  # characters of a path, and of a problem


def wrong(where: str, problem: str) -> errors.OperationError:
    """Return the error for the property at a path."""
    return errors.OperationError(f"{_cut(where)}: {_cut(problem)}")


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def boolean(value: object, where: str) -> None:
    """Check for true or false."""
    if not isinstance(value, bool):
        raise wrong(where, f"must be true or false, not {_kind(value)}")


def string(value: object, where: str) -> None:
    """Check for text that the kernel can be given: UTF-8 without the null character."""
    if not isinstance(value, str):
        raise wrong(where, f"must be a string, not {_kind(value)}")
    if "\0" in value:
        raise wrong(where, "must not contain the null character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise wrong(where, "must be valid Unicode, without half surrogate pairs") from None


def non_empty(value: object, where: str) -> None:
    """Check for a string of at least one character."""
    string(value, where)
    if not value:
        raise wrong(where, "must not be empty")


def path(value: object, where: str) -> None:
    """Check for a path that the kernel can be given."""
    non_empty(value, where)
    if len(str(value).encode()) > _LONGEST_PATH:
        raise wrong(where, f"must not be longer than {_LONGEST_PATH} bytes")


def absolute_path(value: object, where: str) -> None:
    """Check for a path that begins with a slash."""
    path(value, where)
    if not str(value).startswith("/"):
        raise wrong(where, f"must be an absolute path, not {value!r}")


def integer(low: int, high: int) -> Check:
    """Make a check for a whole number of a range."""

    def check(value: object, where: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong(where, f"must be an integer, not {_kind(value)}")
        if not low <= value <= high:
            raise wrong(where, f"must be between {low} and {high}, not {value}")

    return check


int64 = integer(-(2**63), 2**63 - 1)
uint64 = integer(0, 2**64 - 1)
uint32 = integer(0, 2**32 - 1)
uint16 = integer(0, 2**16 - 1)


def one_of(values: Collection[str]) -> Check:
    """Make a check for a string of a list."""

    def check(value: object, where: str) -> None:
        string(value, where)
        if value not in values:
            raise wrong(where, f"unknown value {value!r}")

    return check


def array(check_item: Check, *, at_least: int = 0, at_most: int = 2**63) -> Check:
    """Make a check for an array of which every item passes a check."""

    def check(value: object, where: str) -> None:
        if not isinstance(value, list):
            raise wrong(where, f"must be an array, not {_kind(value)}")
        if len(value) < at_least:
            raise wrong(where, "must not be empty")
        if len(value) > at_most:
            raise wrong(where, f"has {len(value)} entries, more than {at_most}")
        for index, item in enumerate(value):
            check_item(item, f"{where}[{index}]")

    return check


def unique_by(member: str, check_array: Check) -> Check:
    """Make a check for an array of objects that differ in one member."""

    def check(value: list[Json], where: str) -> None:
        check_array(value, where)
        seen = set()
        for index, item in enumerate(value):
            if item[member] in seen:
                raise wrong(f"{where}[{index}].{member}", f"{item[member]} occurs twice")
            seen.add(item[member])

    return check


def members(table: Table, *, required: tuple[str, ...] = ()) -> Check:
    """Make a check for an object; members that the table lacks are unknown and so ignored."""

    def check(value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise wrong(where or "config.json", f"must be an object, not {_kind(value)}")
        prefix = f"{where}." if where else ""
        for name in required:
            if name not in value:
                raise wrong(prefix + name, "is required")
        for name, item in value.items():
            if name in table:
                table[name](item, prefix + name)

    return check


def mapping(check_value: Check, check_key: Check = string) -> Check:
    """Make a check for an object with names of the author's choice."""

    def check(value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise wrong(where, f"must be an object, not {_kind(value)}")
        for name, item in value.items():
            check_key(name, f"{where}: the key {name!r}")
            check_value(item, f"{where}.{name}")

    return check


def both(first: Check, second: Check) -> Check:
    """Make a check of two; the second may rely on the first."""

    def check(value: object, where: str) -> None:
        first(value, where)
        second(value, where)

    return check


def _kind(value: object) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number with a fraction", str: "a string",
             list: "an array", dict: "an object"}  # fmt: skip
    return names.get(type(value), "null")
