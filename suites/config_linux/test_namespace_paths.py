"""Namespaces: joined by path, and entries that are wrong."""

import pytest

from harness import (
    Status,
    clause,
    disposable,
    generates_an_error,
    host,
    procfs,
    tolerates_an_error,
)

FILES = procfs.FILES
DEFAULT = ["pid", "network", "ipc", "uts", "mount"]
SINCE_TIME = pytest.mark.clause("linux.namespaces.path.joined.time")
"""Of time only since there are time namespaces."""

KINDS = [
    "pid",
    "network",
    "ipc",
    "uts",
    pytest.param("user", marks=pytest.mark.requires.with_args(host.user_namespaces)),
    pytest.param("cgroup", marks=pytest.mark.requires.with_args(host.cgroups)),
    pytest.param("time", marks=[SINCE_TIME, pytest.mark.requires.with_args(host.time_namespaces)]),
]

OTHERS = {
    "pid": "network",
    "network": "uts",
    "mount": "ipc",
    "ipc": "pid",
    "uts": "network",
    "user": "uts",
    "cgroup": "ipc",
    "time": "uts",
}
"""To each kind another one, whose namespace is none of it."""


@pytest.fixture
def given(kind, user_namespace):
    """Values of the template linux for a container with a new namespace of this kind."""
    namespaces = [*DEFAULT, *({kind} - set(DEFAULT))]
    return {"namespaces": namespaces, "linux": user_namespace if kind == "user" else {}}


def joining(kind, path):
    """Offence: the entry of this kind gets a path, and a user namespace no mappings."""

    def spoil(config):
        entry = next(e for e in config["linux"]["namespaces"] if e["type"] == kind)
        entry["path"] = str(path)
        config["linux"].pop("uidMappings", None)
        config["linux"].pop("gidMappings", None)

    return spoil


def replacing(kind, entry):
    """Offence: another entry in the place of the one of this kind."""

    def spoil(config):
        listed = config["linux"]["namespaces"]
        config["linux"]["namespaces"] = [entry if e["type"] == kind else e for e in listed]

    return spoil


@pytest.fixture
def create_apart(create):
    """Create where a runtime that goes on without a mount namespace can spoil nothing."""
    return lambda *given, **values: disposable.in_new_mounts(lambda: create(*given, **values))


@clause("linux.namespaces.type.required")
@pytest.mark.parametrize("joined", [False, True], ids=["empty", "path-only"])
def test_refuses_an_entry_without_a_type(create, container_in, neighbour, joined):
    container_in(Status.RUNNING)
    entry = {"path": neighbour("ipc").path("ipc")} if joined else {}

    with generates_an_error():
        create("waits", offence=replacing("ipc", entry))


@clause("linux.namespaces.type.unknown-errors")
@pytest.mark.parametrize(
    ("kind", "unknown"),
    [("network", "net"), ("pid", "Pid"), ("ipc", "IPC"), ("ipc", "conformance"), ("ipc", "")],
)
def test_refuses_an_unknown_type(create, container_in, kind, unknown):
    container_in(Status.RUNNING)

    with generates_an_error():
        create("waits", offence=replacing(kind, {"type": unknown}))


@clause("linux.namespaces.path.absolute")
def test_refuses_a_relative_path(create, foreign_network):
    joined = {"type": "network", "path": str(foreign_network.path)}
    listed = [joined, "pid", "ipc", "uts", "mount"]
    inside = create("waits", namespaces=listed).start().facts["ns"]["net"]
    relative = {"type": "network", "path": foreign_network.path.name}

    with generates_an_error():
        create("waits", cwd=foreign_network.path.parent, offence=replacing("network", relative))

    assert inside == foreign_network.name


@clause("linux.namespaces.path.runtime-mount-ns")
def test_looks_up_the_path_in_its_own_mount_namespace(create, bundle, foreign_network):
    joined = {"type": "network", "path": str(foreign_network.path)}
    made = bundle("waits", namespaces=[joined, "pid", "ipc", "uts", "mount"])
    decoy = made.inside(foreign_network.path)
    decoy.parent.mkdir(parents=True)
    decoy.touch()

    container = create(made).start()

    assert container.facts["ns"]["net"] == foreign_network.name


