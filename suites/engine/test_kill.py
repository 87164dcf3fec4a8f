"""kill, as engines call it."""

import pytest

from harness import Status, clause, control, generates_an_error

ALL = pytest.mark.parametrize(
    "namespaces", [["pid", "mount", "uts"], ["mount", "uts"]], ids=["own", "shared"]
)
ENDED = ("container not running", "no such process")


@pytest.fixture
def catching(create):
    """A container whose program tells each signal."""
    with control():
        return create("reports_signals").start().printed("ready")


@pytest.fixture
def with_child(create):
    """A container of two processes, both of which wait for SIGUSR1; with these namespaces."""

    def make(namespaces):
        with control():
            return create("has_child", namespaces=namespaces).start().printed("ready")

    return make


@pytest.fixture
def refused(engine, container_in):
    """What is said when a stopped container is to be killed."""
    container = container_in(Status.STOPPED)
    with generates_an_error():
        engine.logs().kill(container, "15")
    return engine.said


@clause("engine.kill.number")
@pytest.mark.parametrize("number", [10, 15, 28])
def test_takes_a_number(engine, catching, number):
    assert engine.kill(catching, str(number)).caught(1) == [number]


@clause("engine.kill.name")
@pytest.mark.parametrize("name", ["TERM", "SIGTERM"])
def test_takes_a_name(engine, catching, name):
    assert engine.kill(catching, name).caught(1) == [15]


@clause("engine.kill.default")
def test_sends_termination_by_default(engine, catching):
    assert engine.kill(catching).caught(1) == [15]


@clause("engine.kill.unknown-signal-errors")
@pytest.mark.parametrize("unknown", ["NOSUCH", "SIGNOSUCH", "65"])
def test_refuses_an_unknown_signal(engine, catching, unknown):
    with generates_an_error():
        engine.kill(catching, unknown)

    assert catching.kill(10).caught(1) == [10]


@clause("engine.kill.all")
@ALL
def test_reaches_all_processes(engine, with_child, namespaces):
    container = engine.kill(with_child(namespaces), "10", options=["--all"])

    assert container.printed("child reached").printed("reached")


@clause("engine.kill.all-short")
@ALL
def test_reaches_all_processes_by_the_short_option(engine, with_child, namespaces):
    container = engine.kill(with_child(namespaces), "10", options=["-a"])

    assert container.printed("child reached").printed("reached")


@clause("engine.kill.all-stopped")
def test_finds_nobody_in_a_stopped_container(engine, container_in):
    container = container_in(Status.STOPPED)

    engine.kill(container, "9", options=["--all"])

    assert container.status() == Status.STOPPED


@clause("engine.kill.stopped-text")
def test_says_of_a_stopped_container_what_containerd_looks_for(refused):
    assert any(text in refused.lower() for text in ENDED), refused


@clause("engine.kill.stopped-lower-case")
def test_says_of_a_stopped_container_what_cri_o_looks_for(refused):
    assert any(text in refused for text in (*ENDED, "invalid process")), refused


@clause("engine.kill.unknown-id-text")
def test_says_of_an_unknown_id_what_containerd_looks_for(engine, runtime, catching, new_id):
    catching.kill(10)

    with generates_an_error():
        engine.logs().runtime.kill(new_id(), "15")

    assert runtime.options
    assert "does not exist" in engine.said
