"""ID-mapped mounts: uidMappings, gidMappings and the options idmap and ridmap.

Mappings here swap two IDs each, so that they mean the same in whichever direction they are read.
"""

import os

import pytest

from harness import (
    clause,
    control,
    generates_an_error,
    host,
    may_be_unsupported,
    requires,
    tolerates_an_error,
)
from harness.mounts import Asked, bind, tmpfs

pytestmark = pytest.mark.requires.with_args(host.idmapped_mounts)

OWNERS = (1000, 2000, 3000)
NOBODY = 65534
"""What an ID without a mapping is seen as: proc_sys_kernel(5), overflowuid."""

RAW = {owner: (owner, owner) for owner in OWNERS}
SWAPPED = {1000: (2000, 3000), 2000: (1000, NOBODY), 3000: (NOBODY, 1000)}
"""User and group ID that a file of each owner is seen to have."""

IN_USER_NAMESPACE = {
    "namespaces": ["user", "pid", "network", "ipc", "uts", "mount"],
    "linux": {
        f"{kind}Mappings": [{"containerID": 0, "hostID": 100_000, "size": 65_536}]
        for kind in ("uid", "gid")
    },
}

OPTIONS = pytest.mark.parametrize("option", ["idmap", "ridmap"])
KINDS = pytest.mark.parametrize("kind", ["uid", "gid"])


def swap(one, other):
    pairs = [(one, other), (other, one)]
    return [{"containerID": inside, "hostID": outside, "size": 1} for inside, outside in pairs]


MAPPINGS = {"uidMappings": swap(1000, 2000), "gidMappings": swap(1000, 3000)}


def at(point):
    return [f"lstat={point}{below}/{owner}" for below in ("", "/below") for owner in OWNERS]


def owners(container, point):
    """Owner and group that the program has seen of the files there."""
    seen = {owner: container.tried(f"{point}/{owner}") for owner in OWNERS}
    return {owner: (tried.get("uid"), tried.get("gid")) for owner, tried in seen.items()}


@pytest.fixture
def tree(foreign_tree):
    """A tree of mounts of the host, in each of which there is a file of each owner."""
    made = foreign_tree(name="owned")
    for directory in (made, made / "below"):
        for owner in OWNERS:
            (directory / str(owner)).touch()
            os.chown(directory / str(owner), owner, owner)
    return made


@pytest.fixture
def container_with(among, tree):
    """Give the container that has the tree at /mnt/NAME for each name, and thus for this one."""
    entries = {
        "idmap": bind(tree, "/mnt/idmap", "idmap", **MAPPINGS),
        "ridmap": bind(tree, "/mnt/ridmap", "rbind", "ridmap", **MAPPINGS),
        "rbind-idmap": bind(tree, "/mnt/rbind-idmap", "rbind", "idmap", **MAPPINGS),
        "without-option": bind(tree, "/mnt/without-option", **MAPPINGS),
        "plain": bind(tree, "/mnt/plain", "rbind"),
    }
    everything = {name: Asked([entry], at(f"/mnt/{name}")) for name, entry in entries.items()}
    with control():
        among(everything, "plain")
    return lambda name: among(everything, name)


@pytest.fixture
def alone(mounted, tree, container_with):
    """Start a container with the tree at /mnt, with these options and mappings."""
    container_with("plain")

    def start(*options, offence=None, **mappings):
        asked = Asked([bind(tree, "/mnt", *options, **mappings)], at("/mnt"))
        return mounted(asked, offence=offence)

    return start


@pytest.fixture
def in_user_namespace(mounted, tree):
    """Start a container in a user namespace, with one mount of the host at /mnt."""

    def start(*options, **mappings):
        # Without mounts below it: a namespace may not uncover what they cover.
        entry = bind(tree / "below", "/mnt", *options, **mappings)
        return mounted(Asked([entry], ["lstat=/mnt/marker"]), **IN_USER_NAMESPACE)

    with control():
        start()
    return start


@clause("config.mounts.options.{option}")
@OPTIONS
def test_maps_the_ids_of_a_mount(container_with, option):
    container = container_with(option)

    assert owners(container, f"/mnt/{option}") == SWAPPED


@clause("config.mounts.options.ridmap")
def test_maps_the_ids_of_the_mounts_below(container_with):
    container = container_with("ridmap")

    assert owners(container, "/mnt/ridmap/below") == SWAPPED


@clause("config.mounts.{option}.mapping-applied")
@OPTIONS
def test_maps_the_ids_or_refuses_to_mount(container_with, option):
    with may_be_unsupported(f"a mount with {option}"):
        container = container_with(option)

    assert owners(container, f"/mnt/{option}") == SWAPPED


