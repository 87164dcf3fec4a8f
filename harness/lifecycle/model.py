"""runtime.md as a table: what an operation does to a container in each status.

A row says whether the operation errs, in which statuses the container may be afterwards, and which
clause is broken if either is otherwise. Where the specification leaves open what follows there are
several statuses, and the runtime may come to any of them. Nothing here operates anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.hooks import KINDS, OPERATIONS, kebab

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

NONE, CREATED, RUNNING, STOPPED = "none", "created", "running", "stopped"
STATUSES = (NONE, CREATED, RUNNING, STOPPED)
"""``none``: no container has the ID. The others as in runtime.md#state."""

PLAIN, HOOKS = "plain", "hooks"
FAILING = tuple(f"{kind} fails" for kind in KINDS)
BUNDLES = (PLAIN, HOOKS, *FAILING)
"""Without hooks, with two of each kind that succeed, or the first of one kind fails."""


@dataclass(frozen=True)
class Row:
    """One operation on a container in one status."""

    operation: str
    before: str
    errs: bool
    after: tuple[str, ...]
    outcome: str
    """The clause that is broken if it errs and should not, or the other way round."""
    effect: str
    """The clause that is broken if the container is not as it should be afterwards."""
    bundle: str = ""
    """The bundle that it is about; empty: any that has no row of its own."""
    hooks: tuple[str, ...] = ()
    """The clauses that are broken if other hooks run than should: too many, too few."""

    also: tuple[str, ...] = ()
    """The clause that is broken if something of it is left at the end of an example."""

    @property
    def clauses(self) -> tuple[str, ...]:
        """All of them."""
        return self.outcome, self.effect, *self.hooks, *self.also

    @property
    def leads_on(self) -> bool:
        """Whether it certainly brings the container to another status."""
        return self.before not in self.after

    @property
    def weight(self) -> int:
        """How often it is chosen, before what was done often is chosen less."""
        if self.operation in {"create", "start", "delete"} and self.leads_on:
            return 8  # the way through a lifecycle
        # An ID that nobody has, and a query, as there is one after each step, soon say nothing new.
        return 1 if self.before == NONE or self.operation == "state" else 3


def _keeps(operation: str, before: str, outcome: str, effect: str = "") -> Row:
    """Return a row of an operation that errs and leaves all as it was."""
    errs = True
    return Row(operation, before, errs, (before,), outcome, effect or outcome)


def _does(operation: str, before: str, after: str, outcome: str, effect: str) -> Row:
    """Return a row of an operation that succeeds."""
    return Row(operation, before, False, (after,), outcome, effect)  # noqa: FBT003 - a column


ROLLBACK = "runtime.errors.rollback"
TAKEN, TAKEN_EFFECT = (
    "runtime.create.duplicate-id-errors",
    "runtime.create.duplicate-id-no-container",
)
STATUS: Mapping[str, str] = {
    CREATED: "runtime.state.status.created",
    RUNNING: "runtime.state.status.running",
    STOPPED: "runtime.state.status.stopped",
    NONE: "runtime.delete.removes-created-resources.state",
}
"""The clause that says when the status is this one."""

_TAKEN = [
    _keeps(operation, before, TAKEN, TAKEN_EFFECT)
    for operation in ("create", "create unfit")
    for before in (CREATED, RUNNING, STOPPED)
]
_SIGNALS = ("kill KILL", "kill caught", "kill unknown")

