"""Network devices and their addresses by messages to the kernel (rtnetlink(7), netlink(7)).

A socket belongs to the network namespace that it was made in, wherever its process goes.
"""

from __future__ import annotations

import _socket
import errno
import os

from reference_runtime import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    import struct
    from collections.abc import Iterator

    Attributes = dict[int, bytes]
else:
    import _struct as struct  # as in locks.py

RTM_NEWLINK, RTM_GETLINK, RTM_SETLINK = 16, 18, 19
RTM_NEWADDR, RTM_GETADDR = 20, 22
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_DUMP, NLM_F_CREATE = 0x1, 0x4, 0x200, 0x300, 0x400
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_NLM_F_CAPPED, _NLM_F_ACK_TLVS = 0x100, 0x200
_NLMSGERR_ATTR_MSG = 1
_SOL_NETLINK, _NETLINK_EXT_ACK = 270, 11
_NLA_TYPE_MASK = 0x3FFF  # the two bits above it are flags

IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_NET_NS_FD = 1, 3, 4, 28
IFA_LABEL, IFA_FLAGS = 3, 8
IFF_UP = 0x1

_HEADER = "=IHHII"  # struct nlmsghdr: length, type, flags, sequence number, port
_LINK = "=BxHiII"  # struct ifinfomsg: family, type, index, flags, mask of the flags that change
_ADDRESS = "=BBBBI"  # struct ifaddrmsg: family, length of prefix, flags, scope, index
_LONGEST = 1 << 17  # bytes of one datagram; the kernel's dumps stay below 32 kB


class Link:
    """One network device, as the kernel describes it."""

    def __init__(self, body: bytes) -> None:
        """Take the message apart."""
        size = struct.calcsize(_LINK)
        self.index: int
        self.flags: int
        _, _, self.index, self.flags, _ = struct.unpack(_LINK, body[:size])
        self.attributes = attributes(body[size:])

    @property
    def name(self) -> str:
        """Return its name."""
        return os.fsdecode(self.attributes[IFLA_IFNAME].rstrip(b"\0"))


class Address:
    """One address of a network device."""

    def __init__(self, body: bytes) -> None:
        """Take the message apart."""
        size = struct.calcsize(_ADDRESS)
        header = struct.unpack(_ADDRESS, body[:size])
        self.family, self.prefix_length, self.flags, self.scope, self.index = header
        self.attributes = attributes(body[size:])
        if IFA_FLAGS in self.attributes:  # the header has room for the first eight only
            (self.flags,) = struct.unpack("=I", self.attributes[IFA_FLAGS])


