"""The wait of the kernel for the first move into a cgroup, begun while a case is prepared.

A process is moved under a lock whose writer first waits for an RCU grace period, 10 to 20 ms,
unless another has had it within the last one (cgroup_threadgroup_rwsem, rcu_sync_enter in the
kernel). It is most of what create takes of a fast runtime. A process of ours that moves to where it
is makes the kernel wait ahead; what the runtime does and where is the same.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

from harness import door, linux

if TYPE_CHECKING:
    from pathlib import Path


class Grace:
    """The process that moves; without cgroups there is none, and nothing to wait for."""

    def __init__(self, own: Path | None) -> None:
        """Start it; ``own`` is the cgroup that it is in, and stays in."""
        self._open: list[int] = []
        if own is None:
            return
        asked, asks = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(asks, False)
        pid = door.fork(lambda: _serve(asked, own / "cgroup.procs"))
        os.close(asked)
        self._open = [asks, os.pidfd_open(pid)]

    def ahead(self) -> None:
        """Let the kernel wait now, beside us: a container is about to be made."""
        # Full: it waits already. Without a reader: a runtime has ended it.
        with suppress(BlockingIOError, BrokenPipeError):
            for asks in self._open[:1]:
                os.write(asks, b"x")

    def end(self) -> None:
        """End the process."""
        if not self._open:
            return
        _, pidfd = self._open
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
        for fd in self._open:
            os.close(fd)
        self._open = []


def _serve(asked: int, file: Path) -> int:
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()  # a runtime that ends the group of its caller does not end it
    moves = os.open(file, os.O_WRONLY)
    # What else we have open would be kept open, the other end of its own pipe among it.
    for first, last in _between(asked, moves):
        os.closerange(first, last)
    while os.read(asked, 4096):
        try:
            os.write(moves, b"0")
        except OSError:  # refused after the wait
            continue
    return 0


def _between(*kept: int) -> list[tuple[int, int]]:
    ends = [-1, *sorted(kept), os.sysconf("SC_OPEN_MAX")]
    return [(low + 1, high) for low, high in pairwise(ends)]
