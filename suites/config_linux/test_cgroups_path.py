"""Cgroups path: where the container's cgroups are, and what is left as it is."""

import shutil
from pathlib import Path

import pytest

from harness import cgroups, clause, requires, resources, tolerates_an_error
from harness.controllers import Limits

MEBIBYTE = 1 << 20

TOP = Path("/sys/fs/cgroup")

RESOURCES = {
    "memory": {"limit": 64 * MEBIBYTE},
    "cpu": {"quota": 20_000},
    "pids": {"limit": 77},
}


@pytest.fixture
def placed(bundle, create):
    """Run a container with a value of cgroupsPath, from another directory; where its cgroups are.

    It is gone at the end, so that the next one can have the same. A hierarchy in which it is at the
    top may come and go meanwhile: others of this host mount them.
    """

    def run(value):
        made = bundle("waits", cgroups_path=value)
        container = create(made, cwd=made.path.parent).start().printed("ready")
        found = set(container.process.cgroups) - {"/"}
        container.kill().stopped().delete()
        return found

    return run


@pytest.fixture
def strays():
    """What is new beside the hierarchies and is no cgroup; it is removed at the end."""
    places = [TOP, TOP.parent]
    before = {path for place in places for path in place.iterdir()}

    def look():
        now = [path for place in places for path in place.iterdir()]
        return [path for path in now if path not in before and not cgroups.is_cgroup(path)]

    yield look
    for path in look():
        shutil.rmtree(path)


@clause("linux.cgroups-path.form")
@pytest.mark.parametrize(
    "value",
    ["/conformance/form", "conformance/form", "conformance.slice:conformance:form"],
    ids=["absolute", "relative", "slice"],
)
def test_may_refuse_a_form(bundle, create, shared, record, value):
    made = bundle("waits", cgroups_path=value)
    assert shared("waits").facts

    with tolerates_an_error() as outcome:
        container = create(made)
    record(value, "an error" if outcome.refused else sorted(set(container.process.cgroups)))

    assert outcome.refused or container.start().printed("ready").facts


@clause("linux.cgroups-path.absolute")
@requires(resources.controller("pids"))
def test_takes_an_absolute_path_from_the_mount_point(create, foreign_cgroup, caller):
    caller(cgroups=foreign_cgroup.leaf("caller").directories)
    path = f"{foreign_cgroup.path}/own"

    container = create("linux", cgroups_path=path, linux={"resources": {"pids": {"limit": 77}}})

    container.start().printed("ready")
    assert path in container.process.cgroups
    assert foreign_cgroup.text("own/pids.max") == "77"
    assert str(container.process.pid) in foreign_cgroup.text("own/cgroup.procs").split()


@clause("linux.cgroups-path.relative")
def test_may_place_a_relative_path_where_it_likes(create, record):
    container = create("waits", cgroups_path="conformance/relative").start().printed("ready")

    record("conformance/relative", sorted(set(container.process.cgroups)))


@clause("linux.cgroups-path.consistent")
@pytest.mark.parametrize("value", ["/conformance/same", "conformance-same"], ids=["/", "relative"])
def test_goes_to_the_same_place_for_the_same_value(placed, value):
    first, second, other = placed(value), placed(value), placed(f"{value}-not")

    assert first == second
    assert first != other


@clause("linux.cgroups-path.default")
def test_chooses_a_place_where_no_path_is_given(create, record):
    containers = [create("waits", has_cgroups=False).start().printed("ready") for _ in range(2)]

    first, second = (sorted(set(container.process.cgroups)) for container in containers)
    record("default", first)
    record("two containers share it", first == second)


@clause("linux.cgroups-path.invalid-errors")
@pytest.mark.parametrize("value", ["/a/../../b", "../../b"], ids=["absolute", "relative"])
def test_makes_nothing_outside_of_the_hierarchies(create, strays, record, value):
    create("waits", cgroups_path="/a/b").start().printed("ready")

    with tolerates_an_error() as outcome:
        create("waits", offence={"linux": {"cgroupsPath": value}})

    record(value, "an error" if outcome.refused else "accepted")
    assert strays() == []


@clause("linux.cgroups-path.created")
def test_makes_the_cgroups_that_are_missing(create, foreign_cgroup):
    path = f"{foreign_cgroup.path}/one/two/three"

    container = create("waits", cgroups_path=path).start().printed("ready")

    assert path in container.process.cgroups
    assert str(container.process.pid) in foreign_cgroup.text("one/two/three/cgroup.procs").split()


@clause("linux.cgroups-path.process-attached")
@pytest.mark.requires.with_args(resources.controller("memory"), resources.controller("cpu"))
def test_puts_the_process_into_the_cgroup(create, foreign_cgroup):
    path = f"{foreign_cgroup.path}/leaf"

    container = create("linux", cgroups_path=path, linux={"resources": RESOURCES})

    limits = [container.limits.number(n) for n in ("memory.limit", "cpu.quota", "pids.limit")]
    assert limits == [64 * MEBIBYTE, 20_000, 77]
    assert path in container.process.cgroups
    assert container.start().printed("ready").limits == container.limits


@clause("linux.cgroups.resources-unset-untouched")
@pytest.mark.parametrize(
    ("name", "value"), [("pids.limit", 77), ("memory.limit", 64 * MEBIBYTE)], ids=["pids", "memory"]
)
@pytest.mark.requires.with_args(resources.controller("memory"))
def test_leaves_limits_as_they_are_without_resources(create, foreign_cgroup, name, value):
    leaf = foreign_cgroup.leaf("leaf")
    leaf.limits.set(name, value)

    container = create("waits", cgroups_path=leaf.path).start().printed("ready")

    assert leaf.path in container.process.cgroups
    assert Limits(leaf.directories).number(name) == value


@clause("linux.cgroups.extra-controllers")
def test_may_use_further_controllers(create, record):
    container = create("waits", cgroups_path="/conformance/extra").start().printed("ready")

    lines = container.process.text("cgroup").splitlines()
    record("hierarchies", [line.split(":")[1] for line in lines if line.endswith("/extra")])
