"""Lifecycle: the hooks, and what becomes of a lifecycle when one of them fails."""

from dataclasses import dataclass
from typing import Any

import pytest

from harness import (
    IN_CREATE,
    KINDS,
    Hook,
    Status,
    clause,
    control,
    generates_an_error,
    tolerates_an_error,
)
from harness.bundle import Bundle

FORMS: dict[str, dict[str, Any]] = {
    "exits-1": {"exit": 1},
    "killed": {"words": ["raise=9"]},
    "not-executable": {"members": {"path": "{root}/log"}},
}
"""Ways in which a hook fails."""


def three(position=0, form="exits-1"):
    """Return three hooks, of which the one at this position fails in this form."""
    return [Hook(str(n), **(FORMS[form] if n == position else {})) for n in (1, 2, 3)]


@dataclass(frozen=True)
class Failure:
    """Three hooks of a kind, one of which fails, and the ones that have run when it has."""

    hooks: list[Hook]
    last: int

    def ran(self, kind):
        """Labels of those that have run."""
        return [f"{kind} {number}" for number in range(1, self.last + 1)]


POSITIONS = pytest.mark.parametrize("position", [1, 2, 3], ids=["first", "middle", "last"])
EACH_FORM = pytest.mark.parametrize("form", FORMS)
EACH_FAILURE = pytest.mark.parametrize(
    "failure",
    [
        pytest.param(Failure(three(1, "exits-1"), last=1), id="first-exits-1"),
        pytest.param(Failure(three(2, "killed"), last=2), id="middle-killed"),
        pytest.param(Failure(three(3, "not-executable"), last=2), id="last-not-executable"),
    ],
)

OLDER_PRESTART = "config.hooks.prestart.timing.after-start"
BY_CREATE = pytest.mark.clause("config.hooks.prestart.timing.during-create")
"""Of prestart only while it belongs to create."""


@dataclass(frozen=True)
class BrokenOff:
    """What a lifecycle has left that a failing hook broke off."""

    id: str
    bundle: Bundle
    processes: list[str]
    cgroups: frozenset[str]

    @property
    def begun(self):
        """Hooks that have begun, and the program."""
        moments = self.bundle.moments
        return [moment.removesuffix(" begin") for moment in moments if moment.endswith(" begin")]


@pytest.fixture
def broken_off(bundle, create, new_id, survivors, world):
    """Run a lifecycle that a failing hook breaks off, until nothing of it moves any more."""

    def run(kind, hooks):
        before = world().cgroups
        id_, made = new_id(), bundle("logs", hooks=hooks)
        with tolerates_an_error():
            create(made, id=id_).start()
        processes = survivors()
        with control():
            made.hook(f"{kind} 1")
        return BrokenOff(id_, made, processes, world().cgroups - before)

    return run


@clause("runtime.lifecycle.{kind}.invoked")
@pytest.mark.parametrize("kind", KINDS[:5])
def test_invokes_all_hooks(create, kind):
    container = create("waits", hooks={kind: three()}).start().printed("ready")

    assert sorted(container.bundle.ran) == [f"{kind} 1", f"{kind} 2", f"{kind} 3"]


@clause("runtime.lifecycle.{kind}.failure-errors", "config.hooks.{kind}.timing.during-create")
@pytest.mark.parametrize("kind", IN_CREATE)
@POSITIONS
@EACH_FORM
def test_errs_in_create_if_a_create_time_hook_fails(create, kind, position, form):
    create("waits", hooks={kind: three()}).start().printed("ready")

    with generates_an_error():
        create("waits", hooks={kind: three(position, form)})


@clause("runtime.lifecycle.prestart.failure-errors", OLDER_PRESTART)
@POSITIONS
@EACH_FORM
def test_errs_by_start_if_a_prestart_hook_of_an_older_release_fails(create, position, form):
    create("waits", hooks={"prestart": three()}).start().printed("ready")

    with generates_an_error():
        create("waits", hooks={"prestart": three(position, form)}).start()


@clause("runtime.lifecycle.prestart.in-start")
@EACH_FORM
def test_has_met_the_failing_prestart_hook_when_start_ends(create, form):
    create("waits", hooks={"prestart": three()}).start().printed("ready")

    with generates_an_error():
        create("waits", hooks={"prestart": three(3, form)}).start()


@clause("runtime.lifecycle.{kind}.failure-errors")
@pytest.mark.parametrize("kind", ["startContainer", "poststart"])
@POSITIONS
@EACH_FORM
def test_errs_in_start_if_a_start_time_hook_fails(create, kind, position, form):
    create("waits", hooks={kind: three()}).start().printed("ready")
    container = create("waits", hooks={kind: three(position, form)})

    with generates_an_error():
        container.start()


@clause("runtime.lifecycle.{kind}.failure-stops")
@pytest.mark.parametrize("kind", KINDS[:5])
@EACH_FAILURE
def test_stops_the_container_if_a_hook_fails(broken_off, kind, failure):
    left = broken_off(kind, {kind: failure.hooks})

    assert (left.processes, left.bundle.ran) == ([], failure.ran(kind))


@clause("runtime.lifecycle.{kind}.failure-destroys")
@pytest.mark.parametrize("kind", KINDS[:5])
@EACH_FAILURE
def test_destroys_the_container_if_a_hook_fails(broken_off, runtime, create, kind, failure):
    left = broken_off(kind, {kind: failure.hooks})
    assert left.bundle.ran[: failure.last] == failure.ran(kind)

    with generates_an_error():
        runtime.state(left.id)

    assert left.cgroups == frozenset()
    create("waits", id=left.id).start().printed("ready")


