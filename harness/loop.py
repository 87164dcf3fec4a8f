"""A block device of the host with a file system on it: a loop device, loop(4)."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness import door
from harness.faults import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAJOR = 7
CONTROL = os.makedev(10, 237)

LOOP_SET_FD = 0x4C00
LOOP_CLR_FD = 0x4C01
LOOP_CTL_GET_FREE = 0x4C82

TRIES = 20


def lacking() -> str:
    """Say why there can be none; empty if there can."""
    drivers = Path("/proc/devices").read_text().split()
    if "loop" not in drivers:
        return "the kernel has no loop devices: modprobe loop"
    return "" if shutil.which("mke2fs") else "there is no mke2fs: install e2fsprogs"


@contextmanager
def device(directory: Path, marker: str) -> Iterator[Path]:
    """Make a device, with files in ``directory``, whose ext2 has a file ``marker`` of this text."""
    content, image = directory / "content", directory / "image"
    content.mkdir()
    (content / "marker").write_text(marker)
    door.output(["mke2fs", "-q", "-F", "-t", "ext2", "-d", str(content), str(image), "1M"])
    path = directory / "device"
    backing = os.open(image, os.O_RDWR | os.O_CLOEXEC)
    try:
        attached = _attach(backing, path, _open(directory / "control", stat.S_IFCHR, CONTROL))
    finally:
        os.close(backing)
    try:
        yield path
    finally:
        # In use it stays until the last mount of it is gone.
        fcntl.ioctl(attached, LOOP_CLR_FD, 0)
        os.close(attached)


def _attach(backing: int, path: Path, control: int) -> int:
    """Attach a file to a free device, with a node at ``path``; returns the open device."""
    try:
        for _ in range(TRIES):
            attached = _open(path, stat.S_IFBLK, os.makedev(MAJOR, _free(control)))
            try:
                fcntl.ioctl(attached, LOOP_SET_FD, backing)
            except OSError as error:
                os.close(attached)
                path.unlink()
                # What is free is not kept for who asks: somebody else was faster.
                if error.errno != errno.EBUSY:
                    raise
            else:
                return attached
    finally:
        os.close(control)
    raise HarnessError(f"no loop device was free {TRIES} times: see losetup --list")


def _free(control: int) -> int:
    return fcntl.ioctl(control, LOOP_CTL_GET_FREE)


def _open(path: Path, kind: int, number: int) -> int:
    # The sandbox's /dev has none of them.
    os.mknod(path, kind | 0o600, number)
    return os.open(path, os.O_RDWR | os.O_CLOEXEC)
