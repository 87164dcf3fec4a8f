"""The terminal of the container process (config.md#process: terminal, consoleSize).

The pseudoterminal is one of the container's own devpts; its master goes to the runtime's caller,
who waits at --console-socket.
"""

from __future__ import annotations

import _socket
import fcntl
import os
import struct
import termios

from reference_runtime import errors, rootfs, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation

_TIOCGPTPEER = 0x5441
_TIOCSPTLCK = 0x40045431
_CONSOLE = "/dev/console"


def connect(path: str) -> _socket.socket:
    """Call the one who will take the terminal's master."""
    caller = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        caller.connect(path)
    except OSError as error:
        message = f"--console-socket {path}: {errors.reason(error)}"
        raise errors.OperationError(message) from None
    return caller


def set_up(creation: Creation, *, bind: bool = True) -> None:
    """Open a terminal in the container, hand over its master, take its slave for stdio."""
    caller = creation.console
    if caller is None:
        return
    with creation.naming("process.terminal"):
        flags = os.O_RDWR | os.O_NOCTTY
        master = rootfs.open_in(creation.root_fd, "/dev/pts/ptmx", flags)
        fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("i", 0))
        slave = fcntl.ioctl(master, _TIOCGPTPEER, flags | os.O_CLOEXEC)
        size = creation.process.get("consoleSize")
        if size:
            window = struct.pack("HHHH", size["height"], size["width"], 0, 0)
            fcntl.ioctl(master, termios.TIOCSWINSZ, window)
        os.fchown(slave, creation.process["user"]["uid"], -1)
        if bind:
            _bind(creation, slave)
        rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", master))]
        caller.sendmsg([b"/dev/ptmx"], rights)
        caller.close()
        os.close(master)
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in (0, 1, 2):
            os.dup2(slave, fd)
        os.close(slave)


def _bind(creation: Creation, slave: int) -> None:
    """Supply /dev/console by a bind mount of the slave (config-linux.md#default-devices)."""
    tree = syscalls.open_tree(slave, "", syscalls.OPEN_TREE_CLONE | syscalls.AT_EMPTY_PATH)
    target = rootfs.make_in(creation.root_fd, _CONSOLE, directory=False)
    syscalls.move_mount(tree, target)
    os.close(target)
    os.close(tree)
