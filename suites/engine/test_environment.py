"""What the runtime is called with: engines leave it hardly any environment."""

from harness import clause, requires
from harness.engine import freezer

NEARLY_EMPTY = {"XDG_RUNTIME_DIR": ""}
CONMON = {"PATH": "/usr/bin:/bin", "_OCI_SYNCPIPE": "3", "_OCI_STARTPIPE": "4"}


@clause("engine.environment.nearly-empty")
def test_works_without_path_and_home(create, engine):
    with engine.called(environment=NEARLY_EMPTY):
        container = create("waits").start().printed("ready")
        container.kill("15").kill("9").stopped().delete()

    assert container.facts["ids"]["pid"] == 1


@clause("engine.environment.exec-nearly-empty")
def test_executes_without_path_and_home(waiting, engine):
    with engine.called(environment=NEARLY_EMPTY):
        execution = engine.exec(waiting, "facts")

    assert execution.facts["ids"]["ppid"] == 0


@clause("engine.environment.engines-own-pause")
@requires(freezer)
def test_pauses_without_path_and_home(waiting, engine):
    with engine.called(environment=NEARLY_EMPTY):
        engine.pause(waiting)
        engine.resume(waiting)

    assert waiting.kill(9).stopped().status() == "stopped"


@clause("engine.environment.conmon")
def test_minds_no_variables_of_conmon(create, engine):
    with engine.called(environment=CONMON):
        container = create("waits")

    assert sorted(container.start().printed("ready").facts["fds"]) == ["0", "1", "2"]


@clause("engine.environment.stays-outside")
def test_executes_with_the_environment_of_the_process_file(waiting, engine):
    execution = engine.exec(waiting, "facts", env=["PATH=/bin", "OWN=1"])

    names = {entry.partition("=")[0] for entry in execution.facts["env"]}
    assert ("OWN" in names, "CONFORMANCE_CALLER" in names) == (True, False)
