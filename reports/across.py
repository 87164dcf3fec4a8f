"""Several runs side by side: clauses as rows, runs as columns, in the specification's order."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.results import Run, Verdict
from reports.specification import sections
from reports.text import clip, line, outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.results import Case

FAULTS_SHOWN = 3
"""Faulty operations of a case that are shown beside its reason: the last ones."""


@dataclass(frozen=True)
class Cell:
    """What one run says of one clause."""

    verdict: Verdict | None
    """The worst of the cases that ran, else of the others; None where the run has none."""
    count: int
    """Cases with this verdict."""
    cases: int
    """Cases of the clause in the run."""


@dataclass(frozen=True)
class Across:
    """One case, or what several runs have of it."""

    case: str
    results: list[Case | None]
    """One for each run; None where the run has not got the case."""

    @property
    def verdicts(self) -> list[Verdict | None]:
        """Verdicts by run."""
        return [case.verdict if case else None for case in self.results]


@dataclass(frozen=True)
class Row:
    """One clause: a case counts under its first."""

    clause: str
    summary: str
    level: str
    since: str
    cases: list[Across]

    @property
    def cells(self) -> list[Cell]:
        """One for each run."""
        return [_cell(column) for column in zip(*(a.verdicts for a in self.cases), strict=True)]

    @property
    def differs(self) -> bool:
        """Whether any case has more than one verdict, a missing one included."""
        return any(len(set(across.verdicts)) > 1 for across in self.cases)

    @property
    def differs_where_run(self) -> bool:
        """Whether the runs that operated a case came to more than one verdict."""
        return any(len({v for v in a.verdicts if v and v.ran}) > 1 for a in self.cases)


@dataclass(frozen=True)
class Part:
    """One section of the specification."""

    document: str
    title: str
    name: str
    rows: list[Row]


def parts(runs: Sequence[Run]) -> list[Part]:
    """Put the cases of ``runs`` beside each other; what one has and another has not is kept."""
    by_run = [worst(run) for run in runs]
    first = {name: case for cases in reversed(by_run) for name, case in cases.items()}
    order = {name: first[name] for cases in by_run for name in cases}
    out = []
    for section in sections(Run(runs[0].header, list(order.values()), None)):
        rows: dict[str, Row] = {}
        for case in section.cases:
            clause = case.clauses[0] if case.clauses else case.case
            new = Row(clause, case.summary, case.level, case.since, [])
            across = Across(case.case, [cases.get(case.case) for cases in by_run])
            rows.setdefault(clause, new).cases.append(across)
        out.append(Part(section.document, section.title, section.name, list(rows.values())))
    return out


def worst(run: Run) -> dict[str, Case]:
    """Give the cases of ``run`` by id; of one that was recorded twice the worse."""
    out: dict[str, Case] = {}
    for case in run.cases:
        held = out.get(case.case)
        if held is None or case.verdict.severity > held.verdict.severity:
            out[case.case] = case
    return out


def _cell(verdicts: Sequence[Verdict | None]) -> Cell:
    counts = Counter(verdict for verdict in verdicts if verdict is not None)
    ran = [verdict for verdict in counts if verdict.ran]
    chosen = max(ran or counts, key=lambda verdict: verdict.severity, default=None)
    return Cell(chosen, counts[chosen] if chosen else 0, counts.total())


def names(runs: Sequence[Run], limit: int = 40) -> list[str]:
    """Name the runs by runtime and version, numbered where two would have the same name."""
    plain = [line(f"{run.header.runtime.name} {run.header.runtime.version}", limit) for run in runs]
    counts = Counter(plain)
    return [
        f"{name} ({plain[: n + 1].count(name)})" if counts[name] > 1 else name
        for n, name in enumerate(plain)
    ]


def evidence(case: Case, limit: int) -> str:
    """Say why ``case`` came to its verdict in at most about ``limit`` characters.

    The reason, or what was recorded, and the operations that ended in a fault.
    """
    if case.verdict is Verdict.PASS:
        return ""
    recorded = json.dumps(case.recorded, ensure_ascii=False) if case.recorded else ""
    reason = case.reason or (recorded if case.verdict is Verdict.RECORDED else "")
    faults = [
        f"{o.name}: {outcome(o)}{': ' if o.stderr.strip() else ''}{line(o.stderr, limit // 4)}"
        for o in case.operations
        if o.fault and o.name != "cleanup"
    ][-FAULTS_SHOWN:]
    shown = faults if case.verdict not in {Verdict.RECORDED, Verdict.ADVICE} else []
    return clip("\n".join(part for part in (clip(reason, limit), *shown) if part), 2 * limit)