@clause("config.mounts.{option}.mapping-applied")
@OPTIONS
def test_maps_the_ids_of_a_new_file_system_or_refuses_to_mount_it(mounted, option):
    with control():
        assert "idmapped" not in mounted(Asked([tmpfs("/mnt")])).mount("/mnt").options

    with may_be_unsupported(f"a tmpfs with {option}"):
        container = mounted(Asked([tmpfs("/mnt", option, **MAPPINGS)]))

    assert "idmapped" in container.mount("/mnt").options


@clause("config.mounts.{option}.uses-given-mappings")
@OPTIONS
@requires(host.user_namespaces)
def test_prefers_the_mappings_of_the_mount(in_user_namespace, option):
    # The host's 0 becomes 101000, which is 1000 in the container.
    mappings = {f"{kind}Mappings": swap(0, 101_000) for kind in ("uid", "gid")}

    with may_be_unsupported(f"a mount with {option}"):
        container = in_user_namespace(option, **mappings)

    seen = container.tried("/mnt/marker")
    assert (seen["uid"], seen["gid"]) == (1000, 1000)


@clause("config.mounts.{option}.defaults-to-userns")
@OPTIONS
@requires(host.user_namespaces)
def test_may_take_the_mappings_of_the_user_namespace(in_user_namespace, record, option):
    with tolerates_an_error() as outcome:
        container = in_user_namespace(option)

    record(f"{option} without mappings", "error" if outcome.refused else "success")
    seen = None if outcome.refused else container.tried("/mnt/marker")
    assert seen is None or (seen["uid"], seen["gid"]) == (0, 0)


@clause("config.mounts.{option}.no-mapping-no-userns-errors")
@OPTIONS
def test_refuses_to_map_without_mappings(alone, option):
    with generates_an_error():
        alone(option)


@clause("config.mounts.{option}.via-mount-setattr")
@OPTIONS
def test_leaves_the_files_of_a_mapped_mount_as_they_are(container_with, tree, option):
    mount = container_with(option).mount(f"/mnt/{option}")

    statuses = {owner: (tree / str(owner)).stat() for owner in OWNERS}
    assert {owner: (s.st_uid, s.st_gid) for owner, s in statuses.items()} == RAW
    assert "idmapped" in mount.options


@clause("config.mounts.{kind}-mappings.applied")
@pytest.mark.parametrize("name", ["idmap", "without-option"])
@KINDS
def test_converts_the_ids_of_files(container_with, kind, name):
    with may_be_unsupported(f"a mount with mappings ({name})"):
        container = container_with(name)

    index = ["uid", "gid"].index(kind)
    seen = [ids[index] for ids in owners(container, f"/mnt/{name}").values()]
    assert seen == [ids[index] for ids in SWAPPED.values()]


@clause("config.mounts.{kind}-mappings.via-mount-setattr")
@KINDS
def test_leaves_the_files_as_they_are(container_with, tree, kind):
    mount = container_with("idmap").mount("/mnt/idmap")

    statuses = [(tree / str(owner)).stat() for owner in OWNERS]
    assert [getattr(status, f"st_{kind}") for status in statuses] == [*OWNERS]
    assert "idmapped" in mount.options


@clause("config.mounts.{kind}-mappings.with-idmap-option")
@KINDS
def test_minds_mappings_without_the_option(container_with, record, kind):
    with tolerates_an_error() as outcome:
        container = container_with("without-option")

    record("mappings without idmap", "error" if outcome.refused else "success")
    seen = SWAPPED if outcome.refused else owners(container, "/mnt/without-option")
    index = ["uid", "gid"].index(kind)
    assert {owner: ids[index] for owner, ids in seen.items()} == {
        owner: ids[index] for owner, ids in SWAPPED.items()
    }


@clause("config.mounts.uid-mappings.format")
@KINDS
def test_refuses_a_mapping_without_a_size(alone, kind):
    with generates_an_error():
        alone(
            "idmap",
            **MAPPINGS,
            offence=lambda config: config["mounts"][-1][f"{kind}Mappings"][0].pop("size"),
        )


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(
            "uid", marks=pytest.mark.clause("config.mounts.uid-mappings.requires-gid-mappings")
        ),
        pytest.param(
            "gid", marks=pytest.mark.clause("config.mounts.gid-mappings.requires-uid-mappings")
        ),
    ],
)
def test_refuses_mappings_of_one_kind_only(alone, kind):
    other = {"uid": "gidMappings", "gid": "uidMappings"}[kind]

    with generates_an_error():
        alone("idmap", **MAPPINGS, offence=lambda config: config["mounts"][-1].pop(other))


@clause("config.mounts.rbind-vs-idmap-recursion")
@pytest.mark.parametrize(("name", "below"), [("rbind-idmap", RAW), ("ridmap", SWAPPED)])
def test_maps_the_mounts_below_with_ridmap_alone(container_with, name, below):
    with may_be_unsupported(f"a mount with mappings ({name})"):
        container = container_with(name)

    points = [f"/mnt/{name}", f"/mnt/{name}/below"]
    assert [owners(container, point) for point in points] == [SWAPPED, below]
