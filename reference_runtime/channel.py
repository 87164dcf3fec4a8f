"""Messages between the runtime and the processes it forks, over sockets that keep them whole.

A message is a word, and for some a text. The end of the stream means that the other side is dead.
"""

from __future__ import annotations

import _socket
import os

from reference_runtime import errors, report

ERROR, WARNING = "error", "warning"
_LONGEST = 65536


class Channel:
    """One end of the pair."""

    def __init__(self, socket: _socket.socket) -> None:
        """Wrap a connected socket."""
        self.socket = socket

    def send(self, word: str, text: str = "") -> None:
        """Send a message; that nobody is there to read it shows when an answer is expected."""
        message = f"{word} {text}".encode(errors="backslashreplace")
        try:
            self.socket.send(message[:_LONGEST], _socket.MSG_NOSIGNAL)
        except OSError:
            pass

    def expect(self, word: str, who: str) -> str:
        """Wait for one message and return its text; show warnings, raise errors."""
        while True:
            received = self.receive()
            if received is None:
                message = f"{who} has died"
                raise errors.OperationError(message)
            kind, text = received
            if kind == word:
                return text
            if kind == WARNING:
                report.warning(text)
            elif kind == errors.HookError.__name__:
                raise errors.HookError(text)
            else:
                raise errors.OperationError(text)

    def receive(self) -> tuple[str, str] | None:
        """Wait for one message; None is the end."""
        try:
            message = self.socket.recv(_LONGEST + 64)
        except ConnectionResetError:
            return None
        word, _, text = message.decode().partition(" ")
        return (word, text) if message else None

    def send_error(self, error: BaseException) -> None:
        """Tell the other side why this one gives up."""
        is_hook = isinstance(error, errors.HookError)
        self.send(errors.HookError.__name__ if is_hook else ERROR, errors.reason(error))

    def close(self) -> None:
        """Close this end."""
        self.socket.close()


def pair() -> tuple[Channel, Channel]:
    """Make two connected ends."""
    ends = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    return Channel(ends[0]), Channel(ends[1])


def listen(directory: str, name: str) -> _socket.socket:
    """Make the socket at which init will wait for start."""
    listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    with _ShortPath(directory) as short:
        listener.bind(f"{short}/{name}")
    listener.listen(8)
    return listener


def accept(listener: _socket.socket) -> Channel:
    """Wait for a caller."""
    fd, _ = listener._accept()  # type: ignore[attr-defined] # noqa: SLF001 (C's)
    return Channel(_socket.socket(fileno=fd))


def connect(directory: str, name: str) -> Channel:
    """Call init."""
    caller = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    with _ShortPath(directory) as short:
        caller.connect(f"{short}/{name}")
    return Channel(caller)


class _ShortPath:
    """A directory by a path that fits into sun_path's 108 bytes (unix(7))."""

    def __init__(self, directory: str) -> None:
        self.fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> str:
        return f"/proc/self/fd/{self.fd}"

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)
