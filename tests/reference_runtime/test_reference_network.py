"""Network devices moved into containers (config-linux.md#network-devices), of a private host."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reference_runtime import errors, rtnetlink, validate

IFLA_LINKINFO, INFO_KIND, INFO_DATA, VETH_INFO_PEER = 18, 1, 2, 1
IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST = 1, 2, 4
PERMANENT, NOPREFIXROUTE = 0x80, 0x200
UNIVERSE, LINK_SCOPE = 0, 253
MAC = bytes.fromhex("02aabbccddee")


class Host:
    """A network namespace in which the runtime believes to be on the host."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        self.network = rtnetlink.socket_in(namespace)
        os.close(namespace)

    def add_veth(self, name: str, peer: str, mtu: int = 1500) -> int:
        other = struct.pack("=BxHiII", 0, 0, 0, 0, 0) + of(rtnetlink.IFLA_IFNAME, peer)
        data = of(INFO_DATA, of(VETH_INFO_PEER, other))
        body = struct.pack("=BxHiII", 0, 0, 0, 0, 0) + of(rtnetlink.IFLA_IFNAME, name)
        body += of(rtnetlink.IFLA_ADDRESS, MAC) + of(rtnetlink.IFLA_MTU, mtu)
        body += of(IFLA_LINKINFO, of(INFO_KIND, b"veth") + data)
        flags = rtnetlink.NLM_F_ACK | rtnetlink.NLM_F_CREATE | rtnetlink.NLM_F_EXCL
        list(self.network.request(rtnetlink.RTM_NEWLINK, flags, body))
        link = self.network.link(name)
        assert link
        return link.index

    def add_address(self, index: int, text: str, scope: int = UNIVERSE, **more: Any) -> None:
        family = socket.AF_INET6 if ":" in text else socket.AF_INET
        number, _, length = text.partition("/")
        packed, prefix = socket.inet_pton(family, number), int(length)
        body = struct.pack("=BBBBI", family, prefix, 0, scope, index)
        body += of(IFA_LOCAL, packed) + of(IFA_ADDRESS, packed)
        body += of(rtnetlink.IFA_FLAGS, more.get("flags", 0))
        if "label" in more:
            body += of(rtnetlink.IFA_LABEL, more["label"])
        if "lifetime" in more:
            body += of(6, struct.pack("=IIII", more["lifetime"], more["lifetime"], 0, 0))
        flags = rtnetlink.NLM_F_ACK | rtnetlink.NLM_F_CREATE
        list(self.network.request(rtnetlink.RTM_NEWADDR, flags, body))


def of(kind: int, value: Any) -> bytes:
    return rtnetlink.attribute(kind, value)


@pytest.fixture
def host(runtime, launcher, tmp_path):
    command = ["unshare", "-n", "sh", "-c", "echo made; exec cat"]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout
    assert holder.stdout.readline() == b"made\n"
    script = tmp_path / "on-host"
    script.write_text(f'#!/bin/sh\nexec nsenter -n -t {holder.pid} {launcher} "$@"\n')
    script.chmod(0o755)
    runtime.launcher = script
    host = Host(holder.pid)
    try:
        host.add_veth("probe0", "probe1")
    except OSError as error:
        holder.communicate()
        pytest.skip(f"needs network devices of the type veth: {error}")
    yield host
    runtime.launcher = launcher
    holder.communicate()


@pytest.fixture
def moved(runtime, config, make_bundle):
    """Create a container with network devices; return a socket in its network namespace."""

    def create(**devices: Any) -> rtnetlink.Socket:
        config["linux"]["netDevices"] = devices
        pid = runtime.state(runtime.create(make_bundle(config)))["pid"]
        namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        try:
            return rtnetlink.socket_in(namespace)
        finally:
            os.close(namespace)

    return create


def described(network: rtnetlink.Socket, index: int) -> set[tuple[str, int, int, bytes]]:
    """The addresses that were not made by the kernel: text, scope, flags, label."""
    return {
        (
            f"{socket.inet_ntop(a.family, a.attributes[IFA_ADDRESS])}/{a.prefix_length}",
            a.scope,
            a.flags & (PERMANENT | NOPREFIXROUTE),
            a.attributes.get(rtnetlink.IFA_LABEL, b"").rstrip(b"\0"),
        )
        for a in network.addresses(index)
        if a.scope != LINK_SCOPE or a.family == socket.AF_INET
    }