@clause("runtime.lifecycle.{kind}.failure-runs-poststop")
@pytest.mark.parametrize("kind", KINDS[:5])
@EACH_FAILURE
def test_runs_poststop_hooks_once_if_a_hook_fails(broken_off, runtime, kind, failure):
    left = broken_off(kind, {kind: failure.hooks, "poststop": [Hook("1"), Hook("2")]})

    # Those that come only now are late: that the container was still there is another clause.
    with tolerates_an_error():
        runtime.delete(left.id)

    assert left.bundle.ran == [*failure.ran(kind), "poststop 1", "poststop 2"]


@clause("runtime.lifecycle.{kind}.failure-skips-later-steps")
@pytest.mark.parametrize("kind", [pytest.param("prestart", marks=BY_CREATE), *KINDS[1:4]])
@EACH_FAILURE
def test_skips_the_later_hooks_and_the_program(broken_off, kind, failure):
    later = KINDS[KINDS.index(kind) + 1 : -1]

    left = broken_off(kind, {kind: failure.hooks, **{each: [Hook()] for each in later}})

    assert left.begun == failure.ran(kind)


@clause("runtime.lifecycle.prestart.failure-skips-later-steps", OLDER_PRESTART)
@EACH_FAILURE
def test_skips_the_program_of_older_releases(broken_off, failure):
    left = broken_off("prestart", {"prestart": failure.hooks, "poststart": [Hook()]})

    assert left.begun == failure.ran("prestart")


@clause("runtime.lifecycle.poststart.failure-skips-later-steps")
@EACH_FAILURE
def test_skips_the_later_poststart_hooks(broken_off, failure):
    left = broken_off("poststart", {"poststart": failure.hooks})

    assert left.bundle.ran == failure.ran("poststart")


@clause("runtime.lifecycle.poststart.failure-warns")
@POSITIONS
@EACH_FORM
def test_goes_on_if_a_poststart_hook_of_an_older_release_fails(create, position, form):
    with control():
        create("waits", hooks={"poststart": three()}).start().printed("ready")

    container = create("waits", hooks={"poststart": three(position, form)})

    container.start().printed("ready")

    unusable = f"poststart {position}" if form == "not-executable" else None
    expected = [f"poststart {number}" for number in (1, 2, 3)]
    assert container.bundle.ran == [label for label in expected if label != unusable]
    assert (container.status(), container.process.alive) == (Status.RUNNING, True)


@clause("runtime.lifecycle.hook-order.phases")
def test_goes_through_the_phases_in_order(bundle, create, in_background):
    waiting = Hook("1", words=["wait={root}/gate"])
    made = bundle("logs", hooks={k: [waiting if k == "startContainer" else Hook()] for k in KINDS})
    gate = made.gate()
    container = create(made)
    created = made.ran

    call = in_background(container.starting())
    made.awaits("startContainer 1")
    # Another container meanwhile: time enough for what does not wait for its turn.
    create("waits").start().printed("ready")
    gate.open()
    call.finish()
    container.printed("ready").kill().stopped()
    ended = made.hook_moments
    container.delete()

    assert created == ["prestart 1", "createRuntime 1", "createContainer 1"]
    assert ended == [f"{kind} 1 {event}" for kind in KINDS[:5] for event in ("begin", "end")]
    assert made.moments.index("program begin") > made.moments.index("startContainer 1 end")
    assert made.hook_moments[-2:] == ["poststop 1 begin", "poststop 1 end"]


@clause("runtime.lifecycle.poststop.invoked")
def test_invokes_all_poststop_hooks(create):
    container = create("waits", hooks={"poststop": three()}).start().printed("ready")
    before = container.kill().stopped().bundle.ran

    container.delete()

    assert before == []
    assert sorted(container.bundle.ran) == ["poststop 1", "poststop 2", "poststop 3"]


@clause("runtime.lifecycle.poststop.failure-warns")
@pytest.mark.parametrize("form", ["exits-1", "killed"])
def test_says_what_it_likes_if_a_poststop_hook_fails(create, record, form):
    container = create("waits", hooks={"poststop": three(1, form)}).start().printed("ready")
    container.kill().stopped()

    with tolerates_an_error():
        container.delete()

    record("written to stderr by delete", container.runtime.journal.operations[-1].stderr)


@clause("runtime.lifecycle.poststop.failure-remaining-hooks-run")
@POSITIONS
@EACH_FORM
def test_runs_the_remaining_poststop_hooks_after_one_that_fails(create, position, form):
    container = create("waits", hooks={"poststop": three(position, form)}).start().printed("ready")
    container.kill().stopped()

    with tolerates_an_error():
        container.delete()

    labels = [f"poststop {number}" for number in (1, 2, 3)]
    failing = labels.pop(position - 1)
    assert sorted(label for label in container.bundle.ran if label != failing) == labels


@clause("runtime.lifecycle.poststop.failure-delete-succeeds")
@EACH_FAILURE
def test_succeeds_in_delete_if_a_poststop_hook_fails(create, runtime, world, failure):
    before = world().cgroups
    container = create("waits", hooks={"poststop": failure.hooks}).start().printed("ready")
    container.kill().stopped().delete()

    with generates_an_error():
        runtime.state(container.id)

    assert container.bundle.ran[: failure.last] == failure.ran("poststop")
    assert world().cgroups == before
    create("waits", id=container.id).start().printed("ready")
