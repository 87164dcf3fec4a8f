"""Network devices: what cannot be moved."""

import pytest

from harness import clause, generates_an_error, host, netlink, provokes_an_error

pytestmark = [
    pytest.mark.requires.with_args(host.virtual_network_devices),
    pytest.mark.usefixtures("network_device"),
]

ONE, OTHER = "conformance0", "conformance1"


def giving(**devices):
    """Offence: the container is given these network devices."""
    return {"linux": {"netDevices": devices}}


@clause("linux.net-devices.list-is-must")
def test_refuses_a_list_of_which_one_device_is_missing(create):
    create("linux", linux={"netDevices": {OTHER: {}}}).start().printed("ready")

    with generates_an_error():
        create("linux", offence=giving(**{ONE: {}, "missing": {}}))


@clause("linux.net-devices.check-possible")
@pytest.mark.parametrize("name", ["missing", "lo"])
def test_refuses_a_device_that_cannot_be_moved(create, name):
    create("linux", linux={"netDevices": {ONE: {}}}).start().printed("ready")

    with generates_an_error():
        create("linux", offence=giving(**{name: {"name": "ctr0"}}))


@clause("linux.net-devices.name-clash-errors")
def test_refuses_a_name_that_is_taken(create, neighbour):
    other = neighbour("network")
    other.process.inside("net", lambda: netlink.add_pair("ctr0", "ctr1"))
    listed = ["pid", "ipc", "uts", "mount", other.entry("network")]
    free = {"netDevices": {OTHER: {"name": "free0"}}}
    create("linux", linux=free, namespaces=listed).start().printed("ready")
    before = other.process.inside("net", netlink.devices)

    with generates_an_error():
        create("linux", namespaces=listed, offence=giving(**{ONE: {"name": "ctr0"}}))

    now = other.process.inside("net", netlink.devices)
    assert {name: now.get(name) for name in before} == before


@clause("runtime.errors.rollback", "linux.net-devices.name-clash-errors")
def test_leaves_a_device_that_it_could_not_move_where_it_was(create, neighbour):
    other = neighbour("network")
    other.process.inside("net", lambda: netlink.add_pair("ctr0", "ctr1"))
    listed = ["pid", "ipc", "uts", "mount", other.entry("network")]
    free = {"netDevices": {OTHER: {"name": "free0"}}}
    create("linux", linux=free, namespaces=listed).start().printed("ready")

    with provokes_an_error():
        create("linux", namespaces=listed, offence=giving(**{ONE: {"name": "ctr0"}}))

    assert ONE in netlink.devices()
