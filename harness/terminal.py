"""Terminals of containers: the caller's end, which the runtime sends to a socket.

The way is that of runc's ``--console-socket``, which crun and youki share: one message with the
master of the pseudo-terminal pair as its ancillary data.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import termios
import time
from typing import TYPE_CHECKING, Any

from harness import door
from harness.faults import NotShown

if TYPE_CHECKING:
    from harness.runtime import Runtime

LONGEST_NAME = 4096
"""Bytes of the name that comes with the descriptor."""
MOST_DESCRIPTORS = 8
"""That are taken if more than the one come."""


TIOCGPTN = 0x80045430
_LOCAL = 3  # of the attributes: c_lflag of termios(3)


class Dialogue:
    """What is typed on a terminal, and what comes back: pexpect on its master."""

    def __init__(self, master: int, seconds: float) -> None:
        import pexpect  # noqa: PLC0415 - 16 ms that few runs need
        from pexpect import fdpexpect  # noqa: PLC0415

        self._spawned = fdpexpect.fdspawn(master, timeout=seconds, encoding="utf-8")
        self._ends: list[Any] = [pexpect.TIMEOUT, pexpect.EOF]

    def type(self, line: str) -> None:
        """Type a line."""
        self._spawned.sendline(line)

    def press(self, keys: str) -> None:
        """Type keys without an end of line: ``^C`` as one character."""
        self._spawned.send(keys)

    def says(self, text: str) -> bool:
        """Wait for this text, behind what was said before; whether it came in time."""
        return bool(self._spawned.expect_exact([text, *self._ends]) == 0)

    @property
    def before(self) -> str:
        """What came between the last two texts that were waited for."""
        found = self._spawned.before
        return found if isinstance(found, str) else ""


class Terminal:
    """The caller's end of the terminal of one container."""

    def __init__(self, runtime: Runtime, operation: str = "create") -> None:
        self._operation = operation
        self.socket = runtime.scratch / f"console-{time.monotonic_ns()}"
        self._seconds = runtime.deadline
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.settimeout(self._seconds)
        self._listener.bind(str(self.socket))
        self._listener.listen(1)
        self._master: int | None = None
        self._connection: socket.socket | None = None
        self._read = b""
        self._dialogue: Dialogue | None = None
        self.descriptors = 0
        """How many came with the message."""

    @property
    def master(self) -> int:
        """The master; NotShown if the runtime does not send it in time."""
        if self._master is None:
            try:
                connection, _ = self._listener.accept()
                self._connection = connection
                connection.settimeout(self._seconds)
                _, fds, _, _ = socket.recv_fds(connection, LONGEST_NAME, MOST_DESCRIPTORS)
            except OSError as error:  # a timeout is one
                message = f"no terminal came to the console socket: {error}"
                raise NotShown(message, self._operation) from error
            if not fds or not os.isatty(fds[0]):
                message = "what came to the console socket is no terminal"
                raise NotShown(message, self._operation)
            self.descriptors = len(fds)
            self._master = fds[0]
            for other in fds[1:]:
                os.close(other)
            os.set_blocking(self._master, False)
        return self._master

    @property
    def sent_nothing_more(self) -> bool:
        """Whether the sender has closed the connection behind its one message."""
        self.master  # noqa: B018 - takes the message
        try:
            return self._connection is not None and self._connection.recv(1) == b""
        except TimeoutError:
            return False

    @property
    def is_master(self) -> bool:
        """Whether it is one, and no slave, open for reading and writing: ioctl_tty(2)."""
        try:
            fcntl.ioctl(self.master, TIOCGPTN, bytes(4))
        except OSError:
            return False
        return fcntl.fcntl(self.master, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDWR

    @property
    def echoes(self) -> bool:
        """Whether what is typed comes back."""
        return bool(termios.tcgetattr(self.master)[_LOCAL] & termios.ECHO)

    @echoes.setter
    def echoes(self, on: bool) -> None:
        attributes = termios.tcgetattr(self.master)
        attributes[_LOCAL] &= ~termios.ECHO
        attributes[_LOCAL] |= termios.ECHO * on
        termios.tcsetattr(self.master, termios.TCSANOW, attributes)

    @property
    def dialogue(self) -> Dialogue:
        """It, to be driven as a person drives one."""
        if self._dialogue is None:
            self._dialogue = Dialogue(self.master, self._seconds)
        return self._dialogue

    @property
    def size(self) -> tuple[int, int]:
        """Its rows and columns."""
        found = fcntl.ioctl(self.master, termios.TIOCGWINSZ, bytes(8))
        rows, columns, _, _ = struct.unpack("HHHH", found)
        return rows, columns

    @size.setter
    def size(self, size: tuple[int, int]) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))

    def type(self, text: str) -> None:
        """Type this text."""
        os.write(self.master, text.encode())

    def shows(self, text: str) -> bool:
        """Wait until it has shown this text; whether it came before the deadline."""
        deadline = time.monotonic() + self._seconds
        while text.encode() not in self._read:
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not door.readable(self.master, remaining):
                return False
            try:
                self._read += os.read(self.master, 65536)
            except OSError:  # EIO: nobody has the other end open any more
                return False
        return True

    def close(self) -> None:
        """Hang up."""
        self._listener.close()
        if self._connection is not None:
            self._connection.close()
        if self._master is not None:
            os.close(self._master)
            self._master = None
