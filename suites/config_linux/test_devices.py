"""Devices: what is there when they are listed."""

import os
import stat
from pathlib import Path

import pytest

from harness import clause, disposable, host, may_be_unsupported, requires, tolerates_an_error

NULL = {"path": "/dev/mynull", "type": "c", "major": 1, "minor": 3}
AGAIN = {**NULL, "path": "/dev/again"}
BLOCK = {"path": "/dev/block", "type": "b", "major": 7, "minor": 0}
FIFO = {"path": "/dev/fifo", "type": "p"}
WIDE = {"path": "/dev/wide", "type": "c", "major": 10, "minor": 300}
WIDEST = {"path": "/dev/widest", "type": "c", "major": 4095, "minor": 1}
FAR = {**NULL, "path": "/opt/a/b/null"}
OWNED = {**NULL, "path": "/dev/owned", "uid": 1234, "gid": 4321}
PRIVATE = {**NULL, "path": "/dev/private", "fileMode": 0o600}
PUBLIC = {**NULL, "path": "/dev/public", "fileMode": 0o666}

LISTED = [NULL, AGAIN, BLOCK, WIDE, WIDEST, OWNED, PRIVATE, PUBLIC]
ALLOWED = [{"allow": True, "access": "rwm"}]
NODES = {"devices": LISTED, "resources": {"devices": ALLOWED}}
STATS = [f"stat={device['path']}" for device in LISTED]

HOST_NODE = Path("/dev/conformance")
NAMESPACES = ["pid", "network", "ipc", "uts", "mount", "user"]

KINDS = {"c": stat.S_IFCHR, "b": stat.S_IFBLK, "u": stat.S_IFCHR, "p": stat.S_IFIFO}


@pytest.fixture
def container(shared):
    """A container with all of LISTED, each looked at, links followed, by its program."""
    return shared("tries", tries=STATS, linux=NODES).printed("ready")


@pytest.fixture
def host_node():
    """A character device in the runtime's /dev, where a user namespace can only have it from."""
    os.mknod(HOST_NODE, stat.S_IFCHR | 0o666, os.makedev(1, 7))
    yield str(HOST_NODE)
    HOST_NODE.unlink()


def permissions(seen):
    """Permission bits of what a try of stat saw."""
    return stat.S_IMODE(seen.get("mode", 0))


@clause("linux.devices.available")
def test_has_a_listed_device(create):
    tries = ["stat=/dev/mynull", "open=w:/dev/mynull", "write=/dev/mynull", "head=9:/dev/mynull"]
    with_it, without = (
        create("tries", tries=tries[:count], linux=listed).start().printed("ready")
        for count, listed in ((4, {"devices": [NULL]}), (1, {}))
    )

    seen = [line.data["errno"] for line in with_it.lines if line.event == "try"]
    assert (with_it.tried("/dev/mynull").get("rdev"), seen) == ([1, 3], [0, 0, 0, 0])
    assert without.tried("/dev/mynull")["errno"] == 2


@clause("linux.devices.means")
def test_may_supply_it_by_any_means(container, record):
    node = (container.process.root / "dev" / "mynull").lstat().st_mode
    means = "a symbolic link" if stat.S_ISLNK(node) else "a node"

    bound = "/dev/mynull" in container.process.mount_points
    record("a device is", "a bind mount" if bound else means)


@clause("linux.devices.type-{kind}")
@pytest.mark.parametrize(("kind", "device"), [("c", NULL), ("b", BLOCK)])
def test_has_the_type(container, kind, device):
    seen = container.tried(device["path"])

    numbers = [device["major"], device["minor"]]
    assert (stat.S_IFMT(seen.get("mode", 0)), seen.get("rdev")) == (KINDS[kind], numbers)


@clause("linux.devices.type-{kind}")
@pytest.mark.parametrize(
    ("kind", "device"), [("u", {**NULL, "type": "u"}), ("p", FIFO)], ids=["u", "p"]
)
@pytest.mark.usefixtures("container")
def test_has_the_type_or_refuses_it(create, kind, device):
    tries = [f"stat={device['path']}"]

    with may_be_unsupported(f"devices of type {kind}"):
        container = create("tries", tries=tries, linux={"devices": [device]})

    seen = container.start().tried(device["path"])
    assert stat.S_IFMT(seen.get("mode", 0)) == KINDS[kind]


