"""Network devices of the host's moved into the container (config-linux.md#network-devices).

The kernel keeps MTU and hardware address of a device that changes its network namespace; its
addresses it forgets. What becomes of the device later is not the runtime's business.
"""

from __future__ import annotations

import os

from reference_runtime import errors, report, rtnetlink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation
    from reference_runtime.rtnetlink import Address, Socket

_IFA_CACHEINFO, _IFA_RT_PRIORITY, _IFA_PROTO = 6, 9, 11
_COPIED = {1, 2, 3, 4, _IFA_CACHEINFO, _IFA_RT_PRIORITY, _IFA_PROTO}  # IFA_ADDRESS to _BROADCAST
_RT_SCOPE_UNIVERSE = 0
_IFA_F_PERMANENT = 0x80
# NODAD, HOMEADDRESS, MANAGETEMPADDR, NOPREFIXROUTE, MCAUTOJOIN: what is set, not what has become.
_KEPT_FLAGS = 0x02 | 0x10 | 0x100 | 0x200 | 0x400


class Device:
    """A device on its way: where it was, and where it is to be."""

    def __init__(self, name: str, new_name: str) -> None:
        """Take the names; nothing is looked up."""
        self.where = f"linux.netDevices.{name}"
        self.name = name
        self.new_name = new_name
        self.index = 0
        self.is_up = False
        self.addresses: list[Address] = []
        self.moved_index = 0

    def find(self, here: Socket, there: Socket) -> None:
        """Look at the device, and whether its name is free in the container."""
        link = here.link(self.name)
        if link is None:
            message = "there is no such network device"
            raise errors.OperationError(message)
        if not is_template(self.new_name) and there.link(self.new_name) is not None:
            message = f"the container's network namespace has a device {self.new_name} already"
            raise errors.OperationError(message)
        self.index = link.index
        self.is_up = bool(link.flags & rtnetlink.IFF_UP)
        found = here.addresses(self.index)
        self.addresses = [address for address in found if address.flags & _IFA_F_PERMANENT]
        for address in self.addresses:
            known = {kind: text for kind, text in address.attributes.items() if kind in _COPIED}
            address.attributes = known

    def move(self, here: Socket, there: Socket, namespace: int) -> None:
        """Move it, give it its permanent global addresses again, set it up."""
        # Of a template the kernel makes a name that is unknown here: look it up by another one.
        passing = f"oci{os.urandom(6).hex()}" if is_template(self.new_name) else self.new_name
        self._send(here, self.index, namespace, passing)
        moved = there.link(passing)
        if moved is None:
            message = "the device has vanished on its way to the container"
            raise errors.OperationError(message)
        self.moved_index = moved.index
        name = self.new_name
        if passing != name:
            there.set_link(
                moved.index, changes=rtnetlink.attribute(rtnetlink.IFLA_IFNAME, self.new_name)
            )
            name = there.link_at(moved.index).name
        for address in self.addresses:
            if address.scope == _RT_SCOPE_UNIVERSE:
                self._add(there, moved.index, address, name)
        there.set_link(moved.index, up=True)

    def move_back(self, here: Socket, there: Socket, namespace: int) -> None:
        """Undo a move: after a failed create the host is as it was (runtime.md#errors)."""
        if self.moved_index:
            self._send(there, self.moved_index, namespace, self.name)
            link = here.link(self.name)
            if link is not None:
                for address in self.addresses:
                    self._add(here, link.index, address, self.name)
                here.set_link(link.index, up=self.is_up)

    @staticmethod
    def _send(source: Socket, index: int, namespace: int, name: str) -> None:
        changes = rtnetlink.attribute(rtnetlink.IFLA_NET_NS_FD, namespace)
        changes += rtnetlink.attribute(rtnetlink.IFLA_IFNAME, name)
        source.set_link(index, changes=changes)

    def _add(self, target: Socket, index: int, address: Address, name: str) -> None:
        changed: dict[int, bytes | int] = {rtnetlink.IFA_FLAGS: address.flags & _KEPT_FLAGS}
        label = address.attributes.get(rtnetlink.IFA_LABEL)
        if label is not None:  # of IPv4; it begins with the name of the device (ip-address(8))
            rest = os.fsdecode(label.rstrip(b"\0")).removeprefix(self.name)
            changed[rtnetlink.IFA_LABEL] = os.fsencode(name + rest)[:15] + b"\0"
        target.add_address(index, address, changed)


class Moves:
    """All devices of a container, and the two network namespaces."""

    def __init__(self, creation: Creation) -> None:
        """Open both; the descriptors keep the container's alive, should it have to be left."""
        self.creation = creation
        flags = os.O_RDONLY | os.O_CLOEXEC
        self.own = os.open("/proc/self/ns/net", flags)
        self.namespace = os.open(f"/proc/{creation.init_pid}/ns/net", flags)
        if os.path.samestat(os.fstat(self.own), os.fstat(self.namespace)):
            message = "linux.netDevices: the container is in the runtime's own network namespace"
            raise errors.OperationError(message)
        self.here = rtnetlink.Socket()
        self.there = rtnetlink.socket_in(self.namespace)
        self.devices = [
            Device(name, value.get("name") or name)
            for name, value in creation.linux["netDevices"].items()
        ]

    def run(self) -> None:
        """Move the devices when all of them can be moved, as far as that can be seen."""
        for device in self.devices:
            with self.creation.naming(device.where):
                device.find(self.here, self.there)
        for device in self.devices:
            with self.creation.naming(device.where):
                device.move(self.here, self.there, self.namespace)

    def undo(self) -> None:
        """Move back what was moved, the last one first."""
        for device in reversed(self.devices):
            try:
                device.move_back(self.here, self.there, self.own)
            except OSError as error:
                reason = errors.reason(error)
                report.warning(f"{device.where}: it cannot be moved back: {reason}")


def is_template(name: str) -> bool:
    """Say whether the kernel is to choose a number for the name."""
    return "%d" in name
