"""The caller of the runtime: what a process has when it starts the runtime, which inherits it."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import cgroups, linux

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_STANDARD_ERROR = 2


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
    directory: Path | None = None
    """Its working directory."""
    places: Mapping[int, int] = field(default_factory=dict)
    """Descriptors of the harness, each by the number under which it has it."""
    sees_no: Sequence[str] = ()
    """Directories that are empty for it."""
    environment: Mapping[str, str] | None = None
    """Its whole environment."""

    @property
    def differs(self) -> bool:
        """Whether ``become`` has anything to do."""
        return self != replace(
            Caller(),
            stdin=self.stdin,
            descriptors=self.descriptors,
            environment=self.environment,
            directory=self.directory,
        )

    def having(self, **members: Any) -> Caller:  # noqa: ANN401 - the members of this class
        """Return this caller with other values of these members."""
        return replace(self, **members)

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
        self._place()

    def _place(self) -> None:
        if self.places:
            # No more than these: what our own caller has left open is nobody's.
            for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers
                with suppress(OSError):  # the one that lists
                    os.set_inheritable(int(name), int(name) <= _STANDARD_ERROR)
        for number, fd in self.places.items():
            os.dup2(fd, number)

    def _hide(self) -> None:
        linux.unshare(linux.CLONE_NEWNS)
        linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
        for path in self.sees_no:
            linux.mount("none", path, "tmpfs")