@clause("linux.devices.path-anywhere")
def test_makes_a_device_outside_of_dev(create):
    container = create("tries", tries=[f"stat={FAR['path']}"], linux={"devices": [FAR]})

    assert container.start().tried(FAR["path"]).get("rdev") == [1, 3]


@clause("linux.devices.path-full")
def test_keeps_a_path_that_is_not_full_inside(create, bundle, record, container):
    made = bundle("waits", offence={"linux": {"devices": [{**NULL, "path": "opt/relative"}]}})
    assert container.facts

    with tolerates_an_error() as outcome:
        create(made, cwd=made.path)
    record("a relative path", "an error" if outcome.refused else "taken from the root")

    assert [path for path in made.path.rglob("relative") if made.rootfs not in path.parents] == []


@clause("linux.devices.major-minor")
@pytest.mark.parametrize("device", [WIDE, WIDEST], ids=["minor", "major"])
def test_has_numbers_of_more_than_eight_bits(container, device):
    assert container.tried(device["path"]).get("rdev") == [device["major"], device["minor"]]


@clause("linux.devices.major-minor-required")
def test_needs_no_numbers_for_a_fifo(create):
    container = create("tries", tries=["stat=/dev/fifo"], linux={"devices": [FIFO]})

    assert stat.S_ISFIFO(container.start().tried("/dev/fifo").get("mode", 0))


@clause("linux.devices.file-mode")
@pytest.mark.parametrize("device", [PRIVATE, PUBLIC], ids=["0600", "0666"])
def test_has_the_mode(create, device):
    with disposable.umask(0o077):
        container = create("tries", tries=STATS, linux=NODES).start().printed("ready")

    assert permissions(container.tried(device["path"])) == device["fileMode"]


@clause("linux.devices.file-mode-unset")
def test_chooses_a_mode_that_is_not_given(container, record):
    record("mode without fileMode", f"{permissions(container.tried('/dev/mynull')):o}")


@clause("linux.devices.{member}")
@pytest.mark.parametrize("member", ["uid", "gid"])
def test_has_the_owner(container, member):
    assert container.tried("/dev/owned").get(member) == OWNED[member]


# Only since 1.0.2 are they said to be IDs of the container.
@clause("linux.devices.{member}", "linux.namespaces.type.user.supported")
@requires(host.user_namespaces, host.real_root)
@pytest.mark.parametrize("member", ["uid", "gid"])
@pytest.mark.usefixtures("container")
def test_has_the_owner_of_the_container_namespace(create, user_namespace, host_node, member):
    device = {"path": host_node, "type": "c", "major": 1, "minor": 7, member: 1234}
    linux = {**user_namespace, "devices": [device]}

    with may_be_unsupported("an owner in a user namespace"):
        container = create("tries", namespaces=NAMESPACES, linux=linux, tries=[f"stat={host_node}"])

    assert container.start().tried(host_node).get(member) == 1234


@clause("linux.devices.no-duplicates")
def test_has_both_of_two_devices_of_one_number(container):
    paths = ["/dev/mynull", "/dev/again"]

    assert [container.tried(path).get("rdev") for path in paths] == [[1, 3], [1, 3]]


@clause("linux.devices.no-other-devices")
def test_may_allow_devices_that_are_not_listed(create, record):
    container = create("tries", tries=["mknod=c,600,1,1:/tmp/mem", "open=r:/tmp/mem"])

    container.start().printed("ready")

    tries = [line.data["errno"] for line in container.lines if line.event == "try"]
    record("errno of mknod and open of c 1:1", tries)


@clause("linux.devices.usable-without-rules")
def test_may_deny_a_device_that_no_rule_allows(create, record):
    device = {"path": "/dev/unruled", "type": "c", "major": 7, "minor": 5}

    container = create("tries", tries=["open=r:/dev/unruled"], linux={"devices": [device]})

    # 6: the kernel has no such device, so the rules let it through.
    record("errno of opening c 7:5", container.start().tried("/dev/unruled")["errno"])
    assert container.process.device("/dev/unruled") in {(7, 5), None}