class Socket:
    """A conversation with the kernel about the network namespace of this process."""

    def __init__(self) -> None:
        """Open it."""
        kind = _socket.SOCK_RAW
        self.socket = _socket.socket(_socket.AF_NETLINK, kind, _socket.NETLINK_ROUTE)
        self.socket.bind((0, 0))
        self.socket.setsockopt(_SOL_NETLINK, _NETLINK_EXT_ACK, 1)
        self.sequence = 0

    def link(self, name: str) -> Link | None:
        """Return the device of a name, None if there is none."""
        body = struct.pack(_LINK, 0, 0, 0, 0, 0) + attribute(IFLA_IFNAME, name)
        try:
            (answer,) = self.request(RTM_GETLINK, 0, body)
        except OSError as error:
            if error.errno == errno.ENODEV:
                return None
            raise
        return Link(answer)

    def link_at(self, index: int) -> Link:
        """Return the device of an index."""
        (answer,) = self.request(RTM_GETLINK, 0, struct.pack(_LINK, 0, 0, index, 0, 0))
        return Link(answer)

    def set_link(self, index: int, *, up: bool | None = None, changes: bytes = b"") -> None:
        """Change a device: set it up or down, or what the attributes say."""
        flags, mask = (IFF_UP if up else 0), (0 if up is None else IFF_UP)
        body = struct.pack(_LINK, 0, 0, index, flags, mask) + changes
        list(self.request(RTM_SETLINK, NLM_F_ACK, body))

    def addresses(self, index: int) -> list[Address]:
        """Return the addresses of a device, of IPv4 primary ones first."""
        body = struct.pack(_ADDRESS, 0, 0, 0, 0, 0)
        found = map(Address, self.request(RTM_GETADDR, NLM_F_DUMP, body))
        return [address for address in found if address.index == index]

    def add_address(self, index: int, address: Address, changed: dict[int, bytes | int]) -> None:
        """Give a device an address like one that another has, or had."""
        body = struct.pack(_ADDRESS, address.family, address.prefix_length, 0, address.scope, index)
        body += b"".join(
            attribute(kind, value) for kind, value in {**address.attributes, **changed}.items()
        )
        list(self.request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, body))

    def request(self, kind: int, flags: int, body: bytes) -> Iterator[bytes]:
        """Send one message; return what the kernel answers, raise OSError for its errors."""
        self.sequence += 1
        length = struct.calcsize(_HEADER) + len(body)
        header = struct.pack(_HEADER, length, kind, flags | NLM_F_REQUEST, self.sequence, 0)
        self.socket.send(header + body)
        answers: list[bytes] = []
        while True:
            for answer_kind, answer_flags, answer in self._received():
                if answer_kind == _NLMSG_ERROR:
                    _raise_error(answer_flags, answer)
                    return iter(answers)
                if answer_kind == _NLMSG_DONE:
                    return iter(answers)
                answers.append(answer)
            if not flags & (NLM_F_ACK | NLM_F_DUMP):
                return iter(answers)

    def _received(self) -> Iterator[tuple[int, int, bytes]]:
        """Return the messages of one datagram, each aligned to four bytes."""
        rest = self.socket.recv(_LONGEST)
        size = struct.calcsize(_HEADER)
        while len(rest) >= size:
            length, kind, flags, sequence, _ = struct.unpack(_HEADER, rest[:size])
            if sequence == self.sequence:
                yield kind, flags, rest[size:length]
            rest = rest[_aligned(length) :]


def socket_in(namespace: int) -> Socket:
    """Open a socket in another network namespace, which this process enters for that only."""
    own = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        syscalls.setns(namespace, syscalls.CLONE_NEWNET)
        try:
            return Socket()
        finally:
            syscalls.setns(own, syscalls.CLONE_NEWNET)
    finally:
        os.close(own)


def attribute(kind: int, value: bytes | str | int) -> bytes:
    """Return a struct rtattr with its value; texts end with a null character."""
    if isinstance(value, int):
        value = struct.pack("=I", value)
    elif isinstance(value, str):
        value = os.fsencode(value) + b"\0"
    length = struct.calcsize("=HH") + len(value)
    return struct.pack("=HH", length, kind) + value + bytes(_aligned(length) - length)


def attributes(rest: bytes) -> Attributes:
    """Take the attributes at the end of a message apart."""
    found = {}
    while len(rest) >= struct.calcsize("=HH"):
        length, kind = struct.unpack("=HH", rest[:4])
        found[kind & _NLA_TYPE_MASK] = rest[4:length]
        rest = rest[_aligned(length) :]
    return found


def _raise_error(flags: int, body: bytes) -> None:
    (number,) = struct.unpack("=i", body[:4])
    if not number:
        return
    text = os.strerror(-number)
    if flags & _NLM_F_ACK_TLVS:
        # The request is repeated before the attributes, only its header if it is "capped".
        (length,) = struct.unpack("=I", body[4:8])
        start = 4 + (struct.calcsize(_HEADER) if flags & _NLM_F_CAPPED else _aligned(length))
        said = attributes(body[start:]).get(_NLMSGERR_ATTR_MSG, b"").rstrip(b"\0")
        text += f" ({said.decode(errors='replace')})" if said else ""
    raise OSError(-number, text)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
