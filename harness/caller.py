"""The caller of the runtime: what a process has when it starts the runtime, which inherits it."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness import cgroups, linux

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Caller:
    """What differs from the harness itself; None means as the harness has it."""

    umask: int | None = None
    groups: Sequence[int] | None = None
    """Supplementary groups."""
    oom_score_adj: int | None = None
    policy: int | None = None
    """Scheduling policy with priority 0: ``os.SCHED_BATCH``."""
    nice: int | None = None
    lacks: Sequence[str] = ()
    """Capabilities that are not in its bounding set, so that the runtime has not got them."""
    memory_policy: int | None = None
    """Mode of set_mempolicy(2), with the first memory node."""
    cgroups: Sequence[Path] = ()
    """Directories of cgroups, one a hierarchy, that it is in."""
    largest_file: int | None = None
    """Bytes that it may write to a file: RLIMIT_FSIZE."""
    stdin: Path | None = None
    descriptors: Sequence[int] = ()
    """Descriptors of the harness that it has beside its standard ones."""
    sees_no: Sequence[str] = ()
    """Directories that are empty for it."""

    @property
    def differs(self) -> bool:
        """Whether ``become`` has anything to do."""
        return self != Caller(stdin=self.stdin, descriptors=self.descriptors)

    def become(self) -> None:
        """Become this caller: in the process that is about to execute the runtime."""
        for directory in self.cgroups:
            cgroups.join(directory)
        if self.sees_no:
            self._hide()
        if self.umask is not None:
            os.umask(self.umask)
        if self.groups is not None:
            os.setgroups(self.groups)
        if self.oom_score_adj is not None:
            Path("/proc/self/oom_score_adj").write_text(str(self.oom_score_adj))
        if self.policy is not None:
            os.sched_setscheduler(0, self.policy, os.sched_param(0))
        if self.nice is not None:
            os.setpriority(os.PRIO_PROCESS, 0, self.nice)
        if self.memory_policy is not None:
            linux.set_mempolicy(self.memory_policy, 1)
        self._lose()

    def _lose(self) -> None:
        if self.largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.largest_file, self.largest_file))
        for name in self.lacks:
            linux.prctl(linux.PR_CAPBSET_DROP, linux.CAPABILITIES.index(name))

    def _hide(self) -> None:
        linux.unshare(linux.CLONE_NEWNS)
        linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
        for path in self.sees_no:
            linux.mount("none", path, "tmpfs")
