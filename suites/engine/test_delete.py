"""delete and delete --force."""

import pytest

from harness import Status, clause, control, generates_an_error, procfs, requires
from harness.engine import freezer


@clause("engine.delete.unknown-id-text")
def test_says_of_an_unknown_id_what_containerd_looks_for(engine, runtime, container_in, new_id):
    with control():
        container_in(Status.STOPPED).delete()
    engine.logs()

    with generates_an_error():
        runtime.delete(new_id())

    assert "does not exist" in engine.said


@clause("engine.delete.force-{status}")
@pytest.mark.parametrize("status", [Status.CREATED, Status.RUNNING, Status.STOPPED], ids=str)
def test_removes_by_force(engine, create, container_in, world, status):
    before = world().processes
    container = container_in(status)
    processes = world().processes - before

    engine.delete(container)

    assert all(procfs.zombie(process.pid) for process in processes)
    assert create("waits", id=container.id).start().printed("ready").status() == Status.RUNNING


@clause("engine.delete.force-unknown")
def test_minds_no_unknown_id(engine, waiting, new_id):
    engine.delete(new_id())

    assert waiting.status() == Status.RUNNING


@clause("engine.delete.force-paused")
@requires(freezer)
def test_removes_what_is_paused(engine, waiting):
    process, limits = waiting.process, waiting.limits
    with control():
        engine.pause(waiting)
        assert engine.frozen(limits)

    engine.delete(waiting)

    assert (process.ends(engine.runtime.deadline), engine.frozen(limits)) == (True, False)


@clause("engine.delete.force-leftovers")
def test_ends_what_is_left_of_a_shared_pid_namespace(engine, create):
    with control():
        container = create("has_child", namespaces=["mount", "uts"]).start().printed("ready")
        children = [procfs.Process.of(pid) for pid in procfs.children(container.process.pid)]
        container.kill(9).stopped()

    engine.delete(container)

    assert [child and child.ends(engine.runtime.deadline) for child in children] == [True]
