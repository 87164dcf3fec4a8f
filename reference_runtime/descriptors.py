"""Descriptors that change hands between the runtime and its caller.

--preserve-fds N lets the program have the caller's 3 to N+2; all others stay outside.
--console-socket and --pidfd-socket name sockets at which the caller waits for one.
"""

from __future__ import annotations

import _socket
import os

from reference_runtime import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    import struct
else:
    import _struct as struct  # as in locks.py

_FIRST = 3  # behind stdin, stdout and stderr


def preserved(count: int) -> range:
    """Return the descriptors that the program is to have beside stdio."""
    return range(_FIRST, _FIRST + count)


def keep_from_hooks(count: int) -> None:
    """Let no execve but the program's pass them on."""
    for fd in preserved(count):
        os.set_inheritable(fd, False)  # noqa: FBT003 (positional only)


def pass_on(count: int) -> None:
    """Let the next execve pass them on."""
    for fd in preserved(count):
        os.set_inheritable(fd, True)  # noqa: FBT003


def connect(option: str, path: str) -> _socket.socket:
    """Call the one who waits at a socket (unix(7))."""
    caller = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        caller.connect(path)
    except OSError as error:
        message = f"{option} {path}: {errors.reason(error)}"
        raise errors.OperationError(message) from None
    return caller


def hand_over(caller: _socket.socket, fd: int, name: str) -> None:
    """Send a descriptor (SCM_RIGHTS of unix(7)), and end the call."""
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", fd))]
    caller.sendmsg([name.encode()], rights)
    caller.close()


def hand_over_pidfd(path: str, pid: int) -> None:
    """Send a pidfd of a process (pidfd_open(2))."""
    caller = connect("--pidfd-socket", path)
    pidfd = os.pidfd_open(pid)
    try:
        hand_over(caller, pidfd, "pidfd")
    except OSError as error:
        message = f"--pidfd-socket: {errors.reason(error)}"
        raise errors.OperationError(message) from None
    finally:
        os.close(pidfd)
