"""Groups of a resctrl file system, as the host sees them (resctrl.rst of the kernel).

A group is a directory: its file ``tasks`` lists processes, its ``schemata`` says what they may use.
"""

from __future__ import annotations

import itertools
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

INTERNAL = {"info", "mon_data", "mon_groups"}


@dataclass(frozen=True)
class Group:
    """One group; the default one is the root of the file system."""

    path: Path

    @property
    def there(self) -> bool:
        """Whether it is there."""
        return self.path.is_dir()

    @property
    def tasks(self) -> set[int]:
        """Numbers of the threads in it; none where it is not there."""
        file = self.path / "tasks"
        return set(map(int, file.read_text().split())) if file.exists() else set()

    @property
    def schemata(self) -> dict[str, dict[str, int]]:
        """Values by resource and domain: ``{"L3": {"0": 0x7ff}, "MB": {"0": 100}}``."""
        file = self.path / "schemata"
        return parsed(file.read_text()) if file.exists() else {}

    @property
    def monitors(self) -> set[str]:
        """Names of the groups below it that only monitor."""
        directory = self.path / "mon_groups"
        return {path.name for path in directory.iterdir()} if directory.is_dir() else set()

    def make(self) -> None:
        """Make it; the kernel fills it."""
        self.path.mkdir()

    def write(self, line: str) -> None:
        """Write a line of schemata."""
        (self.path / "schemata").write_text(f"{line}\n")

    def exhaust(self) -> None:
        """Make groups that monitor until there is no room for one more."""
        numbers = itertools.count()
        with suppress(OSError):
            while True:
                (self.path / "mon_groups" / f"conformance{next(numbers)}").mkdir()

    def group(self, name: str) -> Group:
        """Return the group of this name, of the default one."""
        return Group(self.path / name)

    @property
    def groups(self) -> set[str]:
        """Names of all groups but the default one."""
        names = {path.name for path in self.path.iterdir() if path.is_dir()}
        return names - INTERNAL

    def all(self, resource: str) -> str:
        """Return the line that gives all of a resource that this group has: ``MB:0=100;1=100``."""
        return _line(resource, self.schemata[resource])

    def less(self, resource: str) -> str:
        """Return a line that gives less than that: ``L3:0=3ff;1=3ff``."""
        # A cache loses the highest part of its mask, of which what is left is in one piece.
        return _line(resource, {d: value >> 1 for d, value in self.schemata[resource].items()})


def _line(resource: str, values: Mapping[str, int]) -> str:
    base = "d" if resource == "MB" else "x"
    return f"{resource}:" + ";".join(f"{d}={value:{base}}" for d, value in values.items())


def parsed(text: str) -> dict[str, dict[str, int]]:
    """Take lines of schemata apart; masks are hexadecimal, bandwidths are not."""
    found: dict[str, dict[str, int]] = {}
    for line in text.splitlines():
        resource, _, rest = (word.strip() for word in line.partition(":"))
        base = 10 if resource == "MB" else 16
        pairs = (pair.partition("=") for pair in rest.split(";") if pair)
        found[resource] = {domain.strip(): int(value, base) for domain, _, value in pairs}
    return found


@contextmanager
def cleared(root: Group) -> Iterator[Group]:
    """Remove at the end the groups that are new, with what monitors in them."""
    before = root.groups
    monitors = root.monitors
    try:
        yield root
    finally:
        for name in root.groups - before:
            with suppress(OSError):
                (root.path / name).rmdir()
        for name in root.monitors - monitors:
            with suppress(OSError):
                (root.path / "mon_groups" / name).rmdir()
