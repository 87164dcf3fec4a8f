"""Namespaces: kinds that are new, and kinds that are inherited."""

import os
from pathlib import Path

import pytest

from harness import clause, disposable, host, linux, procfs, requires, tolerates_an_error

FILES = procfs.FILES
DEFAULT = ["pid", "network", "ipc", "uts", "mount"]
SINCE_TIME = pytest.mark.clause("linux.namespaces.type.time.effect")
"""Of time only since there are time namespaces."""

NEEDS_TIME = pytest.mark.requires.with_args(host.time_namespaces)
BEFORE_TIME = [
    *DEFAULT,
    pytest.param("user", marks=pytest.mark.requires.with_args(host.user_namespaces)),
    pytest.param("cgroup", marks=pytest.mark.requires.with_args(host.cgroups)),
]

SEGMENT, QUEUE = 0x0C1, "conformance"
FIND_SEGMENT = f"shmget,{SEGMENT},0,0"
MAKE_SEGMENT = f"shmget,{SEGMENT},4096,0x3b0"
FIND_QUEUE = f"mq_open,s:{QUEUE},0,0,0"
NAME = "sethostname,s:changed,7"
NAME_DOMAIN = "setdomainname,s:changed,7"
MOUNT = "mount,s:inside,s:/mnt,s:tmpfs,0,0"
SHARED_IPC = [kind for kind in DEFAULT if kind != "ipc"]
SHARED_UTS = [kind for kind in DEFAULT if kind != "uts"]


@pytest.fixture
def given(kind, user_namespace):
    """Values of the template linux for a container with a new namespace of this kind."""
    namespaces = [*DEFAULT, *({kind} - set(DEFAULT))]
    return {"namespaces": namespaces, "linux": user_namespace if kind == "user" else {}}


@pytest.fixture
def own_ipc():
    """Run the case, and the runtime, in an ipc namespace that nobody else is in."""
    with disposable.namespace("ipc") as name:
        yield name


@pytest.fixture
def own_things(own_ipc):  # noqa: ARG001 - entered before
    """A System V segment and a POSIX queue in the runtime's ipc namespace."""
    linux.shmget(SEGMENT, 4096, linux.IPC_CREAT | 0o600)
    os.close(linux.mq_open(QUEUE, os.O_CREAT | os.O_RDWR))


@clause("linux.namespaces.type.{kind}.supported")
@pytest.mark.parametrize("kind", [*BEFORE_TIME, pytest.param("time", marks=NEEDS_TIME)])
def test_supports_new_namespaces(shared, given, own_namespaces, kind):
    inside = shared("linux", **given).facts["ns"]

    assert inside[FILES[kind]] != own_namespaces[FILES[kind]]


@clause("linux.namespaces.types-supported")
@pytest.mark.parametrize("kind", BEFORE_TIME)
def test_supports_new_namespaces_of_the_seven_kinds_of_older_releases(
    shared, given, own_namespaces, kind
):
    inside = shared("linux", **given).facts["ns"]

    assert inside[FILES[kind]] != own_namespaces[FILES[kind]]


@clause("linux.namespaces.type.pid.effect")
def test_shows_no_process_of_another_pid_namespace(create):
    container = create("tries", tries=["list=/proc"]).start().printed("ready")
    visible = {name for name in container.tried("/proc").get("names", []) if name.isdecimal()}

    own = container.process.namespace("pid")
    processes = map(procfs.Process.of, procfs.descendants())
    inside = [p.nspid[-1] for p in processes if p and p.namespace("pid") == own]
    assert visible == set(map(str, inside)) != set()


@clause("linux.namespaces.type.network.effect")
def test_keeps_network_devices_of_the_caller_out_of_a_new_network_namespace(create, network_device):
    inside = create("waits").start().facts["net"]
    shared = [kind for kind in DEFAULT if kind != "network"]
    outside = create("waits", namespaces=shared).start().facts["net"]

    assert (network_device in inside, network_device in outside) == (False, True)


@clause("linux.namespaces.type.mount.effect")
def test_keeps_mounts_inside_a_new_mount_namespace(create, world):
    container = create("tries", tries=[f"syscall={MOUNT}"])
    before = world().mounts

    container.start().printed("ready")

    assert container.tried(MOUNT)["errno"] == 0
    assert ("/mnt" in container.process.mount_points, world().mounts) == (True, before)


@clause("linux.namespaces.type.ipc.effect")
@pytest.mark.parametrize("find", [FIND_SEGMENT, FIND_QUEUE], ids=["segment", "queue"])
@pytest.mark.usefixtures("own_things")
def test_hides_what_another_ipc_namespace_has(create, find):
    inside = create("tries", tries=[f"syscall={find}"]).start().tried(find)
    same = create("tries", tries=[f"syscall={find}"], namespaces=SHARED_IPC).start().tried(find)

    assert (inside["errno"], same["errno"]) == (2, 0)


