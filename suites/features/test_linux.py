"""Linux features: namespaces, capabilities, cgroups and the security modules."""

import os

import pytest

from harness import clause, generates_an_error, host, kernel, linux, procfs, requires, resources
from harness.seccomp import CALLS, behind, rule

DEFAULT = ["pid", "network", "ipc", "uts", "mount"]

KINDS = [
    *DEFAULT,
    pytest.param("user", marks=pytest.mark.requires.with_args(host.user_namespaces)),
    pytest.param("cgroup", marks=pytest.mark.requires.with_args(host.cgroups)),
    pytest.param("time", marks=pytest.mark.requires.with_args(host.time_namespaces)),
]

OBJECTS = {
    "cgroup": "cgroup",
    "seccomp": "seccomp",
    "apparmor": "apparmor",
    "selinux": "selinux",
    "intel-rdt": "intelRdt",
    "mount-extensions": "mountExtensions",
}
"""What does not depend on the host, by its clause."""

LABEL = "system_u:system_r:container_t:s0"

DENIED = {
    "seccomp": ("seccomp", {"linux": behind("ALLOW", rule("ERRNO", CALLS[0]))}),
    "apparmor": ("apparmor", {"process": {"apparmorProfile": "any-profile"}}),
    "selinux": ("selinux", {"process": {"selinuxLabel": LABEL}}),
    "intel-rdt": ("intelRdt", {"linux": {"intelRdt": {"closID": "conformance"}}}),
    "net-devices": ("netDevices", {"linux": {"netDevices": {"conformance0": {}}}}),
}
"""Features that can be denied, and a value that only who supports them can apply."""


@pytest.fixture
def in_new(shared):
    """Start a container with a new namespace of a kind."""

    def run(kind):
        ids = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        members = {"uidMappings": ids, "gidMappings": ids} if kind == "user" else {}
        return shared("linux", namespaces=[*DEFAULT, *({kind} - set(DEFAULT))], linux=members)

    return run


@clause("features.linux.namespaces.recognized")
@pytest.mark.parametrize("kind", KINDS)
def test_makes_namespaces_of_each_kind_that_it_lists(features, in_new, own_namespaces, kind):
    features.claimed("linux.namespaces", kind)

    file = procfs.FILES[kind]
    assert in_new(kind).facts["ns"][file] != own_namespaces[file]


@clause("features.linux.namespaces.recognized")
def test_lists_no_kind_of_namespace_that_there_is_not(features, create):
    others = features.others("linux.namespaces", procfs.FILES)

    for_all = [*DEFAULT, *others]
    assert create("waits", offence={"linux": {"namespaces": for_all}}).start().facts


@clause("features.linux.capabilities.recognized")
def test_grants_each_capability_that_it_lists(features, create):
    listed = features.said("linux.capabilities")
    held = [n for n in linux.CAPABILITIES if n in listed and not kernel.capability(n)()]

    container = create("program", process={"capabilities": {"bounding": listed}}).start()

    granted = int(container.facts["caps"]["bounding"], 16)
    assert [n for n in held if not granted >> linux.CAPABILITIES.index(n) & 1] == []
    assert held != []


@clause("features.linux.cgroup.v1")
@requires(resources.cgroup_v1, host.pids_controller)
def test_limits_by_cgroup_v1_if_it_says_so(features, create):
    features.claimed("linux.cgroup.v1")

    container = create("linux", linux={"resources": {"pids": {"limit": 77}}}).start()

    assert container.limits.number("pids.limit") == 77


@clause("features.linux.cgroup.v2")
@requires(resources.pure_cgroup_v2)
def test_limits_by_cgroup_v2_if_it_says_so(features, create):
    features.claimed("linux.cgroup.v2")

    container = create("linux", linux={"resources": {"pids": {"limit": 77}}}).start()

    assert container.limits.number("pids.limit") == 77


@clause("features.linux.cgroup.v1", "config.valid-values.unsupported-errors")
@requires(resources.cgroup_v1, host.pids_controller)
def test_refuses_limits_of_cgroup_v1_if_it_denies_it(features, create):
    features.denied("linux.cgroup.v1")

    with generates_an_error():
        create("waits", offence={"linux": {"resources": {"pids": {"limit": 77}}}}).start()


@clause("features.linux.cgroup.v2", "config.valid-values.unsupported-errors")
@requires(resources.pure_cgroup_v2)
def test_refuses_limits_of_cgroup_v2_if_it_denies_it(features, create):
    features.denied("linux.cgroup.v2")

    with generates_an_error():
        create("waits", offence={"linux": {"resources": {"pids": {"limit": 77}}}}).start()


@clause("features.linux.cgroup.rdma")
@requires(resources.rdma_device)
def test_limits_rdma_if_it_says_so(features, create):
    features.claimed("linux.cgroup.rdma")
    device = min(os.listdir("/sys/class/infiniband"))  # noqa: PTH208 - names of links

    rdma = {device: {"hcaHandles": 77}}
    container = create("linux", linux={"resources": {"rdma": rdma}}).start()

    assert "hca_handle=77" in container.limits.text("rdma")


@clause("features.linux.cgroup.rdma", "config.valid-values.unsupported-errors")
def test_refuses_limits_of_rdma_if_it_denies_them(features, create, shared):
    features.denied("linux.cgroup.rdma")
    shared("waits").printed("ready")
    limits = {"conformance0": {"hcaHandles": 77}}

    with generates_an_error():
        create("waits", offence={"linux": {"resources": {"rdma": limits}}}).start()


@clause("features.linux.{object_}.host-independent")
@pytest.mark.parametrize("object_", OBJECTS)
def test_says_the_same_wherever_it_is(features, features_of, object_):
    said = {**features.said(f"linux.{OBJECTS[object_]}"), "supportedFlags": None}

    elsewhere = features_of(sees_no=["/sys"]).get(f"linux.{OBJECTS[object_]}") or {}

    assert {**elsewhere, "supportedFlags": None} == said


@clause("features.linux.apparmor.enabled")
@requires(kernel.apparmor)
def test_applies_a_profile_if_it_says_so(features, create, apparmor_profile):
    features.claimed("linux.apparmor.enabled")

    container = create("program", process={"apparmorProfile": apparmor_profile}).start()

    assert container.facts["apparmor"] == f"{apparmor_profile} (enforce)\n"


@clause("features.linux.selinux.enabled")
@requires(kernel.selinux)
def test_applies_a_label_if_it_says_so(features, create, selinux_label):
    features.claimed("linux.selinux.enabled")

    container = create("program", process={"selinuxLabel": selinux_label}).start()

    assert container.facts["apparmor"].rstrip("\0\n") == selinux_label


@clause("features.linux.{feature}.enabled", "config.valid-values.unsupported-errors")
@pytest.mark.parametrize("feature", DENIED)
def test_refuses_what_it_denies(features, create, shared, feature):
    name, offence = DENIED[feature]
    features.denied(f"linux.{name}.enabled")
    shared("waits").printed("ready")

    with generates_an_error():
        create("waits", offence=offence).start()
