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
from typing import TYPE_CHECKING

from harness import door
from harness.faults import NotShown

if TYPE_CHECKING:
    from pexpect.fdpexpect import fdspawn

    from harness.runtime import Runtime

LONGEST_NAME = 4096
"""Bytes of the name that comes with the descriptor."""
MOST_DESCRIPTORS = 8
"""That are taken if more than the one come."""


class Terminal:
    """The caller's end of the terminal of one container."""

    def __init__(self, runtime: Runtime) -> None:
        self.socket = runtime.scratch / f"console-{time.monotonic_ns()}"
        self._seconds = runtime.deadline
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.settimeout(self._seconds)
        self._listener.bind(str(self.socket))
        self._listener.listen(1)
        self._master: int | None = None
        self._connection: socket.socket | None = None
        self._read = b""
        self._dialogue: fdspawn[bytes] | None = None
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
                raise NotShown(message, "create") from error
            if not fds or not os.isatty(fds[0]):
                raise NotShown("what came to the console socket is no terminal", "create")
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
    def dialogue(self) -> fdspawn[bytes]:
        """It, to be driven as a person drives one: pexpect."""
        if self._dialogue is None:
            from pexpect import fdpexpect  # noqa: PLC0415 - 16 ms that few runs need

            self._dialogue = fdpexpect.fdspawn(self.master, timeout=self._seconds)
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