@clause("linux.namespaces.type.ipc.effect")
@pytest.mark.usefixtures("own_ipc")
def test_keeps_what_is_made_inside_a_new_ipc_namespace(create):
    container = create("tries", tries=[f"syscall={MAKE_SEGMENT}", f"syscall={FIND_SEGMENT}"])

    container.start().printed("ready")

    assert container.tried(FIND_SEGMENT)["errno"] == 0
    rows = Path("/proc/sysvipc/shm").read_text().splitlines()
    assert [row for row in rows if row.split()[0] == str(SEGMENT)] == []


@clause("linux.namespaces.type.uts.effect")
@pytest.mark.parametrize("change", [NAME, NAME_DOMAIN], ids=["hostname", "domainname"])
@pytest.mark.usefixtures("own_uts")
def test_keeps_a_name_that_is_given_inside_a_new_uts_namespace(create, change):
    before = os.uname(), Path("/proc/sys/kernel/domainname").read_text()

    container = create("tries", tries=[f"syscall={change}", "facts=uts"]).start().printed("ready")

    assert container.tried(change)["errno"] == 0
    assert (os.uname(), Path("/proc/sys/kernel/domainname").read_text()) == before


@clause("linux.namespaces.type.user.effect")
@requires(host.user_namespaces, host.real_root)
def test_remaps_ids_in_a_new_user_namespace(create, user_namespace):
    values = {"namespaces": [*DEFAULT, "user"], "linux": user_namespace}
    container = create("tries", tries=["write=/tmp/made"], **values).start().printed("ready")
    made = (container.bundle.rootfs / "tmp" / "made").stat()

    assert container.facts["ids"]["uid"] == [0, 0, 0]
    assert (made.st_uid, made.st_gid) == (100000, 100000)


@clause("linux.namespaces.type.cgroup.effect")
@requires(host.cgroups)
def test_shows_its_own_cgroup_as_the_root_of_a_new_cgroup_namespace(shared):
    inside = shared("linux", namespaces=[*DEFAULT, "cgroup"], linux={})
    outside = shared("linux", namespaces=DEFAULT, linux={})

    paths = [line.split(":", 2)[2] for line in inside.facts["cgroup"].splitlines()]
    assert set(paths) == {"/"}
    assert set(inside.process.cgroups) != {"/"} != set(outside.process.cgroups)


@clause("linux.namespaces.type.time.effect")
@requires(host.time_namespaces)
def test_puts_the_program_into_a_new_time_namespace(shared, own_namespaces):
    inside = shared("linux", namespaces=[*DEFAULT, "time"], linux={}).facts["ns"]
    outside = shared("linux", namespaces=DEFAULT, linux={}).facts["ns"]

    assert inside["time"] == inside["time_for_children"] != own_namespaces["time"]
    assert outside["time"] == own_namespaces["time"]


@clause("linux.namespaces.no-path.new")
@pytest.mark.parametrize(
    "kind", [*BEFORE_TIME, pytest.param("time", marks=[SINCE_TIME, NEEDS_TIME])]
)
def test_makes_a_new_namespace_for_each_container(create, shared, given, own_namespaces, kind):
    first = shared("linux", **given).facts["ns"][FILES[kind]]
    second = create("linux", **given).start().facts["ns"][FILES[kind]]

    assert len({first, second, own_namespaces[FILES[kind]]}) == 3


@clause("linux.namespaces.unlisted-inherited.{kind}")
@pytest.mark.parametrize("kind", [kind for kind in FILES if kind != "mount"])
def test_inherits_a_kind_that_is_not_listed(shared, own_namespaces, kind):
    listed = [other for other in DEFAULT if other != kind]
    values = {"hostname": ""} if kind == "uts" else {}

    inside = shared("waits", namespaces=listed, **values).facts["ns"]

    assert inside[FILES[kind]] == own_namespaces[FILES[kind]]


@clause("linux.namespaces.unlisted-inherited.mount")
def test_inherits_the_mount_namespace_or_refuses(create, shared, record):
    assert shared("waits", namespaces=DEFAULT).facts
    listed = [kind for kind in DEFAULT if kind != "mount"]

    with tolerates_an_error() as outcome:
        container, entered = disposable.in_new_mounts(lambda: create("waits", namespaces=listed))
    record("without a mount namespace", "an error" if outcome.refused else "inherited")

    assert outcome.refused or container.start().facts["ns"]["mnt"] == entered
