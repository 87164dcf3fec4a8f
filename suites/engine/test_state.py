"""state, as engines read it."""

import re

from harness import Status, clause, control, generates_an_error

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@clause("engine.state.created-time")
def test_has_the_time_of_the_creation(waiting):
    state = waiting.state()

    assert RFC_3339.fullmatch(str(state.document.get("created")))
    assert state.status == Status.RUNNING


@clause("engine.state.zombie-is-stopped")
def test_has_stopped_though_nobody_has_collected_the_process(waiting):
    with control():
        waiting.kill(9).ended(reap=False)

    assert waiting.settled(Status.STOPPED) == Status.STOPPED


@clause("engine.state.unknown-id-text")
def test_says_of_an_unknown_id_what_podman_looks_for(engine, runtime, waiting, new_id):
    with control():
        assert waiting.status() == Status.RUNNING
    engine.logs()

    with generates_an_error():
        runtime.state(new_id())

    assert re.search("does not exist|no such file", engine.said, re.IGNORECASE)