OPERATIONS_TABLE: tuple[Row, ...] = (
    _does("create", NONE, CREATED, "runtime.create.creates", STATUS[CREATED]),
    replace(
        _keeps(
            "create unfit",
            NONE,
            "runtime.create.cannot-apply-errors",
            "runtime.create.cannot-apply-no-container",
        ),
        also=(ROLLBACK,),
    ),
    *_TAKEN,
    _keeps("state", NONE, "runtime.state-op.nonexistent-errors"),
    *(
        _does("state", status, status, "runtime.state-op.returns-state", STATUS[status])
        for status in (CREATED, RUNNING, STOPPED)
    ),
    _keeps("start", NONE, "runtime.start.nonexistent-errors"),
    _does("start", CREATED, RUNNING, "runtime.start.runs-program", STATUS[RUNNING]),
    _keeps("start", RUNNING, "runtime.start.running-errors", "runtime.start.not-created-no-effect"),
    _keeps("start", STOPPED, "runtime.start.stopped-errors", "runtime.start.not-created-no-effect"),
    *(_keeps(kill, NONE, "runtime.kill.nonexistent-errors") for kill in _SIGNALS),
    _does(
        "kill KILL",
        CREATED,
        STOPPED,
        "runtime.kill.created-container",
        "runtime.state.status.stopped-killed-before-start",
    ),
    _does("kill KILL", RUNNING, STOPPED, "runtime.kill.sends-specified-signal", STATUS[STOPPED]),
    # Before start the process is the runtime's own, and what it does with a signal is left open.
    Row(
        "kill caught",
        CREATED,
        False,  # noqa: FBT003 - a column
        (CREATED, STOPPED),
        "runtime.kill.created-container",
        STATUS[CREATED],
    ),
    _does("kill caught", RUNNING, RUNNING, "runtime.kill.sends-specified-signal", STATUS[RUNNING]),
    *(
        _keeps("kill unknown", status, "runtime.kill.unknown-signal-errors")
        for status in (CREATED, RUNNING)
    ),
    *(
        _keeps(kill, STOPPED, "runtime.kill.stopped-errors", "runtime.kill.stopped-no-effect")
        for kill in _SIGNALS
    ),
    _keeps("delete", NONE, "runtime.delete.nonexistent-errors"),
    _keeps("delete", CREATED, "runtime.delete.created-errors", "runtime.delete.created-no-effect"),
    _keeps("delete", RUNNING, "runtime.delete.running-errors", "runtime.delete.running-no-effect"),
    _does("delete", STOPPED, NONE, "runtime.operations.delete.supported", STATUS[NONE]),
    # What happens without the runtime.
    _does("exit", RUNNING, STOPPED, STATUS[STOPPED], STATUS[STOPPED]),
    *(
        _does("edit", s, s, "runtime.lifecycle.config-frozen", "runtime.lifecycle.config-frozen")
        for s in (CREATED, RUNNING, STOPPED)
    ),
)
"""Of any container whose hooks succeed."""


def _failing(kind: str) -> Row:
    """Return the row of a hook's failure: an error, and on with the lifecycle at step 12."""
    operation = OPERATIONS[kind]
    clause = f"runtime.lifecycle.{kebab(kind)}"
    before = NONE if operation == "create" else CREATED
    errs, after = True, NONE
    outcome, effect = f"{clause}.failure-errors", f"{clause}.failure-destroys"
    hooks = f"{clause}.failure-skips-later-steps", f"{clause}.failure-runs-poststop"
    return Row(operation, before, errs, (after,), outcome, effect, f"{kind} fails", hooks)


_WARNED = "runtime.lifecycle.poststart.failure-warns"
REMAINING = "runtime.lifecycle.poststop.failure-remaining-hooks-run"
_GOES_ON = "runtime.lifecycle.poststop.failure-delete-succeeds"

HOOKS_TABLE: tuple[Row, ...] = (
    *map(_failing, KINDS[:-1]),
    replace(
        _does("start", CREATED, RUNNING, _WARNED, _WARNED),
        bundle="poststart fails",
        hooks=(_WARNED, _WARNED),
    ),
    replace(
        _does("delete", STOPPED, NONE, _GOES_ON, _GOES_ON),
        bundle="poststop fails",
        hooks=(REMAINING, REMAINING),
    ),
)
"""Of a container of which a hook fails; up to 1.2.1 a failing poststart hook was only warned of."""

OBSERVED: Mapping[str, str] = {
    "not run": "runtime.lifecycle.create.program-not-run",
    "run": "runtime.start.runs-program",
    "signals": "runtime.kill.sends-specified-signal",
    "pid": "runtime.state.pid.is-container-process",
    "same pid": "runtime.state.pid.stable-from-created-to-running",
    "id": "runtime.state.id.present",
    "bundle": "runtime.state.bundle.absolute",
    "annotations": "runtime.state.annotations.reported",
    "left": "runtime.lifecycle.delete.undoes-create",
}
"""What is looked at after each step besides the status, and the clause that speaks of it."""


@dataclass(frozen=True)
class Step:
    """One operation of a sequence, on a container of this letter."""

    operation: str
    """As in the table."""
    container: str
    argument: str = ""
    """The signal, the bundle, how the program ends or what becomes of config.json."""

    def __str__(self) -> str:
        said = f" ({self.argument})" if self.argument else ""
        return f"{self.operation} {self.container}{said}"


ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "kill KILL": ("KILL",),
    "kill caught": ("TERM", "USR1", "HUP", "INT"),
    "kill unknown": ("no such signal",),
    "exit": ("by itself", "killed from outside"),
    "edit": ("replaced", "invalid", "removed"),
}
"""What a step may be given; create is given a bundle."""


@dataclass(frozen=True)
class Scenario:
    """A part of the model that one case is about, and how long it looks by default."""

    containers: tuple[str, ...]
    bundles: tuple[str, ...]
    examples: int
    steps: int
    """At most, in one example."""


