"""update: other limits for a container that runs."""

import pytest

from harness import clause, control, resources
from harness.engine import freezer

pytestmark = pytest.mark.requires.with_args(
    freezer, *(resources.controller(name) for name in ("memory", "cpu", "pids"))
)

MIB = 1 << 20
BEFORE = {"memory": {"limit": 64 * MIB}, "pids": {"limit": 50}, "cpu": {"shares": 512}}
BY_DOCKER = {
    "memory": {"limit": 0, "reservation": 0, "swap": 0, "kernel": 0},
    "cpu": {"shares": 0, "quota": 50000, "period": 100000},
    "pids": {"limit": 77},
    "blockIO": {"weight": 0},
}
CHANGES = {
    "memory": {"memory.limit": 96 * MIB},
    "cpu": {"cpu.quota": 60000, "cpu.period": 120000},
    "pids": {"pids.limit": 33},
}


@pytest.fixture
def limited(create):
    """A running container with limits."""
    with control():
        container = create("linux", linux={"resources": BEFORE}).start().printed("ready")
        assert container.limits.number("pids.limit") == 50
    return container


@clause("engine.update.from-file")
@pytest.mark.parametrize("form", ["--resources FILE", "--resources=FILE"])
def test_takes_limits_from_a_file(engine, limited, form):
    engine.update(limited, {"pids": {"limit": 33}}, form)

    assert limited.limits.number("pids.limit") == 33


@clause("engine.update.from-stdin")
@pytest.mark.parametrize("form", ["--resources -", "--resources=-"])
def test_takes_limits_from_standard_input(engine, limited, form):
    engine.update(limited, {"pids": {"limit": 33}}, form)

    assert limited.limits.number("pids.limit") == 33


@clause("engine.update.{group}")
@pytest.mark.parametrize("group", CHANGES)
def test_changes_limits(engine, limited, group):
    wanted = CHANGES[group]

    engine.update(limited, {group: {name.partition(".")[2]: n for name, n in wanted.items()}})

    assert {name: limited.limits.number(name) for name in wanted} == wanted


@clause("engine.update.zeros-leave-alone")
def test_leaves_alone_what_docker_does_not_set(engine, limited):
    shares = limited.limits.number("cpu.shares")

    engine.update(limited, BY_DOCKER, "--resources -")

    assert limited.limits.number("pids.limit") == 77
    assert limited.limits.number("cpu.quota") == 50000
    assert limited.limits.number("cpu.shares") == shares
    assert limited.limits.number("memory.limit") == 64 * MIB


@clause("engine.update.keeps-others")
def test_leaves_alone_what_is_not_given(engine, limited):
    shares = limited.limits.number("cpu.shares")

    engine.update(limited, {"pids": {"limit": 33}})

    assert limited.limits.number("pids.limit") == 33
    assert limited.limits.number("cpu.shares") == shares
    assert limited.limits.number("memory.limit") == 64 * MIB


@clause("engine.update.goes-on")
def test_lets_the_container_run_on(engine, limited):
    engine.update(limited, {"pids": {"limit": 33}})

    assert limited.limits.number("pids.limit") == 33
    assert (limited.status(), engine.frozen(limited.limits)) == ("running", False)
