"""What a program or the runtime has shown, noted as a case looks at it."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class _Absent:
    """What a member that is not there has."""


ABSENT = _Absent()


class Seen(dict[str, Any]):
    """What a program or the runtime has shown: an object that notes which members are looked at."""

    def __init__(self, data: dict[str, Any], note: Callable[..., None]) -> None:
        super().__init__(data)
        self._look = note

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - a value of JSON
        value = super().get(key, ABSENT)
        if key == "facts" and isinstance(value, dict):
            return Seen(value, self._look)
        self._look(key, value)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401, D102 - as dict
        return self[key] if key in self else default  # noqa: SIM401 - this is get

    def __contains__(self, key: object) -> bool:
        there = super().__contains__(key)
        if not there:
            self._look(str(key), ABSENT)
        return there

    def __eq__(self, other: object) -> bool:
        list(self)
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None

    def inside(self, document: dict[str, Any]) -> Seen:
        """Return what a text of this object says, noted likewise."""
        return Seen(document, partial(self._look, quoted=True))

    def __iter__(self) -> Iterator[str]:
        for key in super().__iter__():
            self._look(key, super().__getitem__(key))
            yield key

    def items(self) -> Any:  # noqa: ANN401, D102 - the view of dict
        list(self)
        return super().items()

    def keys(self) -> Any:  # noqa: ANN401, D102 - the view of dict
        list(self)
        return super().keys()

    def values(self) -> Any:  # noqa: ANN401, D102 - the view of dict
        list(self)
        return super().values()


class Column(list[str]):
    """Values that a case has seen; a list that they turn out not to equal is what it expects."""

    def __init__(self, values: Iterable[str], step: dict[str, Any]) -> None:
        super().__init__(values)
        self._step = step

    def __eq__(self, other: object) -> bool:
        same = super().__eq__(other)
        if not same and isinstance(other, list):
            self._step["expected"] = "\n".join(map(str, other))
        return same

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None


def lasting(key: str, value: object) -> object:
    """Return the value without what is another in every run: numbers of namespaces, of processes.

    Of a namespace it stays whether it is the runtime's own.
    """
    if key == "pid" and isinstance(value, int) and value > 1:
        return "POSITIVE"
    if key == "pid" and isinstance(value, str) and value.isdecimal():
        return "NUMBER"
    if key == "names" and isinstance(value, list):
        return sorted(value, key=str)  # a directory has no order
    if key == "ns" and isinstance(value, dict):
        own = {str(path.readlink()) for path in Path("/proc/self/ns").iterdir()}
        return {k: "[own]" if v in own else "[new]" for k, v in dict.items(value)}
    return value


def literal(value: object) -> str:
    """JSON as the probe writes it: no blanks, every byte but control characters as it is."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return _literal(value) if "\\" in text or "\x7f" in text else text


def _literal(value: object) -> str:
    """Return the same of what has characters that json escapes otherwise, or does not."""
    if isinstance(value, str):
        plain = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + CONTROL.sub(lambda m: f"\\u{ord(m[0]):04x}", plain) + '"'
    if isinstance(value, dict):
        pairs = (f"{_literal(name)}:{_literal(part)}" for name, part in dict.items(value))
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_literal, value)) + "]"
    words: dict[object, str] = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value)


def peek(data: Mapping[str, object], key: str) -> object:
    """Return a member without anybody having looked at it; None if there is none."""
    return dict.get(cast("dict[str, object]", data), key)
