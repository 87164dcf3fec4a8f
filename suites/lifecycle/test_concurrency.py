"""Operations at the same time, and many containers at once.

Of concurrency the specification says nothing: judged is what it demands of any order in which the
operations may have taken place.
"""

import signal

import pytest

from harness import Hook, Status, clause, control, schemas
from harness.procfs import Process

TOGETHER = 4
MANY = 50


@clause("runtime.state.id.unique-on-host")
def test_creates_one_container_of_several_with_one_id(bundle, shared, runtime, new_id, race):
    with control():
        shared("waits").printed("ready")
    made, id_ = [bundle("waits") for _ in range(TOGETHER)], new_id()

    won = race(*(lambda one=one: runtime.creating(id_, str(one.path)) for one in made))

    assert won.count(True) == 1
    assert runtime.state(id_).bundle == str(made[won.index(True)].path)


@clause("runtime.create.duplicate-id-no-container")
def test_leaves_nothing_of_the_creates_that_lost(bundle, runtime, new_id, race, world):
    made, id_, before = [bundle("waits") for _ in range(TOGETHER)], new_id(), world()

    race(*(lambda one=one: runtime.creating(id_, str(one.path)) for one in made))

    left = world().processes - before.processes
    assert left == {Process.of(runtime.state(id_).pid)}


@clause("runtime.start.not-created-no-effect")
def test_runs_the_program_once_however_many_start_it(create, race, record):
    hook = Hook(words=("wait={root}/gate",))
    container = create("waits", hooks={"startContainer": [hook]})
    container.watch()
    gate = container.bundle.gate()
    begun = container.bundle.logged

    won = race(
        *[container.starting] * TOGETHER,
        then=lambda: (begun("startContainer 1", "facts"), gate.open()),
    )

    container.printed("ready")
    shown = [line.event for line in container.lines].count("ready")
    assert (shown, container.status()) == (1, Status.RUNNING)
    record("starts that succeeded", won.count(True))


@clause("runtime.delete.running-no-effect")
def test_deletes_or_refuses_to_while_kill_goes_on(container_in, runtime, race, asked):
    container = container_in(Status.RUNNING)

    _, deleted = race(
        lambda: runtime.killing(container.id, "KILL"), lambda: runtime.deleting(container.id)
    )

    container.ended()
    assert (asked(container.id) is None) == deleted


@clause("runtime.state.json-schema")
def test_gives_a_state_that_follows_the_schema_whatever_goes_on(queried_lifecycle):
    states = [state for state in queried_lifecycle if state is not None]

    assert len(states) >= 3
    assert [problem for s in states if (problem := schemas.problem("state", s.document))] == []


@clause("runtime.state.status.order")
def test_never_goes_back_in_the_lifecycle(queried_lifecycle, steps_back):
    seen = {state.status for state in queried_lifecycle if state is not None}

    assert {Status.CREATED, Status.RUNNING, Status.STOPPED} <= seen
    assert steps_back(queried_lifecycle) == []


@clause("runtime.scope.creator-can-operate")
def test_operates_many_containers_at_once(create):
    containers = [create("waits") for _ in range(MANY)]
    running = [container.start().printed("ready") for container in containers]
    assert len({container.process for container in running}) == MANY

    killed, kept = running[::2], running[1::2]
    stopped = [container.kill(signal.SIGKILL).stopped() for container in killed]

    assert {container.status() for container in kept} == {Status.RUNNING}
    assert [container.delete() for container in stopped] == [None] * len(killed)


@clause("runtime.delete.id-reuse")
@pytest.mark.parametrize("lives", [5])
def test_frees_an_id_at_once_each_time(lifecycle, new_id, record, lives):
    id_ = new_id()

    with control():
        lifecycle("waits", id=id_)
    ran = [lifecycle("waits", id=id_).path for _ in range(1, lives)]

    record("containers with one ID", len(ran) + 1)
