"""Memory."""

import json

import pytest

from harness import (
    clause,
    generates_an_error,
    may_be_unsupported,
    requires,
    resources,
    tolerates_an_error,
)
from harness.controllers import UNLIMITED

pytestmark = pytest.mark.requires.with_args(resources.controller("memory"))

MEBIBYTE = 1 << 20
SIGKILL = 9

SMALL = {"limit": 32 * MEBIBYTE, "reservation": 48 * MEBIBYTE}


def filling(*mebibytes):
    """Words of children that take memory, one after another, and of what became of them."""
    counts = [count * MEBIBYTE for count in mebibytes]
    words = [["child", f"fill={count}", "say=filled", "end", "reap"] for count in counts]
    return [word for of_one in words for word in of_one]


def ends(container):
    """How each child of the program ended: 0, or the signal."""
    container.printed("ready")
    return [line.data["status"] for line in container.lines if line.event == "reaped"]


@pytest.fixture
def limited(create):
    """Run a container with these members of memory."""

    def run(memory, **values):
        linux = {"resources": {"memory": memory}}
        return create("linux", linux=linux, **values).start().printed("ready")

    return run


@pytest.fixture
def attempted(limited):
    """Run one with members that need not be supported."""

    def run(memory):
        with may_be_unsupported(f"memory {json.dumps(memory)}"):
            return limited(memory)

    return run


@pytest.fixture
def unlimited(create):
    """A container without limits."""
    return create("waits").start().printed("ready")


@clause("linux.resources.memory.minus-one-unlimited")
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("memory.limit", {"limit": -1}),
        pytest.param(
            "memory.swap",
            {"limit": -1, "swap": -1},
            marks=pytest.mark.requires.with_args(resources.swap_accounting),
        ),
    ],
    ids=["limit", "swap"],
)
def test_lifts_a_limit(limited, foreign_cgroup, name, wanted):
    leaf = foreign_cgroup.leaf("leaf")
    leaf.limits.set("memory.limit", 64 * MEBIBYTE)
    leaf.limits.set(name, 64 * MEBIBYTE)

    container = limited(wanted, cgroups_path=leaf.path)

    assert leaf.path in container.process.cgroups
    assert container.limits.number(name) == UNLIMITED


@clause("linux.resources.memory.limit")
def test_limits_memory(limited, unlimited):
    container = limited({"limit": 32 * MEBIBYTE})

    assert container.limits.number("memory.limit") == 32 * MEBIBYTE
    assert unlimited.limits.number("memory.limit") == UNLIMITED


@clause("linux.resources.memory.limit")
@requires(resources.no_swap)
def test_has_a_program_killed_that_takes_more(create):
    tries = filling(8, 64)
    small, large = ({"resources": {"memory": {"limit": n * MEBIBYTE}}} for n in (32, 256))

    first = create("tries", tries=tries, linux=small).start()
    second = create("tries", tries=tries, linux=large).start()

    assert (ends(first), ends(second)) == ([0, SIGKILL], [0, 0])


@clause("linux.resources.memory.reservation")
def test_sets_a_soft_limit(limited, unlimited):
    container = limited(SMALL)

    names = ("memory.reservation", "memory.high")
    assert 48 * MEBIBYTE in [container.limits.number(name) for name in names]
    assert 48 * MEBIBYTE not in [unlimited.limits.number(name) for name in names]


@clause("linux.resources.memory.swap")
@requires(resources.swap_accounting)
@pytest.mark.parametrize(
    ("swap", "expected"), [(96 * MEBIBYTE, 96 * MEBIBYTE), (-1, UNLIMITED)], ids=["96M", "-1"]
)
def test_limits_memory_and_swap_together(limited, swap, expected):
    container = limited({"limit": 64 * MEBIBYTE, "swap": swap})

    assert container.limits.number("memory.limit") == 64 * MEBIBYTE
    assert container.limits.number("memory.swap") == expected