def test_a_device_is_moved_with_what_it_has(host, moved):
    host.add_veth("eth7", "peer7", mtu=1400)

    there = moved(eth7={})

    assert host.network.link("eth7") is None
    link = there.link("eth7")
    assert link.flags & rtnetlink.IFF_UP
    assert struct.unpack("=I", link.attributes[rtnetlink.IFLA_MTU]) == (1400,)
    assert link.attributes[rtnetlink.IFLA_ADDRESS] == MAC
    assert host.network.link("peer7") is not None


@pytest.mark.parametrize("name", ["eth7", "inner"])
def test_permanent_addresses_of_global_scope_go_along(host, moved, name):
    index = host.add_veth("eth7", "peer7")
    host.add_address(index, "192.0.2.1/24")
    host.add_address(index, "192.0.2.2/24", label="eth7:a")
    host.add_address(index, "198.51.100.9/32", flags=NOPREFIXROUTE)
    host.add_address(index, "203.0.113.1/24", LINK_SCOPE)
    host.add_address(index, "192.0.2.77/24", lifetime=1000)

    there = moved(eth7={"name": name})

    assert described(there, there.link(name).index) == {
        ("192.0.2.1/24", UNIVERSE, PERMANENT, name.encode()),
        ("192.0.2.2/24", UNIVERSE, PERMANENT, f"{name}:a".encode()),
        ("198.51.100.9/32", UNIVERSE, PERMANENT | NOPREFIXROUTE, name.encode()),
    }


def test_addresses_of_ipv6(host, moved):
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("needs IPv6")
    index = host.add_veth("eth7", "peer7")
    host.add_address(index, "2001:db8::1/64")
    host.add_address(index, "2001:db8::2/64", lifetime=1000)
    host.network.set_link(index, up=True)

    there = moved(eth7={})

    expected = {("2001:db8::1/64", UNIVERSE, PERMANENT, b"")}
    assert described(there, there.link("eth7").index) == expected


def test_a_template_of_a_name_is_filled_by_the_kernel(host, moved):
    host.add_veth("eth7", "peer7")
    host.add_veth("eth8", "peer8")
    index = host.network.link("eth7").index
    host.add_address(index, "192.0.2.1/24")

    there = moved(eth7={"name": "net%d"}, eth8={"name": "net%d"})

    links = [there.link("net0"), there.link("net1")]
    assert all(link.flags & rtnetlink.IFF_UP for link in links)
    found = set().union(*(described(there, link.index) for link in links))
    assert found == {("192.0.2.1/24", UNIVERSE, PERMANENT, b"net0")}


def test_two_devices_can_exchange_a_name(host, moved):
    first, second = host.add_veth("eth7", "peer7", mtu=1407), host.add_veth("eth8", "peer8")
    assert first != second

    there = moved(eth7={"name": "eth8"}, eth8={"name": "eth7"})

    assert struct.unpack("=I", there.link("eth8").attributes[rtnetlink.IFLA_MTU]) == (1407,)


def test_hooks_of_create_see_the_device(host, moved, config, log):
    host.add_veth("eth7", "peer7")
    script = f"ls /proc/sys/net/ipv4/conf > {log.directory}/seen"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/bin"]}
    config["hooks"] = {"createContainer": [hook]}

    moved(eth7={"name": "inner"})

    assert "inner" in (log.directory / "seen").read_text().split()


def test_with_a_user_namespace(host, moved, config):
    ids = [{"containerID": 0, "hostID": 0, "size": 65536}]
    config["linux"]["namespaces"].append({"type": "user"})
    config["linux"] |= {"uidMappings": ids, "gidMappings": ids}
    host.add_address(host.add_veth("eth7", "peer7"), "192.0.2.1/24")

    there = moved(eth7={})

    assert len(described(there, there.link("eth7").index)) == 1


def failure(runtime, config, make_bundle, **devices: Any) -> str:
    config["linux"]["netDevices"] = devices
    identifier = runtime.new_id()
    result = runtime("create", "-b", str(make_bundle(config)), identifier)
    assert result.status == 1
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert not runtime.knows(identifier)
    text: str = result.stderr
    return text


def test_a_missing_device_is_an_error_before_another_is_moved(host, runtime, config, make_bundle):
    index = host.add_veth("eth7", "peer7")

    text = failure(runtime, config, make_bundle, eth7={}, eth9={})

    assert "linux.netDevices.eth9: there is no such network device" in text
    assert host.network.link("eth7").index == index


