"""Cgroup ownership: who owns the cgroup of a container with a user namespace."""

from contextlib import ExitStack

import pytest

from harness import clause, foreign, host, requires, resources
from harness.mounts import make_points

NAMESPACES = ["pid", "network", "ipc", "uts", "mount"]

CORE = {"cgroup.procs", "cgroup.subtree_control", "cgroup.threads"}

ROOT, FIRST, SEVENTH = 0, 100000, 100007

ON_V2 = (resources.pure_cgroup_v2, host.user_namespaces, resources.cgroup_namespaces)


def cgroup_mount(*options, destination="/sys/fs/cgroup"):
    """An entry of mounts for the container's view of its cgroup."""
    base = ["nosuid", "noexec", "nodev", *options]
    return {"destination": destination, "type": "cgroup", "source": "cgroup", "options": base}


WRITABLE = [cgroup_mount()]


@pytest.fixture
def owned(bundle, create, user_namespace):
    """Run a container as its user 7, or another; owners of its cgroups and of the files in them.

    Each directory stands as its own file, ``.``.
    """

    def run(mounts, *, cgroup="cgroup", user="user", uid=7):
        made = bundle(
            "program",
            process={"user": {"uid": uid, "gid": 0}},
            namespaces=[*NAMESPACES, *filter(None, [user, cgroup])],
            mounts=mounts,
            linux=user_namespace if user else {},
        )
        make_points(made)
        container = create(made).start().printed("ready")
        return [
            {name: (directory / name).stat().st_uid for name in names(directory)}
            for directory in container.limits.directories
            if directory.name.startswith("case-")
        ]

    return run


def names(directory):
    """The directory itself, and the files in it."""
    return [".", *(path.name for path in directory.iterdir() if path.is_file())]


def changed(owners):
    """Files whose owner is not root of the host."""
    return {name for name, owner in owners.items() if owner != ROOT}


@pytest.fixture
def delegate_file():
    """Put a text in the place of the kernel's list; None hides it."""
    with ExitStack() as until_the_end:
        yield lambda text: until_the_end.enter_context(foreign.delegate_file(text))


@clause("linux.cgroup-ownership.may-change", "linux.cgroup-ownership.uid")
@requires(*ON_V2)
@pytest.mark.parametrize(("uid", "owner"), [(0, FIRST), (7, SEVENTH)], ids=["root", "user"])
def test_gives_the_cgroup_to_the_user_of_the_process_if_at_all(owned, record, uid, owner):
    (owners,) = owned(WRITABLE, uid=uid)

    record("owner", owners["."])
    assert owners["."] in {ROOT, owner}


@clause("linux.cgroup-ownership.not-on-v1")
@requires(resources.cgroup_v1, host.user_namespaces, resources.cgroup_namespaces, host.real_root)
def test_changes_no_owner_on_v1(owned):
    found = owned(WRITABLE)

    assert found != []
    assert [changed(owners) for owners in found] == [set()] * len(found)


@clause("linux.cgroup-ownership.needs-cgroup-ns")
@requires(*ON_V2)
def test_changes_no_owner_without_a_cgroup_namespace(owned):
    (owners,) = owned(WRITABLE, cgroup="")

    assert changed(owners) == set()


@clause("linux.cgroup-ownership.needs-cgroup-ns")
@requires(*ON_V2)
def test_changes_no_owner_in_a_cgroup_namespace_that_it_joins(owned, neighbour):
    # Out of a new user namespace the one of a neighbour could not be joined.
    (owners,) = owned(WRITABLE, cgroup=neighbour("cgroup").entry("cgroup"), user="")

    assert changed(owners) == set()


@clause("linux.cgroup-ownership.iff-rw-mount")
@requires(*ON_V2)
@pytest.mark.parametrize(
    ("mounts", "owner"),
    [
        (WRITABLE, SEVENTH),
        ([cgroup_mount("ro")], ROOT),
        ([cgroup_mount(destination="/mnt")], ROOT),
    ],
    ids=["rw", "ro", "elsewhere"],
)
def test_changes_the_owner_if_the_mount_is_writable(owned, mounts, owner):
    (owners,) = owned(mounts)

    assert owners["."] == owner


@clause("linux.cgroup-ownership.no-mount-no-change")
@requires(*ON_V2)
def test_changes_no_owner_without_a_mount(owned):
    (owners,) = owned([])

    assert changed(owners) == set()


@clause("linux.cgroup-ownership.only-delegate-files", "linux.cgroup-ownership.no-other-files")
@requires(*ON_V2, resources.delegate_file)
def test_changes_the_owner_of_no_other_files(owned):
    (owners,) = owned(WRITABLE)

    assert changed(owners) <= {".", *resources.delegated_files()}


@clause("linux.cgroup-ownership.missing-files-tolerated")
@requires(*ON_V2, resources.delegate_file)
def test_goes_on_without_a_file_of_the_list(owned, delegate_file):
    delegate_file("\n".join([*resources.delegated_files(), "conformance.absent", ""]))

    (owners,) = owned(WRITABLE)

    assert changed(owners) in [set(), {".", *resources.delegated_files()} & owners.keys()]


@clause("linux.cgroup-ownership.existing-files-changed")
@requires(*ON_V2, resources.delegate_file)
def test_changes_the_owner_of_the_files_that_are_there(owned, record):
    (owners,) = owned(WRITABLE)

    record("owner", owners["."])
    wanted = set(resources.delegated_files()) & owners.keys()
    assert owners["."] == ROOT or wanted <= changed(owners)


@clause("linux.cgroup-ownership.fallback-list")
@requires(*ON_V2, resources.delegate_file)
def test_falls_back_to_three_files_without_the_list(owned, delegate_file, record):
    (with_it,) = owned(WRITABLE)
    delegate_file(None)

    (without,) = owned(WRITABLE)

    record("owner", with_it["."])
    assert with_it["."] == ROOT or changed(without) >= {".", *CORE}
