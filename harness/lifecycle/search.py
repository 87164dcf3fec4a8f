"""The search for a sequence that a runtime does not follow: Hypothesis, by rules and a table.

Hypothesis costs 0.4 s to import, so only the case that searches comes here.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, Verbosity, configuration, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from harness.faults import Deviation, RuntimeFault
from harness.lifecycle import model
from harness.lifecycle.example import Example

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from harness.journal import Journal
    from harness.lifecycle.model import Row, Scenario, Step
    from harness.results import Operation
    from harness.workspace import Workspace

TRIES_TO_SHORTEN = 40
NUMBERS = st.integers(0, 9999)


@dataclass
class Found:
    """A sequence that deviates, ready to be shown."""

    clause: str
    message: str
    steps: list[Step]
    whole: bool
    """Whether it shows only when all containers are brought to their ends."""
    journal: Journal
    script: str

    def __str__(self) -> str:
        sequence = "\n".join(f"  {number}. {step}" for number, step in enumerate(self.steps, 1))
        if self.whole:
            sequence += "\n  and the end of each container"
        return f"{self.clause}: {self.message}\nthe shortest sequence that was found:\n{sequence}"


@dataclass
class Search:
    """A search in one scenario; ``known`` are clauses that the runtime is known not to follow."""

    workspace: Workspace
    scenario: Scenario
    rows: Sequence[Row]
    kinds: Sequence[str]
    known: set[str] = field(default_factory=set)
    examples: int = 0
    steps: int = 0
    """Examples and steps that were performed."""
    operations: list[Operation] = field(default_factory=list)
    """All that were called, for the time that they took."""
    done: Counter[str] = field(default_factory=Counter)
    """How often each row was performed after the same steps."""
    found: Found | None = None

    def look(self, examples: int) -> Found | None:
        """Try so many sequences; return the shortest one that deviates, None if none does."""
        # It keeps notes of the modules that it has seen: not beside the user's files.
        configuration.set_hypothesis_home_dir(self.workspace.directory / "hypothesis")
        limits = settings(
            max_examples=examples,
            stateful_step_count=self.scenario.steps,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
            print_blob=False,
            report_multiple_bugs=False,
        )
        try:
            run_state_machine_as_test(_machine(self), settings=limits)
        except (Deviation, RuntimeFault, Flaky):
            if self.found is None:
                raise
        try:
            return self.found and self._shorten(self.found)
        except RuntimeFault:  # it has hung too often to be called again
            return self.found

    def _shorten(self, found: Found) -> Found:
        """Leave out what the deviation does not need, in halves, quarters and so on.

        Every part of a sequence is a sequence, as the model knows each operation in each status.
        Hypothesis, which shortens what it has drawn, takes ten times the operations.
        """
        tries = iter(range(TRIES_TO_SHORTEN))
        size = max(1, len(found.steps) // 2)
        while size:
            start = 0
            while start < len(found.steps) and next(tries, None) is not None:
                fewer = found.steps[:start] + found.steps[start + size :]
                again = self.perform(fewer, known=self.known, whole=found.whole)
                if again is not None and again.clause == found.clause:
                    found = again
                else:
                    start += size
            size //= 2
        return found

    def confirm(self) -> list[Found]:
        """Look once at each clause that is known not to hold; return those that still do not.

        What is about the others is left out, where the way to this one does not lead through it.
        """
        confirmed = []
        for clause in sorted(self.known):
            ways = [model.way(row) for row in self.rows if clause in row.clauses]
            others = self.known - {clause}
            for steps, known in product(ways or [list(model.LIFECYCLE)], (others, set[str]())):
                found = self.perform(steps, known=known, whole=True)
                if found is not None and found.clause == clause:
                    confirmed.append(found)
                    break
        return confirmed

    def perform(
        self, steps: Sequence[Step], *, known: Collection[str] = (), whole: bool = False
    ) -> Found | None:
        """Perform one sequence, ``whole``: to its end; return it if it deviates."""
        example = self.begin(known)
        try:
            for step in steps:
                example.perform(step)
            if whole:
                example.finish()
        except Deviation as deviation:
            return _found(example, deviation, len(steps))
        finally:
            self.ended(example)
        return None

    def choose(self, example: Example, number: int) -> Step:
        """Choose a step by a number; what was seldom done after the same steps comes first.

        Numbers of one range are drawn, whatever is possible: Hypothesis wants to see the same draws
        when it begins in the same way again.
        """
        choices = example.choices(self.scenario.bundles)
        # What leads on stays as likely.
        again = [0 if row.leads_on else self.done[key] for key, _, row in choices]
        weights = [row.weight / (1 + n) for n, (_, _, row) in zip(again, choices, strict=True)]
        # Small numbers are drawn most often; as seeds they are as good as any.
        even = Random(f"{number} {len(example.steps)}")  # noqa: S311 - nothing is secret
        ((key, steps, _),) = even.choices(choices, weights)
        self.done[key] += 1
        return even.choice(steps)

    def begin(self, known: Collection[str]) -> Example:
        """Begin a sequence that leaves out what is about these clauses."""
        # Hooks that are known to run at another time are not configured.
        kinds = [kind for kind in self.kinds if not set(known).intersection(model.of_hooks(kind))]
        letters = self.scenario.containers
        return Example(self.workspace, self.rows, kinds=kinds, known=known, letters=letters)

    def ended(self, example: Example) -> None:
        """Count an example and clear what it has left."""
        self.examples += 1
        self.steps += len(example.steps)
        self.workspace.clear(example.journal)
        self.operations += example.journal.operations


def _found(example: Example, deviation: Deviation, drawn: int) -> Found:
    sequence = "; ".join(map(str, example.steps))
    message = str(deviation)
    return Found(
        clause=deviation.clauses[0],
        message=message,
        steps=example.steps[:drawn],
        whole=len(example.steps) > drawn,
        journal=example.journal,
        script=example.repro.text(f"{deviation.clauses[0]}: {message}\n{sequence}"),
    )


def _machine(search: Search) -> type[RuleBasedStateMachine]:
    """Make the machine: its one rule draws a step of those that the model has now."""

    class Lifecycles(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.example = search.begin(search.known)
            self.drawn = 0

        @rule(data=st.data())
        def step(self, data: st.DataObject) -> None:
            step = search.choose(self.example, data.draw(NUMBERS))
            self.drawn += 1
            with self.watched():
                self.example.perform(step)

        @contextmanager
        def watched(self) -> Iterator[None]:
            try:
                yield
            except Deviation as deviation:
                search.found = _found(self.example, deviation, self.drawn)
                self.drawn = 0
                raise

        def teardown(self) -> None:
            try:
                if self.drawn:
                    with self.watched():
                        self.example.finish()
            finally:
                search.ended(self.example)

    return Lifecycles
