"""A seccomp agent: who listens at listenerPath, and answers for the calls that it is told of.

config-linux.md#the-container-process-state says what comes, seccomp_unotify(2) what follows.
"""

from __future__ import annotations

import array
import fcntl
import json
import os
import select
import socket
import struct
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from harness import door
from harness.faults import NotShown

if TYPE_CHECKING:
    from pathlib import Path

SECCOMP_IOCTL_NOTIF_RECV: Final = 0xC0502100
SECCOMP_IOCTL_NOTIF_SEND: Final = 0xC0182101
NOTIFICATION = 80
"""Bytes of a struct seccomp_notif."""

SHARE = 8
"""Bytes that are read at once: what comes with which byte does not depend on how it was sent."""

RIGHTS = socket.CMSG_SPACE(64)
SENT_BY = "start"
"""The operation that it is due after: a filter may be loaded by create or by start."""


@dataclass(frozen=True)
class Notification:
    """A call that waits for an answer."""

    id: int
    pid: int
    number: int
    arguments: tuple[int, ...]


@dataclass
class Handed:
    """What came over one connection."""

    seconds: float
    text: bytes = b""
    rights: list[tuple[int, list[int]]] = field(default_factory=list)
    """Descriptors that came together, and how many bytes had come before them."""
    closed: bool = False
    """Whether the sender has closed the connection before the deadline."""

    @property
    def fds(self) -> list[int]:
        """All descriptors in their order."""
        return [fd for _, fds in self.rights for fd in fds]

    @cached_property
    def documents(self) -> list[Any]:
        """The JSON documents that the text consists of; none if it does not."""
        found = []
        try:
            rest = self.text.decode().strip()
            while rest:
                document, end = json.JSONDecoder().raw_decode(rest)
                found.append(document)
                rest = rest[end:].strip()
        except (ValueError, RecursionError):
            return []
        return found

    @property
    def document(self) -> dict[str, Any]:
        """The first of them; NotShown if there is none that is an object."""
        if not self.documents or not isinstance(self.documents[0], dict):
            raise NotShown(f"what came is no process state: {self.text[:200]!r}", SENT_BY)
        return dict(self.documents[0])

    @property
    def state(self) -> dict[str, Any]:
        """The container's state in the first of them, or an empty one; NotShown as there."""
        state = self.document.get("state")
        return state if isinstance(state, dict) else {}

    @property
    def states(self) -> list[dict[str, Any]]:
        """The container's state of each document; an empty one where there is none."""
        objects = [document for document in self.documents if isinstance(document, dict)]
        states = [document.get("state") for document in objects]
        return [state if isinstance(state, dict) else {} for state in states]

    @property
    def ids(self) -> list[object]:
        """IDs of the containers of whose states they speak."""
        return [state.get("id") for state in self.states]

    @property
    def listener(self) -> int:
        """The descriptor that is named seccompFd; NotShown if none is."""
        names: list[str] = self.document.get("fds") or []
        named = dict(zip(names, self.fds, strict=False))
        if "seccompFd" not in named:
            raise NotShown(f"of the descriptors {named} none is seccompFd", SENT_BY)
        return named["seccompFd"]

    def notified(self) -> Notification:
        """Wait for a call; NotShown if there is none in time."""
        if not door.readable(self.listener, self.seconds):
            raise NotShown("the descriptor seccompFd tells of no call", SENT_BY)
        told = bytearray(NOTIFICATION)
        try:
            fcntl.ioctl(self.listener, SECCOMP_IOCTL_NOTIF_RECV, told)
        except OSError as error:
            raise NotShown(f"seccompFd is no listener: {error}", SENT_BY) from error
        id_, pid, _, number, _, _, *arguments = struct.unpack("QIIiIQ6Q", told)
        return Notification(id_, pid, number, tuple(arguments))

    def answer(self, call: Notification, *, value: int = 0, errno: int = 0) -> bool:
        """Have the call return this; whether it was still waiting."""
        response = struct.pack("QqiI", call.id, value, -errno, 0)
        try:
            fcntl.ioctl(self.listener, SECCOMP_IOCTL_NOTIF_SEND, response)
        except FileNotFoundError:
            return False
        return True

    def close(self) -> None:
        """Close the descriptors: calls that wait fail, and so do those that come."""
        for fd in self.fds:
            os.close(fd)
        self.rights.clear()


class Agent:
    """The listening end."""

    def __init__(self, path: Path, seconds: float, kind: int = socket.SOCK_STREAM) -> None:
        self.path = str(path)
        self._seconds = seconds
        self._handed: list[Handed] = []
        self._first: Handed | NotShown | None = None
        self._socket = socket.socket(socket.AF_UNIX, kind)
        self._socket.bind(self.path)
        if kind == socket.SOCK_STREAM:
            self._socket.listen()

    @property
    def called(self) -> bool:
        """Whether there is a connection that was not accepted yet."""
        return bool(select.select([self._socket], [], [], 0)[0])

    @property
    def first(self) -> Handed:
        """What came over the first connection, which several cases look at."""
        if self._first is None:
            try:
                self._first = self.handed()
            except NotShown as fault:
                self._first = fault
        if isinstance(self._first, NotShown):
            raise self._first.with_traceback(None)
        return self._first

    def handed(self) -> Handed:
        """Accept one connection and read it to its end; NotShown if nobody connects in time."""
        if not door.readable(self._socket.fileno(), self._seconds):
            raise NotShown("nobody has connected to listenerPath", SENT_BY)
        found = Handed(self._seconds)
        self._handed.append(found)
        connection, _ = self._socket.accept()
        with connection:
            while door.readable(connection.fileno(), self._seconds):
                part, controls, _, _ = connection.recvmsg(SHARE, RIGHTS, socket.MSG_CMSG_CLOEXEC)
                for level, kind, data in controls:
                    if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                        found.rights.append((len(found.text), list(array.array("i", data))))
                if not part:
                    found.closed = True
                    break
                found.text += part
        return found

    def close(self) -> None:
        """Stop listening, and let go of all that came."""
        self._socket.close()
        for handed in self._handed:
            handed.close()
