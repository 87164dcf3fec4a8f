"""A tracer of a container process, ptrace(2), for calls that a filter answers by TRACE."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import linux

if TYPE_CHECKING:
    from collections.abc import Iterator

ALL_CHILDREN = 0x40000000
"""__WALL: threads and processes of whatever kind."""


@dataclass(frozen=True)
class Tracer:
    """Who is told of the next traced call of a process."""

    pid: int

    def told(self) -> int | None:
        """Wait for a call that a filter asks about; the data that comes with it.

        None if the process ends without one: so it has to end by itself.
        """
        _, status = os.waitpid(self.pid, ALL_CHILDREN)
        if status >> 8 != signal.SIGTRAP | linux.PTRACE_EVENT_SECCOMP << 8:
            return None
        return linux.ptrace_geteventmsg(self.pid)


@contextmanager
def tracing(pid: int) -> Iterator[Tracer]:
    """Trace a process, which goes on meanwhile and afterwards."""
    linux.ptrace_seize(pid, linux.PTRACE_O_TRACESECCOMP | linux.PTRACE_O_TRACEEXIT)
    try:
        yield Tracer(pid)
    finally:
        linux.ptrace_detach(pid)