_ONE, _SEVERAL = ("a",), ("a", "b", "c")

SCENARIOS: Mapping[str, Scenario] = {
    "one": Scenario(_ONE, (PLAIN,), examples=12, steps=24),
    "several": Scenario(_SEVERAL, (PLAIN,), examples=8, steps=20),
    "hooks": Scenario(("a", "b"), (HOOKS,), examples=3, steps=8),
    **{
        name: Scenario(("a", "b"), (PLAIN, name.partition(",")[0]), examples=2, steps=8)
        for name in (*FAILING, "poststart fails, as before 1.3.0")
    },
}
"""By name; the names of BUNDLES are about hooks."""


def table(bundles: Iterable[str], applies: Callable[[str], bool]) -> list[Row]:
    """Return the rows for containers of these bundles, as far as their clauses apply."""
    wanted = set(bundles)
    rows = [row for row in HOOKS_TABLE if row.bundle in wanted and applies(row.outcome)]
    return [*OPERATIONS_TABLE, *rows]


def find(rows: Iterable[Row], operation: str, before: str, bundle: str) -> Row | None:
    """Return the row of an operation; None where it does not exist, like exit before start."""
    found = [row for row in rows if (row.operation, row.before) == (operation, before)]
    own = [row for row in found if row.bundle == bundle]
    return next(iter(own or [row for row in found if not row.bundle]), None)


def way(row: Row) -> list[Step]:
    """Return the shortest sequence that comes to a row and performs it."""
    bundle = row.bundle or PLAIN
    create, start = Step("create", "a", bundle), Step("start", "a")
    before: dict[str, list[Step]] = {
        NONE: [],
        CREATED: [create],
        RUNNING: [create, start],
        STOPPED: [create, start, Step("kill KILL", "a", "KILL")],
    }
    argument = bundle if row.operation == "create" else ARGUMENTS.get(row.operation, ("",))[0]
    return [*before[row.before], Step(row.operation, "a", argument)]


LIFECYCLE = (
    Step("create", "a", HOOKS),
    Step("start", "a"),
    Step("kill KILL", "a", "KILL"),
    Step("delete", "a"),
)
"""A whole one with hooks of all kinds."""


def hooks_of(operation: str, bundle: str, kinds: Container[str], *, errs: bool) -> list[str]:
    """Return the hooks that an operation runs, ``createRuntime 1``; ``kinds`` are configured.

    Where a failing one makes it err, no further one of its kind or of a later kind runs, but the
    poststop hooks do.
    """
    ran: list[str] = []
    for kind in (k for k in KINDS if bundle != PLAIN and OPERATIONS[k] == operation):
        if kind not in kinds:
            continue
        if errs and bundle == f"{kind} fails":
            return [*ran, f"{kind} 1", "poststop 1", "poststop 2"]
        ran += [f"{kind} 1", f"{kind} 2"]
    return ran


def kinds_at(version: tuple[int, ...]) -> tuple[str, ...]:
    """Return the kinds of hooks that a release puts there; prestart was part of start once."""
    if version < (1, 0, 2):
        return ("poststart", "poststop")
    return KINDS if version >= (1, 1, 0) else tuple(k for k in KINDS if k != "prestart")


_MOMENTS = {
    "startContainer": "during-start",
    "poststart": "after-program-exec",
    "poststop": "after-delete",
}


def of_hooks(kind: str) -> tuple[str, str]:
    """Return the clauses that say when hooks of a kind run, and that they do."""
    moment = _MOMENTS.get(kind, "during-create")
    return f"config.hooks.{kebab(kind)}.timing.{moment}", f"runtime.lifecycle.{kebab(kind)}.invoked"


def clauses_of(name: str) -> list[str]:
    """Return the clauses that a scenario can show false; what it is about comes first."""
    common = [clause for row in OPERATIONS_TABLE for clause in row.clauses]
    return list(dict.fromkeys([*_ABOUT.get(name, ()), *common, *OBSERVED.values()]))


def _of_a_failure(kind: str) -> list[str]:
    what = ["errors", "stops", "destroys", "runs-poststop", "skips-later-steps"]
    if kind == "poststop":
        what = ["delete-succeeds", "remaining-hooks-run"]
    return [f"runtime.lifecycle.{kebab(kind)}.failure-{one}" for one in what]


WARNED = "poststart fails, as before 1.3.0"

_ABOUT: Mapping[str, Sequence[str]] = {
    HOOKS: [*of_hooks("poststart"), *of_hooks("poststop")],
    WARNED: [_WARNED],
    **{f"{kind} fails": _of_a_failure(kind) for kind in KINDS},
}
