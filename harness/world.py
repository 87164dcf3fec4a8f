"""The world around a container: what of the host a runtime could have changed.

Compared before and after: a failed operation and a deleted container leave it as it was.
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from harness import cgroups, host, procfs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

KEPT = ("/dev/null", "/dev", "/sys")
"""Shared with the host or all containers; runtimes were seen changing their owner and mode."""


@dataclass(frozen=True, order=True)
class Node:
    """Mode and owner of one of KEPT."""

    path: str
    mode: int
    uid: int
    gid: int

    @classmethod
    def at(cls, path: str) -> Node:
        """Look at it."""
        status = Path(path).lstat()
        return cls(path, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)

    def restore(self) -> None:
        """Make it what it was."""
        os.chown(self.path, self.uid, self.gid, follow_symlinks=False)
        Path(self.path).chmod(self.mode)

    def __str__(self) -> str:
        return f"{self.path} has mode {self.mode:o} and owner {self.uid}:{self.gid}"


@dataclass(frozen=True)
class World:
    """One look at it. Members are sets of printable facts, so that a difference can be shown."""

    processes: frozenset[procfs.Process]
    mounts: frozenset[str]
    cgroups: frozenset[str]
    nodes: frozenset[Node]
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
        processes=living(),
        mounts=frozenset(Path("/proc/self/mountinfo").read_text(errors="replace").splitlines()),
        cgroups=frozenset(str(path) for root in roots for path in cgroups.below(root)),
        nodes=frozenset(map(Node.at, _kept())),
        files=frozenset(str(path) for directory in directories for path in directory.iterdir()),
    )


def living() -> frozenset[procfs.Process]:
    """Look at the processes below this one that have not ended."""
    found = (procfs.Process.of(pid) for pid in procfs.descendants())
    return frozenset(process for process in found if process is not None)


def survivors(earlier: World, seconds: float) -> list[str]:
    """Wait until all processes that were not in ``earlier`` have ended; return those that do not.

    Empty, it is the end of whatever a runtime and its containers had under way.
    """
    deadline = time.monotonic() + seconds
    while new := living() - earlier.processes:
        if not next(iter(new)).ends(deadline - time.monotonic()):
            return [str(process) for process in new]
    return []


def changes(look_: Callable[[], World], earlier: World, seconds: float) -> list[str]:
    """What is new in the world and what is gone from it since ``earlier``.

    New processes are given ``seconds`` to end: SIGKILL returns before its victim is gone.
    """
    survivors(earlier, seconds)
    now = look_()
    return now.beyond(earlier) + [f"gone: {fact}" for fact in now.lacks(earlier)]


@cache
def _kept() -> tuple[str, ...]:
    """What a runtime of ours could change: the nodes of the host are root's, and root may."""
    return () if host.in_user_namespace() else KEPT
