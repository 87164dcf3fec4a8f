"""PIDs."""

import pytest

from harness import clause, host, tolerates_an_error
from harness.controllers import UNLIMITED

pytestmark = pytest.mark.requires.with_args(host.pids_controller)

EAGAIN = 11


def forks(count):
    """Words of a program with as many children, each of which stays."""
    return ["child", "pause", "end"] * count


def errnos(container):
    """How each fork of the program went."""
    container.printed("ready")
    return [line.data["errno"] for line in container.lines if line.event == "child"]


@pytest.fixture
def limited(create):
    """Run a container with this limit, as the bundle's other values say."""

    def run(limit, template="linux", **values):
        linux = {"resources": {"pids": {"limit": limit}}}
        return create(template, linux=linux, **values).start().printed("ready")

    return run


@pytest.fixture
def preset(foreign_cgroup):
    """A cgroup that has a limit of 30 already."""
    leaf = foreign_cgroup.leaf("leaf")
    leaf.limits.set("pids.limit", 30)
    return leaf


@clause("linux.resources.pids.limit")
def test_limits_the_number_of_tasks(limited, create):
    container = limited(20, "tries", tries=forks(50))
    free = create("tries", tries=forks(50)).start()

    seen = errnos(container)
    assert container.limits.number("pids.limit") == 20
    # The first of the 20 is the program itself.
    assert (seen.count(0), set(seen)) == (19, {0, EAGAIN})
    assert set(errnos(free)) == {0}


@clause("linux.resources.pids.minus-one")
def test_lifts_the_limit(limited, preset):
    container = limited(-1, cgroups_path=preset.path)

    assert preset.path in container.process.cgroups
    assert container.limits.number("pids.limit") == UNLIMITED


@clause("linux.resources.pids.zero")
def test_takes_zero_for_a_limit(limited, create, record):
    assert set(errnos(create("tries", tries=forks(1)).start())) == {0}

    container = limited(0, "tries", tries=forks(1))

    record("pids.max", container.limits.text("pids.limit"))
    assert errnos(container) == [EAGAIN]


@clause("linux.resources.pids.limit-optional")
def test_needs_no_limit(create, preset):
    container = create(
        "waits", cgroups_path=preset.path, offence={"linux": {"resources": {"pids": {}}}}
    )

    assert preset.path in container.start().printed("ready").process.cgroups
    assert preset.limits.number("pids.limit") == 30


@clause("linux.resources.pids.limit-required")
@pytest.mark.parametrize("pids", [{}, {"limit": 0}, {"limit": -1}], ids=["absent", "0", "-1"])
def test_chose_what_no_limit_was(create, record, pids):
    create("waits").start().printed("ready")

    with tolerates_an_error() as outcome:
        container = create("waits", offence={"linux": {"resources": {"pids": pids}}})

    record("pids.max", None if outcome.refused else container.limits.text("pids.limit"))
