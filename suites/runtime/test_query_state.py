"""Query State."""

import signal

import pytest

from harness import Status, clause, generates_an_error


@clause("runtime.state-op.no-id-errors")
@pytest.mark.parametrize("id_", [None, ""], ids=["none", "empty"])
def test_refuses_to_answer_without_an_id(create, runtime, id_):
    container = create("waits").start().printed("ready")
    container.state()

    with generates_an_error():
        runtime.state(id_)


@clause("runtime.state-op.nonexistent-errors")
def test_refuses_an_unknown_id(create, runtime, new_id):
    container = create("waits").start().printed("ready")
    container.state()

    with generates_an_error():
        runtime.state(new_id())


@clause("runtime.state-op.nonexistent-errors")
def test_refuses_the_beginning_of_an_id(create, runtime):
    container = create("waits").start().printed("ready")
    container.state()

    with generates_an_error():
        runtime.state(container.id[:-1])


@clause("runtime.state-op.nonexistent-errors")
def test_refuses_the_id_of_a_deleted_container(create):
    container = create("waits").start().printed("ready")
    container.kill(signal.SIGKILL).stopped().delete()

    with generates_an_error():
        container.state()


@clause("runtime.state-op.returns-state")
def test_returns_the_state(create):
    container = create("waits").start().printed("ready")

    state = container.state()

    assert {"ociVersion", "id", "status", "pid", "bundle"} - state.document.keys() == set()
    assert (state.id, state.status) == (container.id, Status.RUNNING)
