"""Mount tables, proc_pid_mountinfo(5): what the kernel says is mounted where, and how."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Mount:
    """One line of a mount table."""

    id: int
    parent: int
    root: str
    """What of the file system is mounted."""
    point: str
    """Where, seen from the root of the process whose table it is."""
    options: frozenset[str]
    """Of this mount alone: ``ro``, ``nosuid``, ``relatime``."""
    tags: frozenset[str]
    """How it propagates: ``shared``, ``master``, ``unbindable``, without the group's number."""
    type: str
    source: str
    super_options: frozenset[str]
    """Of the whole file system: ``sync``, ``size=64k``."""


def parse(text: str) -> list[Mount]:
    """Return the mounts of a mount table, in its order, which need not be that of mounting."""
    return list(_parsed(text))


@lru_cache(maxsize=8)
def _parsed(text: str) -> tuple[Mount, ...]:
    # One table answers the questions of many cases.
    return tuple(_mount(line) for line in text.splitlines())


def on_top(mounts: list[Mount], point: str) -> Mount | None:
    """Return what is mounted at ``point`` and not covered by another mount at it."""
    there = [mount for mount in mounts if mount.point == point]
    covered = {mount.parent for mount in there}
    return next((mount for mount in there if mount.id not in covered), None)


def plain(mounts: list[Mount], point: str = "") -> str:
    """Write mounts, at ``point`` or all but the root, without what differs between two runs."""
    return "\n".join(
        f"{m.point} {m.root} {','.join(sorted(m.options))} {','.join(sorted(m.tags))} "
        f"{m.type} {m.source} {','.join(sorted(m.super_options))}"
        for m in mounts
        if m.point == point or (not point and m.point != "/")
    )


def _mount(line: str) -> Mount:
    before, _, after = line.partition(" - ")
    id_, parent, _, root, point, options, *tags = before.split(" ")
    kind, source, super_options = after.split(" ", 2)
    return Mount(
        int(id_),
        int(parent),
        _plain(root),
        _plain(point),
        frozenset(options.split(",")),
        frozenset(tag.partition(":")[0] for tag in tags),
        kind,
        _plain(source),
        frozenset(super_options.split(",")),
    )


def _plain(field: str) -> str:
    """Undo the octal escapes of blank, tab, newline and backslash."""
    for escaped, plain in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(escaped, plain)
    return field
