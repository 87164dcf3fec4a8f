"""System calls that Python 3.11 has no function for, one tiny function each, named as in man 2."""

from __future__ import annotations

import ctypes
import os
from typing import Final

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWCGROUP: Final = 0x02000000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWNET: Final = 0x40000000

MS_RDONLY: Final = 0x1
MS_NOSUID: Final = 0x2
MS_NODEV: Final = 0x4
MS_NOEXEC: Final = 0x8
MS_BIND: Final = 0x1000
MS_MOVE: Final = 0x2000
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 0x40000

MNT_DETACH: Final = 0x2

PR_SET_CHILD_SUBREAPER: Final = 36

CGROUP_SUPER_MAGIC: Final = 0x27E0EB
CGROUP2_SUPER_MAGIC: Final = 0x63677270

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, name: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
    return result


def unshare(flags: int) -> None:
    """unshare(2): move the calling thread into new namespaces."""
    _checked(_libc.unshare(flags), "unshare")


def setns(fd: int) -> None:
    """setns(2): move the calling thread into the namespace behind ``fd``, of whatever kind."""
    _checked(_libc.setns(fd, 0), "setns")


def mount(source: str, target: str, fstype: str | None, flags: int = 0, data: str = "") -> None:
    """mount(2)."""
    kind = fstype.encode() if fstype is not None else None
    options = data.encode() if data else None
    result = _libc.mount(
        os.fsencode(source), os.fsencode(target), kind, ctypes.c_ulong(flags), options
    )
    _checked(result, target)


def umount2(target: str, flags: int = 0) -> None:
    """umount2(2)."""
    _checked(_libc.umount2(os.fsencode(target), flags), target)


def prctl(option: int, argument: int) -> int:
    """prctl(2) with one argument."""
    zero = ctypes.c_ulong(0)
    return _checked(_libc.prctl(option, ctypes.c_ulong(argument), zero, zero, zero), "prctl")


def statfs_type(path: str) -> int:
    """f_type of statfs(2): which kind of file system ``path`` lies on."""
    # struct statfs begins with f_type, a machine word on every 64-bit Linux; 120 bytes in all.
    buffer = (ctypes.c_long * 16)()
    _checked(_libc.statfs(os.fsencode(path), buffer), path)
    return int(buffer[0])


IN_MODIFY: Final = 0x2
IN_CREATE: Final = 0x100


def inotify_init1(flags: int = os.O_CLOEXEC | os.O_NONBLOCK) -> int:
    """inotify_init1(2): a file descriptor that becomes readable with the watched events."""
    return _checked(_libc.inotify_init1(flags), "inotify_init1")


def inotify_add_watch(fd: int, path: str, mask: int) -> int:
    """inotify_add_watch(2)."""
    return _checked(_libc.inotify_add_watch(fd, os.fsencode(path), mask), path)


def inotify_rm_watch(fd: int, watch: int) -> None:
    """inotify_rm_watch(2)."""
    _checked(_libc.inotify_rm_watch(fd, watch), "inotify_rm_watch")
