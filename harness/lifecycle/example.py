"""One sequence of operations, performed on a runtime and compared with the model at each step."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from harness import procfs
from harness.faults import Deviation, NotShown, OperationError, RuntimeFault
from harness.hooks import Hook
from harness.journal import Journal
from harness.lifecycle import model
from harness.lifecycle.model import CREATED, NONE, RUNNING, STOPPED, Step
from harness.repro import Repro

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from harness.bundle import Bundle, Gate
    from harness.container import Container
    from harness.lifecycle.model import Row
    from harness.state import State
    from harness.workspace import Workspace

UNFIT = {"mounts": [{"destination": "/mnt", "type": "conformancefs", "source": "none"}]}
"""What is put over a configuration that no host can apply."""


@dataclass
class Tracked:
    """One container of an example: what the model says of it, and the container if there is one."""

    id: str
    possible: tuple[str, ...] = (NONE,)
    """Statuses that it may have: several only where the specification leaves it open."""
    bundle: str = model.PLAIN
    container: Container | None = None
    gate: Gate | None = None
    process: procfs.Process | None = None
    caught: list[int] = field(default_factory=list)
    """Signals that its program has to have caught so far."""
    ran: list[str] = field(default_factory=list)
    """Hooks that have to have run so far."""

    @property
    def status(self) -> str:
        """The only status that it may have; empty if there are several."""
        return self.possible[0] if len(self.possible) == 1 else ""


class Example:
    """One sequence. ``perform`` raises a Deviation where the runtime leaves the model."""

    def __init__(
        self,
        workspace: Workspace,
        rows: Sequence[Row],
        *,
        kinds: Collection[str],
        known: Collection[str] = (),
        letters: Sequence[str] = "a",
    ) -> None:
        self.workspace = workspace
        self.runtime = workspace.runtime
        self.journal = self.runtime.journal = Journal()
        self.rows = rows
        self.kinds = kinds
        self.known = frozenset(known)
        """Clauses that the runtime is known not to follow: what they are about is left out."""
        self.steps: list[Step] = []
        base = workspace.new_id()
        # One ID is the beginning of another: a runtime that looks for files by it may mix them up.
        self.tracked = {"a": Tracked(base), "b": Tracked(f"{base}1"), "c": Tracked(f"x{base}")}
        self.letters = letters
        self.repro = Repro(self.runtime.path, workspace.probe, workspace.directory)
        self._followed = 0
        self._answer: State | None = None
        """Of the last query that was a step."""

    def perform(self, step: Step) -> bool:
        """Perform one step; whether it was one: not if it is impossible now or known to deviate."""
        about = self.tracked[step.container]
        rows = self.possible_rows(step)
        if not rows:
            return False
        self.steps.append(step)
        self.journal.moment("program", f"step: {step}")
        self.repro.remark(str(step))
        erred = self._operate(step, about, rows[0])
        fitting = [row for row in rows if row.errs == erred]
        if not fitting:
            self._deviates(rows[0].outcome, "it erred" if erred else "it succeeded")
        about.possible = tuple(dict.fromkeys(status for row in fitting for status in row.after))
        self._expect(step, about, fitting[0])
        self._look_at(step, about, fitting[0])
        self._look_at_the_others(step)
        return True

    def possible_rows(self, step: Step) -> list[Row]:
        """Return the rows that a step may follow now; none if it is impossible."""
        about = self.tracked[step.container]
        bundle = step.argument if step.operation == "create" else about.bundle
        if bundle in model.FAILING and bundle.partition(" ")[0] not in self.kinds:
            return []
        found = [model.find(self.rows, step.operation, s, bundle) for s in about.possible]
        # While a signal may still be on its way to it, what start comes to is a race.
        if len(found) > 1 and step.operation not in {"kill KILL", "state"}:
            return []
        rows = [row for row in found if row is not None]
        known = any(self.known.intersection(row.clauses) for row in rows)
        return rows if len(rows) == len(found) and not known else []

    def choices(self, bundles: Sequence[str]) -> list[tuple[str, list[Step], Row]]:
        """Return the steps that are possible now: those of one row together, and what came before.

        The first member tells apart in what the row may behave differently: the last operations on
        this container.
        """
        found = []
        for letter in self.letters:
            before = [step.operation for step in self.steps if step.container == letter][-2:]
            for operation in dict.fromkeys(row.operation for row in self.rows):
                given = bundles if operation == "create" else model.ARGUMENTS.get(operation, ("",))
                steps = [Step(operation, letter, argument) for argument in given]
                possible = [(self.possible_rows(step), step) for step in steps]
                allowed = [step for rows, step in possible if rows]
                if allowed:
                    row = next(rows[0] for rows, _ in possible if rows)
                    found.append((f"{before} {operation} {row.before}", allowed, row))
        return found

    # Operating

    def _operate(self, step: Step, about: Tracked, row: Row) -> bool:
        """Perform the operation; whether it has erred."""
        operation, _, _what = step.operation.partition(" ")
        perform: dict[str, Callable[[], object]] = {
            "create": lambda: self._create(step, about, row),
            "state": lambda: self._ask(about),
            "start": lambda: self._start(about),
            "kill": lambda: self._kill(about, step.argument),
            "delete": lambda: self._delete(about),
            "exit": lambda: self._exit(about, step.argument),
            "edit": lambda: self._edit(about, step.argument),
        }
        try:
            perform[operation]()
        except OperationError:
            return True
        except RuntimeFault as fault:
            self._faults(row.outcome, fault)
        finally:
            self._follow()
        return False

    def _create(self, step: Step, about: Tracked, row: Row) -> None:
        kind = step.argument or model.PLAIN
        bundle, gate = self._bundle(kind, fit=step.operation == "create")
        if row.before == NONE:
            about.bundle = kind
        expected = model.hooks_of("create", kind, self.kinds, errs=row.errs)
        expected = [] if step.operation != "create" or row.before != NONE else expected
        try:
            container = self.workspace.create(bundle, about.id)
        except OperationError:
            self._compare_hooks(bundle, expected, row)
            raise
        if row.errs:
            return
        about.container, about.gate = container, gate
        about.caught, about.ran, about.process = [], expected, None

    def _bundle(self, kind: str, *, fit: bool) -> tuple[Bundle, Gate]:
        failing = kind.partition(" ")[0] if kind in model.FAILING else ""
        configured = self.kinds if kind != model.PLAIN else ()
        hooks = {k: [Hook("1", exit=int(k == failing)), Hook("2")] for k in configured}
        number = str(len(self.steps))
        bundle = self.workspace.bundle(
            "base",
            {
                "program": ["catch", "say=ready", "wait=/gate", "exit=3"],
                "annotations": {"org.example.step": number},
                "hooks": hooks,
            },
            offence=None if fit else UNFIT,
        )
        self.repro.bundle(bundle.path, bundle.config_text)
        return bundle, bundle.gate()

    def _ask(self, about: Tracked) -> None:
        self._answer = None
        self._answer = self.runtime.state(about.id)

    def _start(self, about: Tracked) -> None:
        self.runtime.start(about.id)

    def _kill(self, about: Tracked, name: str) -> None:
        number = getattr(signal, f"SIG{name}", None)
        spelt = "NOSUCH" if number is None else self.runtime.adapter.signal(number)
        self.runtime.kill(about.id, spelt)
        if number is not None and number != signal.SIGKILL and about.status == RUNNING:
            about.caught.append(number)

    def _delete(self, about: Tracked) -> None:
        if about.container is not None and about.status == STOPPED:
            about.container.delete()
        else:
            self.runtime.delete(about.id)

    def _exit(self, about: Tracked, how: str) -> None:
        """End the program without the runtime: by itself, or as the kernel ends one."""
        if about.gate is None or about.container is None or about.process is None:
            raise NotShown("the program was never seen", "start")
        if how == "killed from outside":
            self.repro.killed(about.id, self.runtime.root)
            os.kill(about.process.pid, signal.SIGKILL)
        else:
            self.repro.exits(about.container.bundle.path)
            about.gate.open()

    def _edit(self, about: Tracked, how: str) -> None:
        if about.container is None:
            return
        bundle = about.container.bundle
        text = {"replaced": bundle.config_text.replace("ready", "changed"), "invalid": "{"}
        bundle.config.unlink(missing_ok=True)
        if how in text:
            bundle.config.write_text(text[how], encoding="utf-8")
        self.repro.config(bundle.path, text.get(how))

    def _follow(self) -> None:
        """Have the script do what was called since the last step."""
        done = self.journal.operations[self._followed :]
        for operation in done:
            self.repro.call(operation.argv[1:])
        self._followed = len(self.journal.operations)

    # Comparing

    def _expect(self, step: Step, about: Tracked, row: Row) -> None:
        """Wait until the container is in the status that follows; narrow what is possible."""
        container = about.container
        asked = step.operation == "state"
        if about.possible == (NONE,) and container is None and not asked:
            return  # it is queried as a step, and at the end
        if container is not None and about.possible == (STOPPED,) and not asked:
            try:
                container.stopped()
            except NotShown as unmet:
                self._deviates(row.effect, str(unmet))
            except RuntimeFault as fault:
                self._faults(row.effect, fault)
            return
        if container is not None and step.operation == "start" and about.status == RUNNING:
            self._runs(container)
        state = self._answer if asked else self._query(about, row.effect)
        status = state.status if state else NONE
        if status not in about.possible:
            said = " or ".join(about.possible)
            self._deviates(row.effect, f"its status is {status!r}, which has to be {said}")
        if status == STOPPED and len(about.possible) > 1:
            about.possible = (STOPPED,)
        if state is not None:
            self._look_at_state(about, state)

    def _query(self, about: Tracked, clause: str) -> State | None:
        try:
            return self.runtime.state(about.id)
        except OperationError:
            return None
        except RuntimeFault as fault:
            self._faults(clause, fault)

    def _runs(self, container: Container) -> None:
        try:
            container.printed("ready")
        except NotShown as unmet:
            self._deviates(model.OBSERVED["run"], str(unmet))
        except RuntimeFault as fault:
            self._faults(model.OBSERVED["run"], fault)

    def _look_at_state(self, about: Tracked, state: State) -> None:
        container = about.container
        if container is None or state.status not in {CREATED, RUNNING}:
            return
        bundle = str(container.bundle.path)
        if (state.id, state.bundle) != (about.id, bundle):
            clause = "id" if state.id != about.id else "bundle"
            self._deviates(model.OBSERVED[clause], f"its state is of {state.id} in {state.bundle}")
        if state.annotations != container.bundle.document["annotations"]:
            self._deviates(model.OBSERVED["annotations"], f"it is annotated {state.annotations}")
        process = procfs.Process.of(state.pid) if state.pid is not None else None
        # It may have ended since the query where that is open.
        if process is None and about.status:
            self._deviates(model.OBSERVED["pid"], f"its pid {state.pid} names no process")
        if about.process is None:
            about.process = process
            if process is not None:
                container.adopt(process.pid)
        elif process != about.process and about.status:
            message = f"its process was {about.process}, now it is {process}"
            self._deviates(model.OBSERVED["same pid"], message)

    def _look_at(self, step: Step, about: Tracked, row: Row) -> None:
        """Compare what its program and its hooks have shown."""
        container = about.container
        if container is None:
            return
        shown = [line.event for line in container.lines if line.event in {"ready", "changed"}]
        if about.possible != (NONE,) and (RUNNING in about.possible) and shown != ["ready"]:
            self._deviates(model.OBSERVED["run"], f"the program has said {shown}")
        if CREATED in about.possible and container.lines:
            self._deviates(model.OBSERVED["not run"], "the program runs before start")
        if about.status == RUNNING and container.caught(len(about.caught)) != about.caught:
            seen = container.signals
            self._deviates(model.OBSERVED["signals"], f"{about.caught} were sent, {seen} caught")
        if step.operation in {"start", "delete"} and row.after != (row.before,):
            about.ran += model.hooks_of(step.operation, about.bundle, self.kinds, errs=row.errs)
        self._compare_hooks(container.bundle, about.ran, row)
        if about.possible == (NONE,):
            container.deleted = True
            about.container = None

    def _compare_hooks(self, bundle: Bundle, expected: list[str], row: Row) -> None:
        ran, wanted = sorted(bundle.ran), sorted(expected)
        if ran == wanted:
            return
        extra = list((Counter(ran) - Counter(wanted)).elements())
        missing = list((Counter(wanted) - Counter(ran)).elements())
        kind = (extra or missing)[0].partition(" ")[0]
        too_many, too_few = row.hooks or model.of_hooks(kind)
        clause = too_many if extra else too_few
        if row.errs and not row.hooks:
            clause = row.effect  # what errs has no effect
        self._deviates(clause, f"these hooks have run: {ran}; these had to: {wanted}")

    def _look_at_the_others(self, step: Step) -> None:
        """What is done to one container does nothing to another."""
        for letter in self.letters:
            other = self.tracked[letter]
            if letter == step.container or other.status in {"", NONE}:
                continue
            clause = model.STATUS[other.status]
            if other.status != STOPPED and other.process and not other.process.alive:
                self._deviates(clause, f"{letter} was {other.status}, its process is gone")
            if step.operation == "delete":
                state = self._query(other, clause)
                if state is None or state.status != other.status:
                    self._deviates(clause, f"{letter} was {other.status}, now it says otherwise")

    def finish(self) -> None:
        """Bring every container to its end and see that nothing of it is left."""
        for letter in self.letters:
            self.perform(Step("state", letter))
        for letter in self.letters:
            about = self.tracked[letter]
            if about.possible not in {(NONE,), (STOPPED,)}:
                self.perform(Step("kill KILL", letter, "KILL"))
            if about.possible != (NONE,):
                self.perform(Step("delete", letter))
        whole = all(about.possible == (NONE,) for about in self.tracked.values())
        journal = self.journal
        self.workspace.clear(journal)
        if whole and journal.findings:
            deleted = any(step.operation == "delete" for step in self.steps)
            clause = model.OBSERVED["left"] if deleted else model.ROLLBACK
            self._deviates(clause, f"left behind: {journal.findings[0].text}")

    def _faults(self, clause: str, fault: RuntimeFault) -> NoReturn:
        """Take a crash, a hang or what is no state for a deviation, if it was called at all."""
        if self.runtime.patience.exhausted:
            fault.control = True
            raise fault
        self._deviates(clause, str(fault))

    def _deviates(self, clause: str, seen: str) -> NoReturn:
        raise Deviation([clause], f"after {self.steps[-1]}: {seen}")
