"""State: the status."""

import signal

import pytest

from harness import KINDS, Hook, Status, clause, host, requires
from harness.faults import OperationError

STATUSES = [Status.CREATED, Status.RUNNING, Status.STOPPED]
ENDINGS = {
    "exit-0": ["say=ready"],
    "exit-7": ["say=ready", "exit=7"],
    "crash": ["say=ready", "crash"],
    "with-children": ["child", "pause", "end", "say=ready"],
}


@pytest.fixture
def status_while_creating(bundle, runtime, new_id, in_background):
    """What a query answers while a createRuntime hook runs; ``none`` if there is nothing yet."""
    made = bundle("waits", hooks={"createRuntime": [Hook(words=("wait={host}/gate",))]})
    gate = made.gate()
    id_ = new_id()
    call = in_background(runtime.creating(id_, str(made.path)))
    made.logged("createRuntime 1", "facts")
    made.hook("createRuntime 1")
    try:
        return runtime.state(id_).status
    except OperationError:
        return "none"
    finally:
        gate.open()
        call.finish()


@clause("runtime.state.status.present")
@pytest.mark.parametrize("status", STATUSES)
def test_gives_a_status(states, status):
    assert states[status].status


@clause("runtime.state.status.creating", "config.hooks.create-runtime.stdin-state")
def test_is_creating_while_create_goes_on(status_while_creating, record):
    record("status while create goes on", status_while_creating)

    # Whether a query finds it yet is left open, and created is what some read of step 3 on.
    assert status_while_creating in {Status.CREATING, Status.CREATED, "none"}


@clause("runtime.state.status.created")
def test_is_created_until_start(create):
    container = create("waits")

    before, lines = container.status(), container.lines
    after = container.start().printed("ready").status()

    assert (before, lines) == (Status.CREATED, [])
    assert after != Status.CREATED


@clause("runtime.state.status.created-during-start-hooks")
def test_is_created_while_start_container_hooks_run(create, in_background):
    hook = Hook(words=("wait={root}/gate",))
    container = create("waits", hooks={"startContainer": [hook]})
    gate = container.bundle.gate()
    start = in_background(container.starting())
    container.bundle.logged("startContainer 1", "facts")
    container.bundle.hook("startContainer 1")

    status, lines = container.status(), container.lines
    gate.open()
    start.finish()

    assert (status, lines) == (Status.CREATED, [])
    assert container.printed("ready").status() == Status.RUNNING


@clause("runtime.state.status.running")
def test_is_running_until_the_process_exits(create):
    container = create("waits").start().printed("ready")

    before = container.status()
    after = container.kill(signal.SIGKILL).ended().settled(Status.STOPPED)

    assert before == Status.RUNNING
    assert after != Status.RUNNING


@clause("runtime.state.status.running")
def test_is_running_while_a_thread_of_the_process_is(without_its_first_thread):
    # A process exits with its last thread; /proc/PID/stat shows a zombie as soon as the first has.
    assert without_its_first_thread.status() == Status.RUNNING


@clause("runtime.state.status.stopped")
@pytest.mark.parametrize("reap", [True, False], ids=["reaped", "zombie"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_is_stopped_after_its_process_has_exited(create, ending, reap):
    container = create(program=ENDINGS[ending]).start().printed("ready")

    container.ended(reap=reap)

    assert container.settled(Status.STOPPED) == Status.STOPPED


@clause("runtime.state.status.stopped")
@pytest.mark.parametrize("reap", [True, False], ids=["reaped", "zombie"])
def test_is_stopped_after_kill(create, reap):
    container = create("waits").start().printed("ready")

    container.kill(signal.SIGKILL).ended(reap=reap)

    assert container.settled(Status.STOPPED) == Status.STOPPED


@clause("runtime.state.status.stopped")
@requires(host.pid_numbers_can_be_chosen)
def test_stays_stopped_when_its_pid_names_another_process(create, reuse):
    container = create("waits").start().printed("ready")
    pid = container.process.pid
    container.kill(signal.SIGKILL).ended()

    reuse(pid)

    assert container.settled(Status.STOPPED) == Status.STOPPED


@clause("runtime.state.status.stopped-killed-before-start")
def test_is_stopped_when_killed_before_start(create):
    create("waits").start().printed("ready")
    container = create("waits")
    before = container.status()

    container.kill(signal.SIGKILL).ended()

    assert before == Status.CREATED
    assert container.settled(Status.STOPPED) == Status.STOPPED


@clause("runtime.state.status.custom-values")
def test_may_use_statuses_of_its_own(create, record):
    hooks = {kind: [Hook()] for kind in KINDS}
    container = create("waits", hooks=hooks).start().printed("ready")
    queried = container.status()

    container.kill(signal.SIGKILL).ended().settled(Status.STOPPED)
    container.delete()

    record("statuses", sorted({queried, *(hook.state.status for hook in container.bundle.hooks)}))


@clause("runtime.state.status.custom-values-new-states-only")
def test_uses_the_defined_statuses_where_they_hold(states):
    assert [state.status for state in states.values()] == STATUSES
