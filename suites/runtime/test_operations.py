"""Operations."""

import signal

from harness import Status, clause, generates_an_error


@clause("runtime.operations.state.supported")
def test_supports_state(create):
    container = create("waits").start().printed("ready")

    state = container.state()

    assert (state.id, state.status) == (container.id, Status.RUNNING)


@clause("runtime.operations.create.supported")
def test_supports_create(create):
    container = create("waits")

    status, lines = container.status(), container.lines
    container.start().printed("ready")

    assert (status, lines) == (Status.CREATED, [])


@clause("runtime.operations.start.supported")
def test_supports_start(create):
    container = create("waits")
    before = container.lines

    container.start()

    assert before == []
    assert container.printed("ready").lines


@clause("runtime.operations.kill.supported")
def test_supports_kill(create):
    container = create("reports_signals").start().printed("ready")
    before = container.signals

    container.kill(signal.SIGTERM)

    assert before == []
    assert container.caught(1) == [signal.SIGTERM]


@clause("runtime.operations.delete.supported")
def test_supports_delete(create):
    container = create("waits").start().printed("ready")
    container.kill(signal.SIGKILL).stopped()

    container.delete()

    with generates_an_error():
        container.state()
