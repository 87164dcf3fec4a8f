"""ps, list, features and --version."""

import re

import pytest

from harness import Status, clause, control, procfs, tolerates_an_error

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

VERSIONS = ["ociVersionMin", "ociVersionMax"]


@pytest.fixture
def with_child(create):
    """A container of two processes."""
    with control():
        return create("has_child").start().printed("ready")


@clause("engine.ps.json")
def test_lists_all_processes(engine, with_child):
    first = with_child.process.pid

    assert sorted(engine.ps(with_child)) == sorted([first, *procfs.children(first)])


@clause("engine.ps.exec")
def test_lists_what_exec_has_executed(engine, waiting):
    with control():
        executed = engine.exec(waiting, "say=ready", "pause", options=["--detach"]).printed("ready")

    assert sorted(engine.ps(waiting)) == sorted([waiting.process.pid, executed.process.pid])


@clause("engine.ps.created")
def test_lists_the_process_of_a_created_container(engine, container_in):
    container = container_in(Status.CREATED)

    assert engine.ps(container) == [container.process.pid]


@clause("engine.ps.stopped")
@pytest.mark.parametrize("reap", [False, True], ids=["zombie", "collected"])
def test_survives_a_stopped_container(engine, waiting, reap):
    with control():
        assert engine.ps(waiting) == [waiting.process.pid]
        waiting.kill(9).ended(reap=reap)

    pids = []
    with tolerates_an_error():
        pids = engine.ps(waiting)

    assert set(pids) <= {waiting.process.pid}


@clause("engine.list.json")
def test_lists_the_states_of_all(engine, waiting, container_in):
    created = container_in(Status.CREATED)

    found = {entry["id"]: entry for entry in engine.listed()}

    assert sorted(found) == sorted([waiting.id, created.id])
    names = ("pid", "status", "bundle")
    assert [[found[one.id].get(name) for name in names] for one in (waiting, created)] == [
        [waiting.process.pid, Status.RUNNING, str(waiting.bundle.path)],
        [created.process.pid, Status.CREATED, str(created.bundle.path)],
    ]


@clause("engine.list.created-time")
def test_lists_when_each_was_created(engine, waiting):
    (entry,) = engine.listed()

    assert entry["id"] == waiting.id
    assert RFC_3339.fullmatch(str(entry.get("created")))


@clause("engine.list.empty")
def test_lists_nothing(engine, waiting):
    with control():
        assert len(engine.listed()) == 1
        waiting.kill(9).stopped().delete()

    assert engine.listed() == []


@clause("engine.list.stopped")
def test_lists_a_stopped_container_without_a_process(engine, container_in):
    container = container_in(Status.STOPPED)

    (entry,) = engine.listed()

    assert (entry["id"], entry["status"], entry["pid"]) == (container.id, Status.STOPPED, 0)


@clause("engine.features.versions")
def test_prints_the_versions_that_it_takes(runtime):
    text = runtime.print("features", runtime.adapter.features())

    assert re.findall(r'"(ociVersionM..)"\s*:\s*"\d+\.\d+\.\d+', text) == VERSIONS


@clause("engine.version.text")
def test_prints_its_version(runtime):
    text = runtime.print("version", runtime.adapter.version())

    assert re.search(r"\d+\.\d+", text.partition("\n")[0])