@clause("linux.resources.memory.swap")
@requires(resources.swap_accounting)
@pytest.mark.parametrize(
    "memory",
    [{"limit": 64 * MEBIBYTE, "swap": 32 * MEBIBYTE}, {"swap": 32 * MEBIBYTE}],
    ids=["below-limit", "without-limit"],
)
def test_sets_no_other_limit_than_the_one_given(limited, unlimited, memory):
    assert unlimited.facts

    with tolerates_an_error() as outcome:
        container = limited(memory)

    assert outcome.refused or container.limits.number("memory.swap") == 32 * MEBIBYTE


@clause("linux.resources.memory.{member}")
@requires(resources.cgroup_v1)
@pytest.mark.parametrize(("member", "name"), [("kernel", "kernel"), ("kerneltcp", "kernelTCP")])
def test_may_limit_memory_of_the_kernel(attempted, unlimited, record, member, name):
    assert unlimited.facts

    container = attempted({name: 64 * MEBIBYTE})

    seen = container.limits.number(f"memory.{name}")
    record(member, "unlimited" if seen == UNLIMITED else seen)
    assert seen in {64 * MEBIBYTE, UNLIMITED}


@clause("linux.resources.memory.swappiness")
@requires(resources.cgroup_v1)
@pytest.mark.parametrize("swappiness", [0, 33])
def test_sets_the_swappiness(limited, unlimited, swappiness):
    container = limited({"swappiness": swappiness})

    assert unlimited.limits.number("memory.swappiness") not in {0, 33}
    assert container.limits.number("memory.swappiness") == swappiness


@clause("linux.resources.memory.swappiness-range")
@requires(resources.cgroup_v1)
@pytest.mark.parametrize("swappiness", [101, 201, -1])
def test_refuses_a_swappiness_out_of_range(create, limited, swappiness):
    assert limited({"swappiness": 100}).limits.number("memory.swappiness") == 100

    with generates_an_error():
        create(
            "waits", offence={"linux": {"resources": {"memory": {"swappiness": swappiness}}}}
        ).start()


@clause("linux.resources.memory.disable-oom-killer")
@requires(resources.cgroup_v1)
@pytest.mark.parametrize(
    ("memory", "expected"),
    [({"disableOOMKiller": True}, 1), ({"disableOOMKiller": False}, 0), ({}, 0)],
    ids=["true", "false", "unset"],
)
def test_disables_the_oom_killer(limited, memory, expected):
    container = limited({"limit": 64 * MEBIBYTE, **memory})

    assert container.limits.number("memory.disableOOMKiller") == expected


@clause("linux.resources.memory.use-hierarchy")
@requires(resources.cgroup_v1)
@pytest.mark.parametrize("value", [True, False], ids=["true", "false"])
def test_may_account_hierarchically(attempted, unlimited, record, value):
    assert unlimited.facts

    container = attempted({"useHierarchy": value})

    seen = container.limits.number("memory.useHierarchy")
    record("memory.use_hierarchy", seen)
    # Since Linux 5.11 it is always on.
    assert seen in {1, int(value)}


@clause(
    "linux.resources.memory.check-before-update.may-check",
    "linux.resources.memory.check-before-update.rejects",
)
@requires(resources.pure_cgroup_v2)
@pytest.mark.parametrize("check", [True, False], ids=["check", "no-check"])
def test_may_refuse_an_update_below_what_is_used(create, runtime, record, check):
    memory = {"limit": 256 * MEBIBYTE, "checkBeforeUpdate": check}
    words = ["child", f"fill={64 * MEBIBYTE}", "say=filled", "pause", "end"]
    container = create("tries", tries=words, linux={"resources": {"memory": memory}}).start()
    process, limits = container.printed("filled").process, container.limits

    with tolerates_an_error() as outcome:
        runtime.update(container.id, {"memory": {**memory, "limit": 16 * MEBIBYTE}})

    record("update", "refused" if outcome.refused else "applied")
    # Without a check the kernel has room made by killing whom it likes.
    refused_rightly = limits.number("memory.limit") == 256 * MEBIBYTE and process.alive
    assert refused_rightly or not outcome.refused
