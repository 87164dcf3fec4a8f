"""A block device of the host with a file system on it: a loop device, loop(4)."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness import door

if TYPE_CHECKING:
    from collections.abc import Iterator

MAJOR = 7
CONTROL = os.makedev(10, 237)

LOOP_SET_FD = 0x4C00
LOOP_CLR_FD = 0x4C01
LOOP_CTL_GET_FREE = 0x4C82


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
    control = _open(directory / "control", stat.S_IFCHR, CONTROL)
    try:
        number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
    finally:
        os.close(control)
    path = directory / "device"
    attached = _open(path, stat.S_IFBLK, os.makedev(MAJOR, number))
    backing = os.open(image, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(attached, LOOP_SET_FD, backing)
        yield path
    finally:
        # In use it stays until the last mount of it is gone.
        fcntl.ioctl(attached, LOOP_CLR_FD, 0)
        os.close(backing)
        os.close(attached)


def _open(path: Path, kind: int, number: int) -> int:
    # The sandbox's /dev has none of them.
    os.mknod(path, kind | 0o600, number)
    return os.open(path, os.O_RDWR | os.O_CLOEXEC)
