"""Unified: cgroup v2 alone, and what of the limits of v1 it has not."""

import pytest

from harness import clause, generates_an_error, requires, resources, tolerates_an_error
from harness.controllers import disk

ON_V2 = requires(resources.pure_cgroup_v2)

MEBIBYTE = 1 << 20

UNCONVERTIBLE = {
    "swappiness": {"memory": {"swappiness": 33}},
    "disableOOMKiller": {"memory": {"disableOOMKiller": True}},
    "kernelTCP": {"memory": {"kernelTCP": 64 * MEBIBYTE}},
    "realtimeRuntime": {"cpu": {"realtimeRuntime": 20_000}},
    "realtimePeriod": {"cpu": {"realtimePeriod": 500_000}},
    "leafWeight": {"blockIO": {"leafWeight": 123}},
    "classID": {"network": {"classID": 1048577}},
    "priorities": {"network": {"priorities": [{"name": "lo", "priority": 7}]}},
}

CONVERTIBLE = {
    "memory.limit": {"memory": {"limit": 64 * MEBIBYTE}},
    "memory.reservation": {"memory": {"reservation": 48 * MEBIBYTE}},
    "memory.high": {"memory": {"reservation": 48 * MEBIBYTE}},
    "cpu.shares": {"cpu": {"shares": 512}},
    "cpu.quota": {"cpu": {"quota": 20_000}},
    "pids.limit": {"pids": {"limit": 77}},
    "blockIO.weight": {"blockIO": {"weight": 123}},
}


LINES = {
    "memory.max": f"{96 * MEBIBYTE}",
    "memory.low": f"{16 * MEBIBYTE}",
    "memory.min": f"{8 * MEBIBYTE}",
    "memory.swap.max": f"{24 * MEBIBYTE}",
    "cpu.weight": "250",
    "cpu.max.burst": "5000",
    "cpuset.cpus": "0",
    "cpuset.mems": "0",
    "io.max": "{disk} rbps=1048576 wbps=max riops=max wiops=300",
    "io.latency": "{disk} target=10",
    "io.bfq.weight": "default 250",
    "hugetlb.2MB.max": f"{4 * MEBIBYTE}",
}
"""A line of a file of each controller, as it is written and as it is read again."""


def if_there_is(file):
    """A parameter for kernels that have the control file."""
    return pytest.param(file, marks=pytest.mark.requires.with_args(resources.control_file(file)))


@pytest.fixture
def running(create):
    """Run a container with these members of unified, and of resources."""

    def run(unified, **values):
        resources_ = {"unified": unified}
        return create("linux", linux={"resources": resources_}, **values).start().printed("ready")

    return run


@clause("linux.resources.unified.keys-are-files")
@ON_V2
@pytest.mark.parametrize(
    ("file", "value"),
    [("pids.max", "33"), ("memory.high", str(48 * MEBIBYTE)), ("cpu.max", "20000 50000")],
)
def test_writes_to_the_file_of_the_key(running, file, value):
    container = running({"pids.max": "33", "memory.high": "50331648", "cpu.max": "20000 50000"})

    assert container.limits.text(file) == value
    assert running({}).limits.text(file) != value


@clause("linux.resources.unified.keys-are-files")
@ON_V2
@pytest.mark.parametrize("file", [if_there_is(line) for line in LINES])
def test_writes_to_a_file_of_each_controller(running, file):
    line = LINES[file].format(disk="{major}:{minor}".format(**disk()))

    container = running({file: line})

    assert line in container.limits.text(file).splitlines()
    assert line not in running({}).limits.text(file).splitlines()


@clause("linux.resources.unified.controllers-enabled")
@ON_V2
def test_enables_the_controllers_that_it_needs(running, foreign_cgroup):
    above = foreign_cgroup.leaf("above")
    assert "pids" not in above.text("cgroup.subtree_control").split()

    container = running({"pids.max": "33"}, cgroups_path=f"{above.path}/one/two")

    assert container.limits.text("pids.max") == "33"


@clause("linux.resources.unified.unknown-written")
@ON_V2
@pytest.mark.parametrize(
    ("file", "value"), [("cgroup.max.depth", "3"), ("memory.oom.group", "1"), ("pids.max", "44")]
)
def test_writes_what_it_need_not_know(running, file, value):
    assert running({file: value}).limits.text(file) == value


@clause("linux.resources.unified.missing-controller-errors")
@ON_V2
@pytest.mark.parametrize("file", ["nosuchctl.max", "nosuchctl"])
def test_refuses_a_controller_that_is_not_there(create, running, file):
    assert running({"pids.max": "33"}).limits.text("pids.max") == "33"

    with generates_an_error():
        create("linux", linux={"resources": {"unified": {file: "1"}}})


@clause("linux.resources.unified.v1-config-conversion")
@ON_V2
@pytest.mark.parametrize("name", CONVERTIBLE)
def test_may_convert_limits_of_v1(create, record, name):
    create("waits").start().printed("ready")

    with tolerates_an_error() as outcome:
        container = create("linux", linux={"resources": CONVERTIBLE[name]})

    record(name, "an error" if outcome.refused else container.limits.text(name))


@clause("linux.resources.unified.unconvertible-errors")
@ON_V2
@pytest.mark.parametrize("name", UNCONVERTIBLE)
def test_refuses_what_it_cannot_convert(create, running, name):
    assert running({"pids.max": "33"}).limits.text("pids.max") == "33"

    with generates_an_error():
        create("linux", linux={"resources": UNCONVERTIBLE[name]})


@clause("linux.resources.unified.on-v1")
@requires(resources.cgroup_v1)
def test_does_not_ignore_it_beside_v1(create, record):
    create("waits").start().printed("ready")
    linux = {"resources": {"unified": {"cgroup.max.depth": "3"}}}

    with tolerates_an_error() as outcome:
        container = create("linux", linux=linux)

    record("unified beside v1", "an error" if outcome.refused else "applied")
    assert outcome.refused or container.limits.text("cgroup.max.depth") == "3"