def test_a_name_that_is_taken_is_an_error_before_another_is_moved(
    host, runtime, config, make_bundle
):
    index = host.add_veth("eth7", "peer7")
    host.add_veth("eth8", "peer8")
    holder = subprocess.Popen(["nsenter", "-n", f"-t{host.pid}", "unshare", "-n", "sh", "-c",
                               "echo made; exec cat"], stdin=-1, stdout=-1)  # fmt: skip
    assert holder.stdout
    holder.stdout.readline()
    Host(holder.pid).add_veth("taken", "peer")
    config["linux"]["namespaces"][-1]["path"] = f"/proc/{holder.pid}/ns/net"

    text = failure(runtime, config, make_bundle, eth7={}, eth8={"name": "taken"})

    assert "linux.netDevices.eth8: the container's network namespace has a device taken" in text
    assert host.network.link("eth7").index == index
    holder.communicate()


def test_the_runtimes_own_network_namespace_is_refused(host, runtime, config, make_bundle):
    host.add_veth("eth7", "peer7")
    config["linux"]["namespaces"][-1]["path"] = f"/proc/{host.pid}/ns/net"

    text = failure(runtime, config, make_bundle, eth7={"name": "other"})

    assert "linux.netDevices: the container is in the runtime's own network namespace" in text
    assert host.network.link("other") is None


@pytest.mark.usefixtures("host")
def test_a_device_that_cannot_be_moved_is_an_error(runtime, config, make_bundle):
    text = failure(runtime, config, make_bundle, lo={"name": "other"})

    assert "linux.netDevices.lo: " in text


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("name", ["eth7", "inner", "net%d"])
def test_a_create_that_fails_later_gives_the_device_back(
    host, runtime, config, make_bundle, up, name
):
    index = host.add_veth("eth7", "peer7", mtu=1300)
    host.add_address(index, "192.0.2.1/24", label="eth7:a")
    host.add_address(index, "203.0.113.1/24", LINK_SCOPE)
    host.network.set_link(index, up=up)
    before = described(host.network, index)
    config["hooks"] = {"createRuntime": [{"path": "/bin/false"}]}

    text = failure(runtime, config, make_bundle, eth7={"name": name})

    assert "hooks.createRuntime[0]" in text
    link = host.network.link("eth7")
    assert bool(link.flags & rtnetlink.IFF_UP) == up
    assert described(host.network, link.index) == before
    assert struct.unpack("=I", link.attributes[rtnetlink.IFLA_MTU]) == (1300,)


INVALID = [
    ("linux.netDevices", {"eth0": {}}, ["mount"]),
    ("linux.netDevices", [], ["network"]),
    ("linux.netDevices.eth0", {"eth0": None}, ["network"]),
    ("linux.netDevices.eth0.name", {"eth0": {"name": 1}}, ["network"]),
    ("linux.netDevices.eth0.name", {"eth0": {"name": "a/b"}}, ["network"]),
    ("linux.netDevices.eth0.name", {"eth0": {"name": "a b"}}, ["network"]),
    ("linux.netDevices.eth0.name", {"eth0": {"name": ".."}}, ["network"]),
    ("linux.netDevices.eth0.name", {"eth0": {"name": "sixteen_letters_"}}, ["network"]),
    ("linux.netDevices.eth0.name", {"eth0": {"name": "a%d%d"}}, ["network"]),
    ("linux.netDevices.eth0.name", {"eth0": {"name": "a%s"}}, ["network"]),
    ("linux.netDevices.b.name", {"a": {"name": "x"}, "b": {"name": "x"}}, ["network"]),
    ("linux.netDevices.b.name", {"b2": {}, "b": {"name": "b2"}}, ["network"]),
    ("linux.netDevices: the key 'eth%d'", {"eth%d": {}}, ["network"]),
    ("linux.netDevices: the key ''", {"": {}}, ["network"]),
]


@pytest.mark.parametrize(("path", "devices", "kinds"), INVALID, ids=str)
def test_invalid_devices_error_with_the_path(path, devices, kinds):
    linux = {"netDevices": devices, "namespaces": [{"type": kind} for kind in kinds]}
    config = {"ociVersion": "1.3.0", "root": {"path": "x"}, "linux": linux}

    with pytest.raises(errors.OperationError) as caught:
        validate.configuration(config)

    assert str(caught.value).startswith(f"{path}: ")
