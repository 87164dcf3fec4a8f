"""Network devices of the calling thread's network namespace, by raw rtnetlink(7)."""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
import time
from dataclasses import dataclass

from harness import door

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP, NLM_F_EXCL, NLM_F_CREATE = 0x1, 0x4, 0x300, 0x200, 0x400
NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_NEWLINK, RTM_GETLINK, RTM_NEWADDR, RTM_GETADDR = 16, 18, 20, 22
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_TXQLEN = 1, 3, 4, 13
IFLA_LINKINFO, IFLA_IFALIAS = 18, 20
IFLA_INFO_KIND, IFLA_INFO_DATA, VETH_INFO_PEER = 1, 2, 1
IFA_ADDRESS, IFA_LOCAL, IFA_CACHEINFO, IFA_FLAGS = 1, 2, 6, 8
IFA_F_NODAD, IFA_F_PERMANENT, IFF_UP = 0x02, 0x80, 0x1
RT_SCOPE_UNIVERSE, RT_SCOPE_LINK = 0, 253
RTMGRP_LINK = 1

_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")


@dataclass(frozen=True)
class Device:
    """One network device, as a dump shows it."""

    index: int
    name: str
    mac: str
    mtu: int
    queue: int
    """Length of its transmit queue."""
    alias: str
    up: bool


@dataclass(frozen=True, order=True)
class Address:
    """One address of a device: ``10.1.2.3/24``."""

    text: str
    scope: int = RT_SCOPE_UNIVERSE
    permanent: bool = True


def devices() -> dict[str, Device]:
    """All devices by name."""
    found = (_device(payload) for payload in _dump(RTM_GETLINK, _LINK.pack(0, 0, 0, 0, 0)))
    return {device.name: device for device in found}


def addresses(name: str) -> list[Address]:
    """All addresses of a device."""
    index = socket.if_nametoindex(name)
    dumped = _dump(RTM_GETADDR, _ADDRESS.pack(0, 0, 0, 0, 0))
    return sorted(_address(p) for p in dumped if _ADDRESS.unpack_from(p)[4] == index)


def add_pair(name: str, peer: str) -> None:
    """Make two virtual Ethernet devices, each the other end of the other, both down (veth(4))."""
    other = _attribute(
        VETH_INFO_PEER, _LINK.pack(0, 0, 0, 0, 0) + _attribute(IFLA_IFNAME, _text(peer))
    )
    info = _attribute(IFLA_INFO_KIND, b"veth") + _attribute(IFLA_INFO_DATA, other)
    named = _attribute(IFLA_IFNAME, _text(name))
    payload = _LINK.pack(0, 0, 0, 0, 0) + named + _attribute(IFLA_LINKINFO, info)
    _ask(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, payload)


def change(  # noqa: PLR0913 - the attributes of a device, each by name
    name: str, *, up: bool = False, mac: str = "", mtu: int = 0, queue: int = 0, alias: str = ""
) -> None:
    """Change a device: what is not given stays as it is, but for up."""
    attributes = b""
    if mac:
        attributes += _attribute(IFLA_ADDRESS, bytes.fromhex(mac.replace(":", "")))
    if mtu:
        attributes += _attribute(IFLA_MTU, struct.pack("=I", mtu))
    if queue:
        attributes += _attribute(IFLA_TXQLEN, struct.pack("=I", queue))
    if alias:
        attributes += _attribute(IFLA_IFALIAS, alias.encode())
    index = socket.if_nametoindex(name)
    _ask(RTM_NEWLINK, 0, _LINK.pack(0, 0, index, IFF_UP if up else 0, IFF_UP) + attributes)


