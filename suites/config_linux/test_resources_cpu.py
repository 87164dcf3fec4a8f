"""CPU."""

import pytest

from harness import (
    clause,
    foreign,
    generates_an_error,
    kernel,
    requires,
    resources,
    tolerates_an_error,
)
from harness.controllers import UNLIMITED

pytestmark = pytest.mark.requires.with_args(resources.controller("cpu"))

KERNELS_PERIOD = 100_000

BURST = ("cpu.cfs_burst_us", "cpu.max.burst")


@pytest.fixture
def realtime_budget(session):
    """Have time for real-time policies, of which a container can be given a part."""
    with foreign.realtime_budget(session.workspace.cgroup_roots):
        yield


@pytest.fixture
def limited(create):
    """Run a container with these members of cpu; its limits."""

    def run(cpu, **values):
        linux = {"resources": {"cpu": cpu}}
        return create("linux", linux=linux, **values).start().printed("ready")

    return run


@pytest.fixture
def limit(limited):
    """Run a container with these members of cpu; the number that a control file has."""
    return lambda name, cpu: limited(cpu).limits.number(name)


@clause("linux.resources.cpu.shares")
def test_gives_more_to_who_has_more_shares(limit):
    weights = [limit("cpu.shares", {"shares": shares}) for shares in (256, 1024, 8192)]

    # The formula from shares to a weight of v2 is not the specification's.
    assert weights[0] < weights[1] < weights[2]


@clause("linux.resources.cpu.shares")
@requires(resources.cgroup_v1)
@pytest.mark.parametrize("shares", [512, 2])
def test_sets_the_shares(limit, shares):
    assert limit("cpu.shares", {"shares": shares}) == shares


@clause("linux.resources.cpu.quota")
@pytest.mark.parametrize(
    ("cpu", "expected"),
    [
        ({"quota": 20_000, "period": 50_000}, (20_000, 50_000)),
        ({"quota": 30_000}, (30_000, KERNELS_PERIOD)),
        ({}, (UNLIMITED, KERNELS_PERIOD)),
    ],
    ids=["quota-and-period", "quota", "neither"],
)
def test_sets_the_quota(limited, cpu, expected):
    limits = limited(cpu).limits

    assert (limits.number("cpu.quota"), limits.number("cpu.period")) == expected


@clause("linux.resources.cpu.burst")
@requires(resources.control_file(*BURST))
@pytest.mark.parametrize(
    ("cpu", "expected"), [({"burst": 5_000}, 5_000), ({}, 0)], ids=["5000", "unset"]
)
def test_sets_the_burst(limit, cpu, expected):
    assert limit("cpu.burst", {"quota": 20_000, "period": 100_000, **cpu}) == expected


@clause("linux.resources.cpu.period")
@pytest.mark.parametrize("cpu", [{}, {"quota": 20_000}], ids=["alone", "with-quota"])
def test_sets_the_period(limit, cpu):
    assert limit("cpu.period", {"period": 50_000, **cpu}) == 50_000


@clause("linux.resources.cpu.realtime-{member}")
@requires(resources.control_file("cpu.rt_runtime_us"))
@pytest.mark.parametrize(
    ("member", "name", "expected"),
    [
        ("runtime", "cpu.realtimeRuntime", 20_000),
        ("period", "cpu.realtimePeriod", 500_000),
    ],
    ids=["runtime", "period"],
)
@pytest.mark.usefixtures("realtime_budget")
def test_sets_the_time_for_real_time_policies(limit, member, name, expected):
    cpu = {"realtimeRuntime": 20_000, "realtimePeriod": 500_000}

    assert limit(name, cpu) == expected, member


@clause("linux.resources.cpu.cpus")
@requires(resources.controller("cpuset"), kernel.several_processors)
@pytest.mark.parametrize(("cpus", "mask"), [("0", 0b1), ("1", 0b10), ("0-1", 0b11)])
def test_runs_on_the_given_processors(limited, cpus, mask):
    container = limited({"cpus": cpus})

    assert container.limits.text("cpu.cpus") == cpus
    assert int(container.facts["affinity"], 16) == mask
    assert f"Cpus_allowed_list:\t{cpus}\n" in container.facts["status"]


@clause("linux.resources.cpu.{member}")
@requires(resources.controller("cpuset"))
@pytest.mark.parametrize(
    ("member", "value"), [("cpus", "9999"), ("mems", "1023")], ids=["cpus", "mems"]
)
def test_cannot_apply_what_is_not_there(create, limited, member, value):
    assert limited({member: "0"}).limits.text(f"cpu.{member}") == "0"

    with generates_an_error():
        create("waits", offence={"linux": {"resources": {"cpu": {member: value}}}})


@clause("linux.resources.cpu.mems")
@requires(resources.controller("cpuset"), resources.numa)
def test_takes_memory_of_the_given_nodes(limited):
    container = limited({"mems": "0"})

    assert container.limits.text("cpu.mems") == "0"
    assert "Mems_allowed_list:\t0\n" in container.facts["status"]


@clause("linux.resources.cpu.mems")
@requires(resources.controller("cpuset"), resources.several_nodes)
@pytest.mark.parametrize("mems", ["1", "0-1"])
def test_takes_memory_of_no_other_nodes(limited, mems):
    container = limited({"mems": mems})

    assert container.limits.text("cpu.mems") == mems
    assert f"Mems_allowed_list:\t{mems}\n" in container.facts["status"]


@clause("linux.resources.cpu.idle")
@requires(resources.control_file("cpu.idle"))
@pytest.mark.parametrize(
    ("cpu", "expected"), [({"idle": 1}, 1), ({"idle": 0}, 0), ({}, 0)], ids=["1", "0", "unset"]
)
def test_makes_the_cgroup_idle(limit, cpu, expected):
    assert limit("cpu.idle", cpu) == expected


@clause(
    "linux.resources.cpu.quota-not-below-burst",
    "linux.resources.cpu.quota-below-burst-may-error",
    "linux.resources.cpu.burst-not-above-quota",
)
@requires(resources.control_file(*BURST))
def test_may_refuse_a_burst_above_the_quota(limited, record):
    assert limited({"quota": 20_000, "burst": 10_000}).facts

    with tolerates_an_error() as outcome:
        container = limited({"quota": 10_000, "burst": 20_000})

    limits = None if outcome.refused else container.limits
    names = ("cpu.quota", "cpu.burst")
    record("quota and burst", limits and [limits.text(name) for name in names])
