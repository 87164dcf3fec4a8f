"""Start."""

import pytest

from harness import Hook, Status, clause, generates_an_error, tolerates_an_error


@clause("runtime.start.no-id-errors")
@pytest.mark.parametrize("id_", [pytest.param(None, id="no-id"), pytest.param("", id="empty-id")])
def test_refuses_to_start_without_an_id(create, runtime, id_):
    container = create("waits")

    with generates_an_error():
        runtime.start(id_)

    assert container.status() == Status.CREATED
    container.start().printed("ready")


@clause("runtime.start.nonexistent-errors")
def test_refuses_an_unknown_id(create, runtime, new_id):
    create("waits").start().printed("ready")

    with generates_an_error():
        runtime.start(new_id())


@clause("runtime.start.running-errors")
def test_refuses_a_running_container(create):
    container = create("waits").start().printed("ready")

    with generates_an_error():
        container.start()

    assert container.status() == Status.RUNNING


@clause("runtime.start.stopped-errors")
def test_refuses_a_stopped_container(container_in):
    container = container_in(Status.STOPPED)

    with generates_an_error():
        container.start()

    assert container.status() == Status.STOPPED


@clause("runtime.start.not-created-no-effect")
@pytest.mark.parametrize("status", [Status.RUNNING, Status.STOPPED])
def test_does_nothing_to_a_container_that_is_not_created(container_in, watch_world, status):
    hooks = {"startContainer": [Hook()], "poststart": [Hook()], "poststop": [Hook()]}
    container = container_in(status, "reports_signals", hooks=hooks)
    state, changed = container.state().defined, watch_world()
    ran, lines = container.bundle.ran, container.lines

    with tolerates_an_error():
        container.start()

    assert (container.state().defined, changed()) == (state, [])
    assert (container.bundle.ran, container.lines) == (ran, lines)


@clause("runtime.start.runs-program")
def test_runs_the_program(create):
    container = create("waits")
    before = container.lines

    container.start().printed("ready")

    assert before == []


@clause("runtime.start.process-unset-errors")
def test_refuses_a_container_without_a_process(create, runtime):
    create("waits").start().printed("ready")
    container = create("waits", offence={"process": None})

    with generates_an_error():
        runtime.start(container.id)

    assert container.lines == []
