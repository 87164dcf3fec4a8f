"""Locks that the kernel drops with their holder: open file description locks (fcntl(2)).

Unlike flock(2)'s they can be asked about without being taken, so that `state` disturbs nobody.
"""

from __future__ import annotations

import fcntl
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import struct
else:
    import _struct as struct  # all that the struct module does is to import this

_FLOCK = "hhqqi"  # struct flock: type, whence, start, length, pid


def open_file(directory: str, name: str) -> int:
    """Open a lock file, making it where it does not exist."""
    return os.open(f"{directory}/{name}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def take(fd: int, *, block: bool = False) -> bool:
    """Take the exclusive lock; say whether it was to be had."""
    command = fcntl.F_OFD_SETLKW if block else fcntl.F_OFD_SETLK
    try:
        fcntl.fcntl(fd, command, struct.pack(_FLOCK, fcntl.F_WRLCK, 0, 0, 0, 0))
    except BlockingIOError:
        return False
    return True


def is_held(directory: str, name: str) -> bool:
    """Say whether some process holds the lock."""
    try:
        fd = os.open(f"{directory}/{name}", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, 0, 0, 0, 0)
        answer: bytes = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, asked)
    finally:
        os.close(fd)
    return bool(struct.unpack(_FLOCK, answer)[0] != fcntl.F_UNLCK)
