"""Kill."""

import signal

import pytest
from harness import Status, clause, generates_an_error


@clause("runtime.kill.stopped-errors")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_refuses_a_stopped_container(create, number):
    container = create("waits").start().printed("ready")
    container.kill(signal.SIGKILL).stopped()

    with generates_an_error():
        container.kill(number)

    assert container.status() == Status.STOPPED


@clause("runtime.kill.nonexistent-errors")
def test_refuses_an_unknown_id(create, runtime, new_id):
    create("waits").start().printed("ready").kill(signal.SIGTERM)

    with generates_an_error():
        runtime.kill(new_id(), "TERM")


@clause("runtime.kill.sends-specified-signal")
@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        signal.SIGINT,
        signal.SIGHUP,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGWINCH,
        37,
    ],
)
def test_sends_the_given_signal(create, number):
    container = create("reports_signals").start().printed("ready")

    container.kill(number)

    assert container.caught(1) == [number]


@clause("runtime.kill.created-container")
def test_reaches_a_created_container(create):
    container = create("waits")

    container.kill(signal.SIGKILL).stopped()

    assert container.lines == []
