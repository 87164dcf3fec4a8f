"""The audit log of the kernel, as it is sent to whoever may read it: audit(8), netlink(7)."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass
from typing import Final

from harness import door

NETLINK_AUDIT: Final = 9
AUDIT_NLGRP_READLOG: Final = 1
AUDIT_SECCOMP: Final = 1326
HEADER = 16
"""Bytes of a struct nlmsghdr, whose third member is the type."""


@dataclass(frozen=True, order=True)
class Logged:
    """A call that seccomp has logged."""

    pid: int
    """In the initial pid namespace."""
    number: int


class AuditLog:
    """What is logged from now on."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_AUDIT)
        self._socket.bind((0, AUDIT_NLGRP_READLOG))
        self._seen: set[Logged] = set()

    def has(self, pid: int, number: int, seconds: float = 0.0) -> bool:
        """Whether this call is logged; waits for it."""
        wanted = Logged(pid, number)
        deadline = time.monotonic() + seconds
        while wanted not in self._seen:
            if not door.readable(self._socket.fileno(), max(0.0, deadline - time.monotonic())):
                return False
            self._take(self._socket.recv(65536))
        return True

    def _take(self, message: bytes) -> None:
        if int.from_bytes(message[4:6], "little") != AUDIT_SECCOMP:
            return
        text = message[HEADER:].decode(errors="replace")
        found = re.search(r" pid=(\d+) .* syscall=(\d+) ", text)
        if found:
            self._seen.add(Logged(int(found[1]), int(found[2])))

    def close(self) -> None:
        """Stop reading."""
        self._socket.close()
