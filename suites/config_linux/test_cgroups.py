"""Control groups: whether a cgroup is fit for a container."""

import pytest

from harness import clause, door, tolerates_an_error

SECONDS_IN_THE_ICE = 1


@pytest.fixture
def frozen(foreign_cgroup):
    """A cgroup that is frozen; it is thawed in any case when it is cleared."""
    leaf = foreign_cgroup.leaf("frozen")
    leaf.freeze()
    return leaf


@pytest.fixture
def creating(frozen, bundle, calling):
    """Begin to create a container in the frozen cgroup; it may wait there for ever."""
    return lambda: calling("createRuntime", bundle("waits", cgroups_path=frozen.path))


@clause("linux.cgroups.fit-check")
def test_may_refuse_a_cgroup_that_is_not_empty(create, foreign_cgroup, record):
    taken = foreign_cgroup.leaf("taken").path
    first = create("waits", cgroups_path=taken).start().printed("ready")

    with tolerates_an_error() as outcome:
        create("waits", cgroups_path=taken)

    record("a cgroup with a process", "an error" if outcome.refused else "joined")
    assert first.process.alive


@clause("linux.cgroups.fit-check", "linux.cgroups.unfit-errors")
def test_refuses_a_frozen_cgroup_if_it_looks(create, frozen, creating, runtime, record):
    create("waits").start().printed("ready")

    call = creating()
    ended = door.readable(call.started.pidfd, SECONDS_IN_THE_ICE)
    frozen.thaw()
    call.settle()

    first, *_, last = (o for o in runtime.journal.operations if o.name == "create")
    outcome = "succeeds" if last.exit_status == 0 else "errs"
    record("create in a frozen cgroup", f"{outcome}{'' if ended else ' once it is thawed'}")
    # Without a complaint there was no check.
    assert outcome == "errs" or bool(last.stderr) == bool(first.stderr)
