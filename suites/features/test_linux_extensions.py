"""Linux features: memory policies, Intel RDT, ID-mapped mounts and network devices."""

import os
from pathlib import Path

import pytest

from harness import clause, host, kernel, requires, resources, tolerates_an_error
from harness.mounts import Asked, bind
from harness.resctrl import Group, cleared, parsed

MODES = {
    "MPOL_DEFAULT": 0,
    "MPOL_PREFERRED": 1,
    "MPOL_BIND": 2,
    "MPOL_INTERLEAVE": 3,
    "MPOL_LOCAL": 4,
    "MPOL_PREFERRED_MANY": 5,
    "MPOL_WEIGHTED_INTERLEAVE": 6,
}
WITHOUT_NODES = ("MPOL_DEFAULT", "MPOL_LOCAL")
FLAGS = {
    "MPOL_F_STATIC_NODES": 1 << 15,
    "MPOL_F_RELATIVE_NODES": 1 << 14,
    "MPOL_F_NUMA_BALANCING": 1 << 13,
}

SWAP = [
    {"containerID": inside, "hostID": outside, "size": 1}
    for inside, outside in [(1000, 2000), (2000, 1000)]
]
"""IDs that mean the same in whichever direction they are read."""


def taken(name, mode, nodes=1):
    """The parameter of this name, on a host that takes the mode."""
    condition = kernel.memory_policy(mode, nodes)
    return pytest.param(name, marks=pytest.mark.requires.with_args(resources.numa, condition))


@pytest.fixture
def policy(create):
    """The memory policy that a program has with these members of memoryPolicy: mode and flags."""

    def run(**members):
        container = create("linux", linux={"memoryPolicy": members}).start()
        return container.facts["mempolicy"]["mode"]

    return run


@pytest.fixture
def root_group():
    """The group that processes are in without intelRdt; groups that the case makes go with it."""
    with cleared(Group(resources.resctrl_mount() or Path("/sys/fs/resctrl"))) as group:
        yield group


@pytest.fixture
def found(root_group):
    """A group that was there before the container."""
    group = root_group.group("conformance")
    group.make()
    return group


@pytest.fixture
def assigned(create):
    """Run a container with these members of intelRdt."""
    return lambda **rdt: create("linux", linux={"intelRdt": rdt}).start().printed("ready")


@pytest.fixture
def seen_owner(mounted, foreign_tree):
    """Owner of a file of user 1000 behind a mount that swaps 1000 and 2000; None if refused."""
    tree = foreign_tree(name="owned")
    (tree / "file").touch()
    os.chown(tree / "file", 1000, 1000)
    entry = bind(tree, "/mnt", uidMappings=SWAP, gidMappings=SWAP)

    def look():
        with tolerates_an_error() as outcome:
            container = mounted(Asked([entry], ["lstat=/mnt/file"]))
        return None if outcome.refused else container.tried("/mnt/file")["uid"]

    return look


@clause("features.linux.memory-policy.modes.recognized")
@pytest.mark.parametrize(
    "mode", [taken(name, mode, name not in WITHOUT_NODES) for name, mode in MODES.items()]
)
def test_sets_each_memory_policy_that_it_lists(features, policy, mode):
    features.claimed("linux.memoryPolicy.modes", mode)

    nodes = {} if mode in WITHOUT_NODES else {"nodes": "0"}
    assert policy(mode=mode, **nodes) == MODES[mode]


@clause("features.linux.memory-policy.flags.recognized")
@pytest.mark.parametrize(
    "flag", [taken(name, MODES["MPOL_BIND"] | flag) for name, flag in FLAGS.items()]
)
def test_sets_each_flag_of_memory_policies_that_it_lists(features, policy, flag):
    features.claimed("linux.memoryPolicy.flags", flag)

    assert policy(mode="MPOL_BIND", nodes="0", flags=[flag]) == MODES["MPOL_BIND"] | FLAGS[flag]


@clause("features.linux.intel-rdt.enabled")
@requires(resources.resctrl)
def test_controls_resources_if_it_says_so(features, assigned, found):
    features.claimed("linux.intelRdt.enabled")

    assert assigned(closID="conformance").process.pid in found.tasks


@clause("features.linux.intel-rdt.schemata")
@requires(resources.resctrl_schema("L3"))
def test_writes_schemata_if_it_says_so(features, assigned, root_group):
    features.claimed("linux.intelRdt.schemata")
    line = root_group.less("L3")

    assert assigned(closID="conformance", schemata=[line]).facts

    assert root_group.group("conformance").schemata["L3"] == parsed(line)["L3"]


@clause("features.linux.intel-rdt.monitoring")
@requires(resources.resctrl_monitoring)
def test_monitors_if_it_says_so(features, assigned, found):
    features.claimed("linux.intelRdt.monitoring")

    container = assigned(closID="conformance", enableMonitoring=True)

    assert found.monitors == {container.id}


@clause("features.linux.mount-extensions.idmap.enabled")
@requires(host.idmapped_mounts)
def test_tries_to_map_the_ids_of_a_mount_if_it_says_so(features, seen_owner):
    features.claimed("linux.mountExtensions.idmap.enabled")

    assert seen_owner() in {2000, None}


@clause("features.linux.mount-extensions.idmap.partial-still-true")
@requires(host.idmapped_mounts)
def test_maps_no_ids_of_a_mount_if_it_denies_it(features, seen_owner):
    features.denied("linux.mountExtensions.idmap.enabled")

    assert seen_owner() in {1000, None}


@clause("features.linux.net-devices.enabled")
@requires(host.virtual_network_devices)
def test_moves_network_devices_if_it_says_so(features, create, network_device):
    features.claimed("linux.netDevices.enabled")

    container = create("linux", linux={"netDevices": {network_device: {}}}).start()

    assert network_device in container.facts["net"]
