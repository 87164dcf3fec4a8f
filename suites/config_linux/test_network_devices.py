"""Network devices: what is moved into the container."""

import signal

import pytest

from harness import Status, clause, control, host, netlink, tolerates_an_error
from harness.netlink import Address, Device

pytestmark = [
    pytest.mark.requires.with_args(host.virtual_network_devices),
    pytest.mark.usefixtures("network_device"),
]

ONE, OTHER = "conformance0", "conformance1"
MAC = "02:00:00:00:00:05"
PERMANENT = ["10.1.2.3/24", "2001:db8::5/64"]


@pytest.fixture
def moved(create):
    """Create and start a container that is given network devices."""

    def run(devices, **values):
        container = create("linux", linux={"netDevices": devices}, **values)
        return container.start().printed("ready")

    return run


def inside(container):
    """Network devices of a container by name."""
    return container.process.inside("net", netlink.devices)


def device(container, name=ONE):
    """A network device of a container; a nameless one if it is not there."""
    return inside(container).get(name, Device(0, "", "", 0, 0, "", up=False))


def addresses(container, name=ONE):
    """Addresses of a network device of a container, none if it is not there."""

    def look():
        return netlink.addresses(name) if name in netlink.devices() else []

    return container.process.inside("net", look)


@clause("linux.net-devices.available")
def test_moves_a_listed_device(moved):
    before = netlink.devices()

    container = moved({ONE: {}})

    assert ONE in container.facts["net"]
    assert device(container).mac == before[ONE].mac
    assert set(netlink.devices()) == set(before) - {ONE}


@clause("linux.net-devices.available")
def test_leaves_devices_that_are_not_listed(moved):
    before = netlink.devices()

    container = moved({})

    assert ONE not in container.facts["net"]
    assert netlink.devices() == before


@clause("linux.net-devices.list-is-must")
def test_moves_all_listed_devices(moved):
    assert {ONE, OTHER} <= set(moved({ONE: {}, OTHER: {}}).facts["net"])


@clause("linux.net-devices.name-default")
def test_keeps_the_name(moved):
    before = netlink.devices()[ONE].mac

    found = inside(moved({ONE: {}}))

    assert [device.name for device in found.values() if device.mac == before] == [ONE]


@clause("linux.net-devices.name-rename")
def test_gives_another_name(moved):
    before = netlink.devices()[ONE].mac

    found = inside(moved({ONE: {"name": "ctr0"}}))

    assert [device.name for device in found.values() if device.mac == before] == ["ctr0"]


@clause("linux.net-devices.name-template")
@pytest.mark.parametrize("template", ["eth%d", "net%d"], ids=["taken", "free"])
def test_lets_the_kernel_choose_a_name(moved, neighbour, template):
    other = neighbour("network")
    other.process.inside("net", lambda: netlink.add_pair("eth0", "eth1"))
    before, there = netlink.devices(), other.process.inside("net", netlink.devices)
    listed = ["pid", "ipc", "uts", "mount", other.entry("network")]

    found = inside(moved({ONE: {"name": template}, OTHER: {"name": template}}, namespaces=listed))

    by_mac = {device.mac: device.name for device in found.values()}
    assert {by_mac.get(device.mac) for device in there.values()} == set(there)
    names = {by_mac.get(before[name].mac, "") for name in (ONE, OTHER)}
    prefix = template.removesuffix("%d")
    assert len(names) == 2
    assert all(name.removeprefix(prefix).isdecimal() for name in names)


@clause("linux.net-devices.preserve-attributes")
@pytest.mark.parametrize(
    ("name", "value"), [("mac", MAC), ("mtu", 1400), ("queue", 77), ("alias", "an alias")]
)
def test_keeps_the_attribute(moved, name, value):
    netlink.change(ONE, mac=MAC, mtu=1400, queue=77, alias="an alias")

    found = device(moved({ONE: {"name": "ctr0"}}), "ctr0")

    assert getattr(found, name) == value


@clause("linux.net-devices.preserve-global-permanent-addresses")
@pytest.mark.parametrize("up", [False, True], ids=["down", "up"])
@pytest.mark.parametrize("text", PERMANENT, ids=["ipv4", "ipv6"])
def test_keeps_permanent_global_addresses(moved, record, up, text):
    netlink.change(ONE, up=up)
    netlink.add_address(ONE, PERMANENT[0])
    netlink.add_address(ONE, PERMANENT[1])
    netlink.add_address(ONE, "10.9.0.1/24", scope=netlink.RT_SCOPE_LINK)
    netlink.add_address(ONE, "10.8.0.1/24", seconds=1000)

    found = addresses(moved({ONE: {"name": "ctr0"}}), "ctr0")
    record("addresses", [address.text for address in found])

    assert Address(text) in found


@clause("linux.net-devices.up")
def test_sets_the_device_up(moved):
    before = netlink.devices()[ONE].up

    container = moved({ONE: {}})

    assert (before, device(container).up) == (False, True)


@clause("linux.net-devices.no-active-management")
def test_leaves_the_device_alone_later(moved):
    container = moved({ONE: {}})
    assert ONE in container.facts["net"]

    container.process.inside("net", lambda: netlink.change(ONE, mtu=1300, up=False))
    container.process.inside("net", lambda: netlink.add_address(ONE, "10.7.0.1/24"))
    status = container.kill(signal.SIGWINCH).status()

    found = device(container)
    assert (status, found.up, found.mtu) == (Status.RUNNING, False, 1300)
    assert Address("10.7.0.1/24") in addresses(container)


@clause("linux.net-devices.not-moved-back")
def test_leaves_the_device_in_a_namespace_that_outlives_the_container(moved, neighbour):
    other = neighbour("network")
    listed = ["pid", "ipc", "uts", "mount", other.entry("network")]
    with control():
        container = moved({ONE: {"name": "ctr0"}}, namespaces=listed)
        assert "ctr0" in container.facts["net"]

    container.kill().stopped().delete()

    assert "ctr0" in other.process.inside("net", netlink.devices)
    assert {ONE, "ctr0"} & set(netlink.devices()) == set()


@clause("linux.net-devices.kernel-cleanup")
def test_lets_the_kernel_destroy_the_device_with_the_namespace(moved, runtime):
    container = moved({ONE: {}})
    assert ONE in container.facts["net"]

    container.kill().stopped().delete()

    # The other end of a pair vanishes with the first (veth(4)).
    assert netlink.vanishes(OTHER, runtime.deadline)
    assert ONE not in netlink.devices()


@clause("linux.net-devices.without-network-ns")
def test_spares_the_devices_of_a_shared_network_namespace(create, moved, record):
    assert moved({OTHER: {"name": "ctr0"}}).facts["net"]
    before = netlink.devices()
    values = {"namespaces": ["pid", "ipc", "uts", "mount"]}

    with tolerates_an_error() as outcome:
        create("linux", **values, linux={"netDevices": {ONE: {"name": "renamed"}}})
    record("without a network namespace", "an error" if outcome.refused else "accepted")

    assert set(netlink.devices()) == set(before)
