"""Mutants of config-linux.md: network devices."""

from __future__ import annotations

import contextlib
import os
import signal

from reference_runtime import (
    container,
    errors,
    net_devices,
    op_delete,
    op_state,
    rtnetlink,
    validate,
)
from tests.mutants.breaking import mutant, skip, wrap

AF_INET = 2


def index_of(socket, name):
    """Return the index of a device that is there."""
    return next(i for i in range(1, 99) if name == name_at(socket, i))


def name_at(socket, index):
    """Return the name of the device of this index, nothing where there is none."""
    try:
        return socket.link_at(index).name
    except OSError:
        return ""


def named(choose):
    """Choose the name in the container: ``choose(name, new_name)``."""

    def begin(original, self, name, new_name):
        original(self, name, choose(name, new_name))

    wrap(net_devices.Device, "__init__", begin)


@mutant("linux.net-devices.available")
def network_devices_are_ignored():
    """Listed network devices stay where they are."""
    skip(net_devices.Moves, "run")


@mutant("linux.net-devices.list-is-must")
def missing_network_devices_are_skipped():
    """Of the listed network devices those that there are are moved."""

    def begin(original, self, made):
        original(self, made)
        self.devices = [one for one in self.devices if self.here.link(one.name) is not None]

    wrap(net_devices.Moves, "__init__", begin)


@mutant("linux.net-devices.name-default")
def network_devices_get_a_usual_name():
    """A network device without a name is eth0 in the container."""
    named(lambda name, new_name: "eth0" if name == new_name else new_name)


@mutant("linux.net-devices.name-rename")
def network_devices_keep_their_name():
    """The name for a network device is ignored."""
    named(lambda name, _new_name: name)


@mutant("linux.net-devices.check-possible")
def a_move_that_fails_is_no_error():
    """A container starts without the network device that could not be moved."""

    def run(original, self):
        with contextlib.suppress(OSError, errors.OperationError):
            original(self)

    wrap(net_devices.Moves, "run", run)


@mutant("linux.net-devices.name-clash-errors")
def another_name_is_chosen():
    """A network device whose name is taken gets another one."""

    def find(original, self, here, there):
        if there.link(self.new_name) is not None:
            self.new_name += "x"
        original(self, here, there)

    wrap(net_devices.Device, "find", find)


@mutant("linux.net-devices.name-template")
def templates_are_refused():
    """A name with %d is an error."""

    def find(original, self, here, there):
        if net_devices.is_template(self.new_name):
            message = "no such name"
            raise errors.OperationError(message)
        original(self, here, there)

    wrap(net_devices.Device, "find", find)


@mutant("linux.net-devices.preserve-attributes")
def network_devices_get_the_usual_mtu():
    """A network device has an MTU of 1500 in the container."""

    def move(original, self, here, there, namespace):
        original(self, here, there, namespace)
        there.set_link(self.moved_index, changes=rtnetlink.attribute(rtnetlink.IFLA_MTU, 1500))

    wrap(net_devices.Device, "move", move)


@mutant("linux.net-devices.preserve-global-permanent-addresses")
def addresses_of_ipv6_are_lost():
    """A network device keeps its addresses of IPv4 alone."""

    def find(original, self, here, there):
        original(self, here, there)
        self.addresses = [address for address in self.addresses if address.family == AF_INET]

    wrap(net_devices.Device, "find", find)


@mutant("linux.net-devices.up")
def network_devices_are_left_down():
    """A network device has to be set up in the container."""

    def set_link(original, self, index, *, up=None, changes=b""):
        if up is None:
            original(self, index, changes=changes)

    wrap(rtnetlink.Socket, "set_link", set_link)


@mutant("linux.net-devices.no-active-management")
def network_devices_are_set_up_again():
    """A network device that the container has set down is up after the next operation."""

    def run(original, arguments):
        pid = container.load(arguments.root, arguments.id).record["pid"]
        there = rtnetlink.socket_in(os.open(f"/proc/{pid}/ns/net", os.O_RDONLY))
        for index in range(1, 9):
            with contextlib.suppress(OSError):
                there.set_link(index, up=True)
        original(arguments)

    wrap(op_state, "run", run)


@mutant("linux.net-devices.not-moved-back")
def delete_moves_network_devices_back():
    """After delete a network device is where it came from."""

    def move(original, self):
        original(self)
        path = self.creation._namespaces["network"].get("path")
        if path:
            self.creation.container.record["moved"] = [path, [d.new_name for d in self.devices]]

    def run(original, arguments):
        path, names = container.load(arguments.root, arguments.id).record.get("moved", ("", []))
        original(arguments)
        if path:
            there = rtnetlink.socket_in(os.open(path, os.O_RDONLY))
            own = os.open("/proc/self/ns/net", os.O_RDONLY)
            changes = rtnetlink.attribute(rtnetlink.IFLA_NET_NS_FD, own)
            for name in names:
                there.set_link(index_of(there, name), changes=changes)

    wrap(net_devices.Moves, "run", move)
    wrap(op_delete, "run", run)


@mutant("linux.net-devices.kernel-cleanup")
def a_network_namespace_outlives_its_container():
    """A network device is still there after delete."""

    def run(original, self):
        original(self)
        if os.fork() == 0:
            os.closerange(3, self.namespace)
            os.closerange(self.namespace + 1, 256)
            signal.pause()
            os._exit(0)

    wrap(net_devices.Moves, "run", run)


@mutant("linux.net-devices.without-network-ns")
def network_devices_of_the_host_are_renamed():
    """Without a network namespace a device of the host gets the name for the container."""

    def check(original, config):
        linux = config["linux"]
        if all(entry.get("type") != "network" for entry in linux["namespaces"]):
            here = rtnetlink.Socket()
            for name, value in linux.pop("netDevices", {}).items():
                changes = rtnetlink.attribute(rtnetlink.IFLA_IFNAME, value.get("name") or name)
                here.set_link(index_of(here, name), changes=changes)
        original(config)

    wrap(validate, "configuration", check)
