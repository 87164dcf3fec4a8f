"""pause and resume."""

import pytest

from harness import (
    Status,
    clause,
    control,
    generates_an_error,
    procfs,
    tolerates_an_error,
)
from harness.engine import freezer

pytestmark = pytest.mark.requires.with_args(freezer)


@pytest.fixture
def catching(create):
    """A container whose program tells each signal."""
    with control():
        return create("reports_signals").start().printed("ready")


@pytest.fixture
def paused(engine, catching):
    """The same, paused."""
    with control():
        engine.pause(catching)
        assert engine.frozen(catching.limits)
    return catching


@clause("engine.pause.freezes")
def test_freezes_the_container(engine, catching):
    before = engine.frozen(catching.limits)

    engine.pause(catching)

    assert (before, engine.frozen(catching.limits)) == (False, True)


@clause("engine.pause.resumes")
def test_lets_the_container_go_on(engine, paused):
    engine.resume(paused)

    assert not engine.frozen(paused.limits)
    assert paused.kill(10).caught(1) == [10]


@clause("engine.pause.status")
def test_is_seen_in_the_state(engine, paused):
    seen = paused.status()
    with control():
        engine.resume(paused)

    assert (seen, paused.status()) == ("paused", Status.RUNNING)


@clause("engine.pause.stopped-errors")
def test_refuses_what_has_stopped(engine, catching):
    with control():
        engine.pause(catching)
        engine.resume(catching)
        catching.kill(9).stopped()

    with generates_an_error():
        engine.pause(catching)


@clause("engine.pause.paused-errors")
def test_refuses_what_is_paused(engine, paused):
    with generates_an_error():
        engine.pause(paused)


@clause("engine.pause.resume-running-errors")
def test_refuses_to_resume_what_runs(engine, paused):
    with control():
        engine.resume(paused)

    with generates_an_error():
        engine.resume(paused)


@clause("engine.pause.killed-is-not-frozen")
@pytest.mark.parametrize("reap", [False, True], ids=["zombie", "collected"])
def test_freezes_no_cgroup_of_what_was_killed(engine, catching, reap):
    limits = catching.limits
    with control():
        assert not engine.frozen(limits)
        catching.kill(9).ended(reap=reap)

    with tolerates_an_error():
        engine.pause(catching)

    assert not engine.frozen(limits)


@clause("engine.pause.killed-is-not-frozen")
def test_freezes_nothing_that_is_about_to_end(engine, catching):
    process, limits = catching.process, catching.limits
    with control():
        # The first process of a pid namespace ends when all others in it are collected, and what
        # exec has brought is ours to collect: pid_namespaces(7).
        executed = engine.exec(catching, "say=ready", "pause", options=["--detach"])
        other = executed.printed("ready").process
        catching.kill(9)
        assert other.ends(engine.runtime.deadline)

    with tolerates_an_error():
        engine.pause(catching)
    procfs.reap(other.pid)

    assert (process.ends(engine.runtime.deadline), engine.frozen(limits)) == (True, False)
