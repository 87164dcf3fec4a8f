"""run: create, start, wait, delete."""

import pytest

from harness import Status, clause, generates_an_error, tolerates_an_error


@clause("engine.run.exit-status")
@pytest.mark.parametrize("status", [0, 7, 255])
def test_ends_with_the_status_of_the_program(engine, bundle, status):
    _, run = engine.run(bundle("exits", status=status))

    assert (run.exit_status, run.facts["ids"]["pid"]) == (status, 1)


@clause("engine.run.signalled-status")
def test_ends_with_128_and_the_signal(engine, bundle, runtime):
    id_, run = engine.run(bundle("waits"), waits=False)

    runtime.kill(run.printed("ready") and id_, "9")

    assert engine.ends(run) == 128 + 9


@clause("engine.run.stdio")
def test_passes_the_standard_streams_on(engine, bundle):
    typed = engine.file("typed")
    typed.write_text("typed by the caller")
    words = ["stdin", "to=/proc/self/fd/2", "say=error"]

    with engine.called(stdin=typed):
        _, run = engine.run(bundle("program", words=words))

    assert [line.data["text"] for line in run.lines] == ["typed by the caller"]
    assert [line.event for line in run.errors] == ["error"]


@clause("engine.run.deletes")
def test_deletes_the_container(engine, bundle, runtime):
    id_, run = engine.run(bundle("exits"))

    with generates_an_error():
        runtime.state(id_)
    assert run.facts["ids"]["pid"] == 1


@clause("engine.run.keep")
def test_keeps_the_container(engine, bundle, runtime):
    id_, run = engine.run(bundle("exits", status=7), "--keep")

    assert (run.exit_status, run.facts["ids"]["pid"]) == (7, 1)
    with tolerates_an_error() as kept:
        assert runtime.state(id_).status == Status.STOPPED
        runtime.delete(id_)
    assert not kept.refused
