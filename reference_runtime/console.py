"""The terminal of the container process (config.md#process: terminal, consoleSize).

The pseudoterminal is one of the container's own devpts; its master goes to the runtime's caller,
who waits at --console-socket.
"""

from __future__ import annotations

import fcntl
import os
import struct
import termios

from reference_runtime import descriptors, rootfs, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

    from reference_runtime.creation import Creation

_TIOCGPTPEER = 0x5441
_TIOCSPTLCK = 0x40045431
_CONSOLE = "/dev/console"


def connect(path: str) -> _socket.socket:
    """Call the one who will take the terminal's master."""
    return descriptors.connect("--console-socket", path)


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
            set_size(master, size["height"], size["width"])
        os.fchown(slave, creation.process["user"]["uid"], -1)
        if bind:
            _bind(creation, slave)
        descriptors.hand_over(caller, master, "/dev/ptmx")
        os.close(master)
        take_control(slave)
        attach(slave, (0, 1, 2))
        os.close(slave)


def set_size(terminal: int, height: int, width: int) -> None:
    """Set the size in characters."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def take_control(slave: int) -> None:
    """Make it the controlling terminal of this session: its keys are signals then."""
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


def attach(slave: int, streams: tuple[int, ...]) -> None:
    """Make it the standard streams."""
    for fd in streams:
        os.dup2(slave, fd)


def _bind(creation: Creation, slave: int) -> None:
    """Supply /dev/console by a bind mount of the slave (config-linux.md#default-devices)."""
    tree = syscalls.open_tree(slave, "", syscalls.OPEN_TREE_CLONE | syscalls.AT_EMPTY_PATH)
    target = rootfs.make_in(creation.root_fd, _CONSOLE, directory=False)
    syscalls.move_mount(tree, target)
    os.close(target)
    os.close(tree)
