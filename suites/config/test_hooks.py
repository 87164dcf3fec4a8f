"""POSIX-platform hooks: what holds of each of the six kinds."""

import pytest

from harness import IN_CREATE, KINDS, Hook, Status, clause, control, tolerates_an_error

BIG = {"org.example.big": "x" * 200_000}
"""More than a pipe holds."""

UNINTERESTED = Hook(reads_stdin=False, words=["facts"] * 40)
"""Busy for a while, so that the runtime is at writing the state when it ends."""

BY_CREATE = pytest.mark.clause("config.hooks.prestart.timing.during-create")
"""Of prestart only while it belongs to create."""


@clause("config.hooks.optional")
@pytest.mark.parametrize("hooks", [None, {}], ids=["absent", "empty"])
def test_needs_no_hooks(lifecycle, hooks):
    bundle = lifecycle(offence={"hooks": hooks})

    assert bundle.ran == []


@clause("config.hooks.optional")
@pytest.mark.parametrize("kinds", [["prestart"], ["poststart", "poststop"]], ids=" ".join)
def test_takes_any_subset_of_the_kinds(lifecycle, kinds):
    bundle = lifecycle(hooks={kind: [Hook()] for kind in kinds})

    assert bundle.ran == [f"{kind} 1" for kind in kinds]


@clause("config.hooks.{kind}.supported")
@pytest.mark.parametrize("kind", KINDS)
def test_calls_a_hook_once(lifecycle, kind):
    bundle = lifecycle(hooks={kind: [Hook()]})

    assert bundle.ran == [f"{kind} 1"]


@clause("config.hooks.{kind}.supported", "config.hooks.optional")
@pytest.mark.parametrize("kind", KINDS)
def test_takes_an_empty_list_for_no_hooks(lifecycle, kind):
    bundle = lifecycle(hooks={kind: []})

    assert bundle.ran == []


@clause("config.hooks.listed-order", "config.hooks.{kind}.supported")
@pytest.mark.parametrize("kind", KINDS)
def test_calls_hooks_in_the_listed_order(lifecycle, kind):
    bundle = lifecycle(hooks={kind: [Hook(str(number)) for number in range(5)]})

    assert bundle.ran == [f"{kind} {number}" for number in range(5)]


@clause("config.hooks.sequential", "config.hooks.{kind}.supported")
@pytest.mark.parametrize("kind", [pytest.param("prestart", marks=BY_CREATE), *KINDS[1:]])
def test_waits_for_a_hook_before_it_calls_the_next(bundle, calling, create, kind):
    waiting = Hook("1", words=["wait={root}/gate"])
    made = bundle("waits", hooks={kind: [waiting, Hook("2"), Hook("3")]})
    gate = made.gate()

    call = calling(kind, made)
    made.awaits(f"{kind} 1")
    # Another container meanwhile: time enough for a hook that is not held back.
    create("waits").start().printed("ready")
    gate.open()
    call.finish()

    assert made.logged(f"{kind} 3")
    assert made.moments == [f"{kind} {n} {event}" for n in (1, 2, 3) for event in ("begin", "end")]


@clause("config.hooks.{kind}.stdin-state")
@pytest.mark.parametrize("kind", KINDS)
def test_passes_the_state_on_stdin(create, kind):
    annotations = {"org.example.key": "value"}
    container = create("waits", hooks={kind: [Hook()]}, annotations=annotations)
    container.start().printed("ready").kill().stopped().delete()

    given = container.bundle.hook(f"{kind} 1").state

    expected = (container.id, str(container.bundle.path), annotations)
    assert (given.id, given.bundle, given.annotations) == expected


@clause("config.hooks.stdin-unread-tolerated", "config.hooks.{kind}.supported")
@pytest.mark.parametrize("kind", KINDS)
def test_tolerates_a_hook_that_does_not_read_its_stdin(lifecycle, kind):
    with control():
        lifecycle(hooks={kind: [Hook()]}, annotations=BIG)

    bundle = lifecycle(hooks={kind: [UNINTERESTED]}, annotations=BIG)

    assert bundle.ran == [f"{kind} 1"]


@clause("config.hooks.prestart.stdin-status.in-start")
def test_tells_prestart_hooks_of_older_releases_that_the_program_has_not_run(lifecycle):
    bundle = lifecycle(hooks={"prestart": [Hook()]})

    assert bundle.hook("prestart 1").state.status in {Status.CREATING, Status.CREATED}


@clause("config.hooks.{kind}.stdin-status")
@pytest.mark.parametrize("kind", IN_CREATE)
def test_tells_create_time_hooks_that_create_is_not_over(lifecycle, record, kind):
    bundle = lifecycle(hooks={kind: [Hook()]})

    status = bundle.hook(f"{kind} 1").state.status
    record(f"status in {kind} hooks", status)

    assert status in {Status.CREATING, Status.CREATED}


@clause("config.hooks.{kind}.stdin-status")
@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("startContainer", Status.CREATED),
        ("poststart", Status.RUNNING),
        ("poststop", Status.STOPPED),
    ],
)
def test_tells_later_hooks_how_far_the_container_is(lifecycle, kind, status):
    bundle = lifecycle(hooks={kind: [Hook()]})

    assert bundle.hook(f"{kind} 1").state.status == status


@clause("config.hooks.poststop.stdin-status")
def test_tells_poststop_hooks_something_after_a_lifecycle_that_broke_off(bundle, create, record):
    create("waits").start().printed("ready")
    made = bundle("waits", hooks={"prestart": [Hook(exit=1)], "poststop": [Hook()]})

    with tolerates_an_error():
        create(made).start()

    seen = [hook.state.status for hook in made.hooks if hook.label == "poststop 1"]
    record("status in poststop hooks after a prestart hook failed", seen)
