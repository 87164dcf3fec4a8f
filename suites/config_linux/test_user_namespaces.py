"""User namespace mappings."""

import pytest

from harness import Status, clause, control, generates_an_error, host, requires, tolerates_an_error

NAMESPACES = ["pid", "network", "ipc", "uts", "mount", "user"]
MOST = 340
"""Rows that the kernel takes since Linux 4.15 (user_namespaces(7))."""

pytestmark = pytest.mark.requires.with_args(host.user_namespaces, host.real_root)


def rows(*triples):
    """Entries of a mapping from (containerID, hostID, size)."""
    return [dict(zip(("containerID", "hostID", "size"), row, strict=True)) for row in triples]


UIDS = [(0, 100000, 1000), (5000, 300000, 10)]
GIDS = [(0, 200000, 1000), (6000, 400000, 10)]
TWO_RANGES = {"uidMappings": rows(*UIDS), "gidMappings": rows(*GIDS)}
ONE_RANGE = {"uidMappings": rows((0, 100000, 65536)), "gidMappings": rows((0, 100000, 65536))}


def numbers(text):
    """Rows of a map of the kernel's."""
    return [tuple(map(int, line.split())) for line in text.splitlines()]


def without(member):
    """Offence: the mapping of users lacks this member."""
    return lambda config: config["linux"]["uidMappings"][0].pop(member)


@pytest.fixture
def container(shared):
    """A container with two ranges each of users and groups; its program is in the second ones."""
    user = {"uid": 5003, "gid": 6003}
    values = {"namespaces": NAMESPACES, "linux": TWO_RANGES, "user": user}
    return shared("tries", tries=["write=/tmp/made"], **values).printed("ready")


@clause("linux.uid-mappings.applied")
def test_maps_users(container):
    made = (container.bundle.rootfs / "tmp" / "made").stat()

    assert numbers(container.process.text("uid_map")) == UIDS
    assert (container.facts["ids"]["uid"][0], made.st_uid) == (5003, 300003)


@clause("linux.gid-mappings.applied")
def test_maps_groups(container):
    made = (container.bundle.rootfs / "tmp" / "made").stat()

    assert numbers(container.process.text("gid_map")) == GIDS
    assert (container.facts["ids"]["gid"][0], made.st_gid) == (6003, 400003)


@clause("linux.id-mappings.{name}-required")
@pytest.mark.parametrize("name", ["containerid", "hostid"])
def test_may_take_a_missing_number_for_zero(create, container_in, record, name):
    container_in(Status.RUNNING, "linux", namespaces=NAMESPACES, linux=ONE_RANGE)
    member = name.replace("id", "ID")
    values = {"namespaces": NAMESPACES, "linux": ONE_RANGE, "offence": without(member)}

    with tolerates_an_error() as outcome:
        create("linux", **values)

    record(f"a mapping without {member}", "an error" if outcome.refused else "accepted")


@clause("linux.id-mappings.size-required")
def test_refuses_a_mapping_without_a_size(create, container_in):
    container_in(Status.RUNNING, "linux", namespaces=NAMESPACES, linux=ONE_RANGE)

    with generates_an_error():
        create("linux", namespaces=NAMESPACES, linux=ONE_RANGE, offence=without("size"))


@clause("linux.id-mappings.no-chown")
def test_leaves_the_owners_of_the_root_filesystem(create, bundle):
    made = bundle("linux", namespaces=NAMESPACES, linux=ONE_RANGE)
    owners = {path: (path.stat().st_uid, path.stat().st_gid) for path in made.rootfs.rglob("*")}

    create(made).start().printed("ready")

    now = {path: (path.stat().st_uid, path.stat().st_gid) for path in owners}
    assert {path: now[path] for path in owners if now[path] != owners[path]} == {}


@clause("linux.id-mappings.kernel-limit")
def test_takes_as_many_mappings_as_the_kernel(create):
    single = [(number, 1000 + number, 1) for number in range(MOST)]
    mappings = {"uidMappings": rows(*single), "gidMappings": rows(*single)}

    container = create("linux", namespaces=NAMESPACES, linux=mappings).start().printed("ready")

    assert numbers(container.process.text("uid_map")) == single


@clause("linux.id-mappings.kernel-limit")
def test_refuses_more_mappings_than_the_kernel_takes(create):
    single = [(number, 1000 + number, 1) for number in range(MOST + 1)]
    fits, mappings = rows(*single[:-1]), rows(*single)
    values = {"uidMappings": fits, "gidMappings": fits}
    with control():
        create("linux", namespaces=NAMESPACES, linux=values).start().printed("ready")

    with generates_an_error():
        create("linux", namespaces=NAMESPACES, linux={**values, "uidMappings": mappings})


@clause("linux.id-mappings.without-user-namespace")
@requires(host.user_namespaces)
def test_makes_no_user_namespace_for_mappings_alone(create, container_in, own_namespaces, record):
    container_in(Status.RUNNING, "linux", namespaces=NAMESPACES, linux=ONE_RANGE)

    with tolerates_an_error() as outcome:
        container = create("linux", linux=ONE_RANGE)
    record("mappings without a user namespace", "an error" if outcome.refused else "accepted")

    assert outcome.refused or container.process.namespace("user") == own_namespaces["user"]