@clause("linux.namespaces.path.joined.{kind}", "linux.namespaces.path.joined")
@pytest.mark.parametrize("kind", KINDS)
def test_joins_the_namespace_at_the_path(create, neighbour, own_namespaces, kind):
    other = neighbour(kind)
    listed = [*(k for k in DEFAULT if k != kind), other.entry(kind)]

    inside = create("waits", namespaces=listed).start().facts["ns"]

    assert inside[FILES[kind]] == other.namespace(kind) != own_namespaces[FILES[kind]]


@clause("linux.namespaces.path.joined.mount")
def test_joins_a_mount_namespace_or_refuses(create, container_in, bundle, neighbour, record):
    container_in(Status.RUNNING)
    made = bundle("waits", namespaces=["pid", "network", "ipc", "uts", "mount"])
    other = neighbour("mount")
    joined = f'"mount", "path": "{other.path("mount")}"'
    made.config.write_text(made.config_text.replace('"mount"', joined))

    with tolerates_an_error() as outcome:
        container = create(made)
    record("a mount namespace by path", "an error" if outcome.refused else "joined")

    assert outcome.refused or container.process.namespace("mnt") == other.namespace("mount")


@clause("linux.namespaces.path.wrong-type-errors")
@pytest.mark.parametrize("kind", ["mount", *KINDS])
def test_refuses_the_path_of_a_namespace_of_another_type(
    create_apart, shared, neighbour, given, kind
):
    assert shared("linux", **given).facts["ns"]
    other = neighbour(OTHERS[kind])

    with generates_an_error():
        create_apart("linux", **given, offence=joining(kind, other.path(OTHERS[kind])))


@clause("linux.namespaces.path.wrong-type-errors")
@pytest.mark.parametrize("kind", DEFAULT)
def test_refuses_the_path_of_a_file_that_is_no_namespace(
    create_apart, shared, foreign_directory, given, kind
):
    assert shared("linux", **given).facts["ns"]
    file = foreign_directory / "file"
    file.touch()

    with generates_an_error():
        create_apart("linux", **given, offence=joining(kind, file))


@clause("linux.namespaces.path.missing-errors")
@pytest.mark.parametrize("kind", DEFAULT)
def test_refuses_a_path_where_nothing_is(create_apart, shared, foreign_directory, given, kind):
    assert shared("linux", **given).facts["ns"]

    with generates_an_error():
        create_apart("linux", **given, offence=joining(kind, foreign_directory / "missing"))


@clause("linux.namespaces.empty-path")
def test_may_take_an_empty_path_for_none(create, container_in, own_namespaces, record):
    container_in(Status.RUNNING)

    with tolerates_an_error() as outcome:
        container = create("waits", offence=joining("ipc", ""))
    inside = own_namespaces["ipc"] if outcome.refused else container.process.namespace("ipc")

    made = "a new namespace" if inside != own_namespaces["ipc"] else "the runtime's namespace"
    record("an empty path", "an error" if outcome.refused else made)


@clause("linux.namespaces.duplicate-errors")
@pytest.mark.parametrize("kind", DEFAULT)
def test_refuses_a_kind_that_is_listed_twice(create, container_in, kind):
    container_in(Status.RUNNING)

    with generates_an_error():
        create("waits", offence=lambda c: c["linux"]["namespaces"].append({"type": kind}))


@clause("linux.namespaces.duplicate-errors")
@pytest.mark.parametrize("kind", ["network", "ipc"])
def test_refuses_a_kind_that_is_both_new_and_joined(create, container_in, neighbour, kind):
    container_in(Status.RUNNING)
    joined = neighbour(kind).entry(kind)

    with generates_an_error():
        create("waits", offence=lambda c: c["linux"]["namespaces"].append(joined))