def add_address(name: str, text: str, *, scope: int = RT_SCOPE_UNIVERSE, seconds: int = 0) -> None:
    """Give a device an address; for so many seconds, or for good."""
    interface = ipaddress.ip_interface(text)
    family = socket.AF_INET if interface.version == 4 else socket.AF_INET6  # noqa: PLR2004 - IPv4
    packed, prefix = interface.ip.packed, interface.network.prefixlen
    payload = _ADDRESS.pack(family, prefix, 0, scope, socket.if_nametoindex(name))
    payload += _attribute(IFA_LOCAL, packed) + _attribute(IFA_ADDRESS, packed)
    if family == socket.AF_INET6:  # else it is of use only when nobody has turned out to have it
        payload += _attribute(IFA_FLAGS, struct.pack("=I", IFA_F_NODAD))
    if seconds:
        payload += _attribute(IFA_CACHEINFO, struct.pack("=IIII", seconds, seconds, 0, 0))
    _ask(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, payload)


def vanishes(name: str, seconds: float) -> bool:
    """Wait until there is no device of this name; whether that came in time."""
    deadline = time.monotonic() + seconds
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.bind((0, RTMGRP_LINK))  # before the first look: no change is missed
        while name in devices():
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not door.readable(sock.fileno(), remaining):
                return False
            sock.recv(1 << 18)
    return True


def _device(payload: bytes) -> Device:
    _, _, index, flags, _ = _LINK.unpack_from(payload)
    found = dict(_attributes(payload[_LINK.size :]))
    return Device(
        index=index,
        name=_untext(found[IFLA_IFNAME]),
        mac=found.get(IFLA_ADDRESS, b"").hex(":"),
        mtu=_number(found, IFLA_MTU),
        queue=_number(found, IFLA_TXQLEN),
        alias=_untext(found.get(IFLA_IFALIAS, b"")),
        up=bool(flags & IFF_UP),
    )


def _address(payload: bytes) -> Address:
    _, prefix, flags, scope, _ = _ADDRESS.unpack_from(payload)
    found = dict(_attributes(payload[_ADDRESS.size :]))
    packed = found.get(IFA_LOCAL) or found[IFA_ADDRESS]
    flags = _number(found, IFA_FLAGS) or flags
    return Address(f"{ipaddress.ip_address(packed)}/{prefix}", scope, bool(flags & IFA_F_PERMANENT))


def _number(found: dict[int, bytes], kind: int) -> int:
    return int.from_bytes(found.get(kind, b""), "little")


def _text(name: str) -> bytes:
    return name.encode() + b"\0"


def _untext(packed: bytes) -> str:
    return packed.rstrip(b"\0").decode(errors="replace")


def _attribute(kind: int, value: bytes) -> bytes:
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + b"\0" * (-length % 4)


def _attributes(packed: bytes) -> list[tuple[int, bytes]]:
    found = []
    while len(packed) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(packed)
        found.append((kind & 0x3FFF, packed[_ATTRIBUTE.size : length]))
        packed = packed[length + (-length % 4) :]
    return found


def _ask(kind: int, flags: int, payload: bytes) -> None:
    """Send one request and wait for its acknowledgement; the kernel's OSError if it refuses."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        _send(sock, kind, flags | NLM_F_ACK, payload)
        number = struct.unpack_from("=i", sock.recv(1 << 16), _HEADER.size)[0]
    if number:
        raise OSError(-number, os.strerror(-number))


def _dump(kind: int, payload: bytes) -> list[bytes]:
    found: list[bytes] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        _send(sock, kind, NLM_F_DUMP, payload)
        while True:
            packed = sock.recv(1 << 18)
            while packed:
                length, type_, *_ = _HEADER.unpack_from(packed)
                if type_ in {NLMSG_DONE, NLMSG_ERROR}:
                    return found
                found.append(packed[_HEADER.size : length])
                packed = packed[length + (-length % 4) :]


def _send(sock: socket.socket, kind: int, flags: int, payload: bytes) -> None:
    length = _HEADER.size + len(payload)
    sock.send(_HEADER.pack(length, kind, flags | NLM_F_REQUEST, 1, 0) + payload)
