"""Scope of a container."""

import dataclasses
import signal

import pytest

from harness import Status, clause, tolerates_an_error


@pytest.fixture
def elsewhere(runtime, bundle):
    """The same runtime with another state directory."""
    return dataclasses.replace(runtime, root=bundle().path / "state")


@clause("runtime.scope.creator-can-operate")
def test_lets_its_caller_use_every_operation_on_the_container(create):
    container = create("reports_signals")
    created = container.status()

    container.start().printed("ready").kill(signal.SIGUSR1)
    caught = container.caught(1)
    stopped = container.kill(signal.SIGKILL).ended().settled(Status.STOPPED)
    container.delete()

    assert (created, caught, stopped) == (Status.CREATED, [signal.SIGUSR1], Status.STOPPED)


@clause("runtime.scope.visibility-to-others")
def test_may_show_the_container_from_another_state_directory(create, elsewhere, record):
    container = create("waits").start().printed("ready")
    seen = "nothing"

    with tolerates_an_error():
        seen = elsewhere.state(container.id).status

    record("seen from another state directory", seen)
