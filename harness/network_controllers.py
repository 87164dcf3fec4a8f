"""The controllers net_cls and net_prio of cgroup v1, mounted for a case where nobody uses them."""

from __future__ import annotations

import errno
import os
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from harness import cgroups, foreign, host, linux, procfs
from harness.faults import HostLacks

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = "net_cls,net_prio"
TOP = Path("/sys/fs/cgroup")

_refusals: list[HostLacks] = []
"""Of this process: what was waited for once in vain is not waited for again."""


@contextmanager
def mounted(name: str, seconds: float) -> Iterator[str]:
    """Have both mounted; the path of a cgroup of ours in every hierarchy."""
    there = not host.lacking_controller("net_cls")
    made: list[Path] = []
    if not there:
        _mount(0 if _refusals else seconds)
    try:
        for hierarchy in host.hierarchies():
            made.append(hierarchy.mount_point / name)
            foreign.make_cgroup(made[-1])
        yield f"/{name}"
    finally:
        for directory in made:
            cgroups.remove(directory, seconds)
        if not there:
            _unmount(seconds)


def _mount(seconds: float) -> None:
    """Mount them as distributions do; HostLacks if the kernel refuses it.

    It is busy while a hierarchy with them, of another worker of ours perhaps, comes to its end;
    there is no event for that.
    """
    deadline = time.monotonic() + seconds
    refused: list[OSError] = []

    def mount() -> None:
        try:
            # Hierarchies are made in the first cgroup namespace only, where who started us still
            # is; a thread goes back to it.
            fd = os.open(f"/proc/{os.getppid()}/ns/cgroup", os.O_RDONLY | os.O_CLOEXEC)
            try:
                linux.setns(fd)
            finally:
                os.close(fd)
            while True:
                try:
                    linux.mount("cgroup", str(TOP / NAMES), "cgroup", data=NAMES)
                except OSError as error:
                    if error.errno == errno.EBUSY and time.monotonic() < deadline:
                        end_abandoned(TOP / NAMES)
                        continue
                    raise
                break
        except OSError as error:
            refused.append(error)

    (TOP / NAMES).mkdir(exist_ok=True)
    thread = threading.Thread(target=mount)
    thread.start()
    thread.join()
    if refused:
        _remove_points()
        _refusals.append(HostLacks(f"{NAMES} cannot be mounted: {refused[0].strerror}"))
        raise _refusals[-1] from refused[0]
    for link in NAMES.split(","):
        if not (TOP / link).exists():
            (TOP / link).symlink_to(NAMES)


def end_abandoned(point: Path) -> None:
    """End hierarchies of these controllers that are mounted nowhere, mounting them at ``point``.

    Of one that another run uses in its mount namespace this takes nothing away.
    """
    for options in host.abandoned_hierarchies():
        if not set(options.split(",")) - set(NAMES.split(",")):
            with suppress(OSError):  # another worker was faster
                linux.mount("cgroup", str(point), "cgroup", data=options)
                linux.umount2(str(point), linux.MNT_DETACH)


def _unmount(seconds: float) -> None:
    """Unmount them, which ends the hierarchy if there is no cgroup left in it.

    The kernel takes leave of a removed one a little later, and there is no event for that.
    """
    deadline = time.monotonic() + seconds
    # A zombie still is in its cgroup.
    for pid in filter(procfs.zombie, procfs.children(os.getpid())):
        procfs.reap(pid)
    while _cgroups_in_it() > 1 and time.monotonic() < deadline:
        continue
    linux.umount2(str(TOP / NAMES), linux.MNT_DETACH)
    _remove_points()


def _cgroups_in_it() -> int:
    for line in Path("/proc/cgroups").read_text().splitlines():
        name, *numbers = line.split()
        if name in NAMES.split(","):
            return int(numbers[1])
    return 0


def _remove_points() -> None:
    for link in NAMES.split(","):
        if (TOP / link).is_symlink():  # else the sandbox has mounted it there, alone
            (TOP / link).unlink()
    (TOP / NAMES).rmdir()
