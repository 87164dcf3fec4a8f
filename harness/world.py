"""The world around a container: what of the host a runtime could have changed.

Compared before and after: a failed operation and a deleted container leave it as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness import cgroups, procfs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KEPT = ("/dev/null", "/dev", "/sys")
"""Shared with the host or all containers; runtimes were seen changing their owner and mode."""


@dataclass(frozen=True)
class World:
    """One look at it. Members are sets of printable facts, so that a difference can be shown."""

    processes: frozenset[str]
    mounts: frozenset[str]
    cgroups: frozenset[str]
    nodes: frozenset[str]
    files: frozenset[str]

    def beyond(self, earlier: World) -> list[str]:
        """What is here that was not in ``earlier``, or is not as it was: ``[]`` if all is well."""
        return [
            f"{name}: {fact}"
            for name in ("processes", "mounts", "cgroups", "nodes", "files")
            for fact in sorted(getattr(self, name) - getattr(earlier, name))
        ]

    def lacks(self, earlier: World) -> list[str]:
        """What was in ``earlier`` and is gone or changed."""
        return earlier.beyond(self)


def look(roots: Sequence[Path], directories: Iterable[Path] = ()) -> World:
    """Look at the world: ``roots`` are the cgroup roots, ``directories`` are listed."""
    return World(
        processes=frozenset(_processes()),
        mounts=frozenset(Path("/proc/self/mountinfo").read_text(errors="replace").splitlines()),
        cgroups=frozenset(str(path) for root in roots for path in cgroups.below(root)),
        nodes=frozenset(map(_node, KEPT)),
        files=frozenset(str(path) for directory in directories for path in directory.iterdir()),
    )


def _processes() -> list[str]:
    found = []
    for pid in procfs.descendants():
        process = procfs.Process.of(pid)
        if process is not None:
            found.append(f"{procfs.describe(pid)} started {process.started}")
    return found


def _node(path: str) -> str:
    status = Path(path).lstat()
    return f"{path} mode {status.st_mode:o} owner {status.st_uid}:{status.st_gid}"
