"""Kill."""

import signal

import pytest

from harness import (
    Status,
    clause,
    generates_an_error,
    host,
    requires,
    tolerates_an_error,
)

SHARED_PIDS = ["network", "ipc", "uts", "mount"]
OWN_PIDS = ["pid", *SHARED_PIDS]
NAMESPACES = pytest.mark.parametrize(
    "namespaces",
    [pytest.param(OWN_PIDS, id="own-pids"), pytest.param(SHARED_PIDS, id="shared-pids")],
)
SPELLING = pytest.mark.parametrize(
    "numeric", [pytest.param(False, id="name"), pytest.param(True, id="number")]
)
CATCHABLE = sorted(set(range(1, 32)) - {signal.SIGKILL, signal.SIGSTOP})
REAL_TIME = [34, 37, 64]


@clause("runtime.kill.no-id-errors")
@pytest.mark.parametrize(
    ("id_", "number"),
    [pytest.param(None, None, id="no-id"), pytest.param("", "KILL", id="empty-id")],
)
def test_refuses_to_signal_without_an_id(create, runtime, id_, number):
    container = create("reports_signals").start().printed("ready")

    with generates_an_error():
        runtime.kill(id_, number)

    assert container.kill(signal.SIGUSR1).caught(1) == [signal.SIGUSR1]


@clause("runtime.kill.stopped-errors")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@NAMESPACES
def test_refuses_a_stopped_container(create, namespaces, number):
    container = create("waits", namespaces=namespaces).start().printed("ready")
    container.kill(signal.SIGKILL).stopped()

    with generates_an_error():
        container.kill(number)

    assert container.status() == Status.STOPPED


@clause("runtime.kill.stopped-no-effect")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_does_nothing_to_a_stopped_container(container_in, watch_world, number):
    container = container_in(Status.STOPPED)
    state, changed = container.state().defined, watch_world()

    with tolerates_an_error():
        container.kill(number)

    assert (container.state().defined, changed()) == (state, [])


@clause("runtime.kill.stopped-no-effect")
@requires(host.pid_numbers_can_be_chosen)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_spares_a_process_that_has_got_the_number_of_a_stopped_one(container_in, reuse, number):
    container = container_in(Status.RUNNING)
    pid = container.process.pid
    container.kill(signal.SIGKILL).stopped()
    other = reuse(pid)

    with tolerates_an_error():
        container.kill(number)

    assert (container.status(), other.alive) == (Status.STOPPED, True)


@clause("runtime.kill.nonexistent-errors")
def test_refuses_an_unknown_id(create, runtime, new_id):
    create("waits").start().printed("ready").kill(signal.SIGTERM)

    with generates_an_error():
        runtime.kill(new_id(), "TERM")


@clause("runtime.kill.sends-specified-signal")
@pytest.mark.parametrize("number", CATCHABLE)
@SPELLING
def test_sends_the_given_signal(shared, number, numeric):
    container = shared("reports_signals").printed("ready")
    before = container.signals

    container.kill(number, numeric=numeric)

    assert container.caught(len(before) + 1) == [*before, number]


@clause("runtime.kill.sends-specified-signal")
@pytest.mark.parametrize("number", REAL_TIME)
def test_sends_the_given_real_time_signal(create, number):
    container = create("reports_signals").start().printed("ready")

    container.kill(number)

    assert container.caught(1) == [number]


@clause("runtime.kill.sends-specified-signal")
def test_sends_each_signal_once_and_no_other(create):
    container = create("reports_signals").start().printed("ready")
    given = [signal.SIGHUP, signal.SIGTERM, signal.SIGUSR2, signal.SIGWINCH]

    caught = [container.kill(number).caught_until(number) for number in given]

    assert caught == [given[:1], given[:2], given[:3], given]


@clause("runtime.kill.sends-specified-signal")
@SPELLING
@NAMESPACES
def test_sends_the_signal_that_cannot_be_caught(create, namespaces, numeric):
    container = create("reports_signals", namespaces=namespaces).start().printed("ready")

    container.kill(signal.SIGKILL, numeric=numeric).stopped()

    assert container.signals == []


@clause("runtime.kill.sends-specified-signal")
def test_reaches_a_process_whose_first_thread_has_ended(without_its_first_thread):
    without_its_first_thread.kill(signal.SIGKILL).stopped()


@clause("runtime.kill.sends-specified-signal")
@SPELLING
def test_sends_the_signal_that_halts(create, numeric):
    container = create("reports_signals").start().printed("ready")

    halted = container.kill(signal.SIGSTOP, numeric=numeric).halted()

    assert halted
    assert container.kill(signal.SIGCONT).caught(1) == [signal.SIGCONT]


@clause("runtime.kill.to-container-process")
@NAMESPACES
def test_reaches_the_container_process(create, record, namespaces):
    container = create("has_child", namespaces=namespaces).start().printed("ready")

    container.kill(signal.SIGUSR1).printed("reached")

    assert container.status() == Status.RUNNING
    record("a child is signalled too", len(container.signals) > 1)


@clause("runtime.kill.created-container")
def test_reaches_a_created_container(create):
    container = create("waits")
    process = container.process

    container.kill(signal.SIGKILL).stopped()

    assert (process.alive, container.lines) == (False, [])


@clause("runtime.kill.unknown-signal-errors")
@pytest.mark.parametrize("unknown", ["NOSUCH", "SIGNOSUCH", "999", "65"])
def test_refuses_an_unknown_signal(create, unknown):
    container = create("reports_signals").start().printed("ready")

    with generates_an_error():
        container.kill(unknown)

    assert container.kill(signal.SIGUSR1).caught(1) == [signal.SIGUSR1]


@clause("runtime.kill.default-signal")
@pytest.mark.parametrize("spelt", [None, "SIGUSR1", "sigusr1", "usr1", "RTMIN+3", "SIGRTMIN+3"])
def test_may_choose_a_signal_and_its_other_spellings(create, record, spelt):
    container = create("reports_signals").start().printed("ready")

    with tolerates_an_error() as outcome:
        container.kill(spelt)
    sent = container.kill(signal.SIGWINCH).caught_until(signal.SIGWINCH)[:-1]

    record(f"kill {spelt}", "an error" if outcome.refused else sent)
