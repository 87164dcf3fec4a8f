"""A summary fit for the page of a CI job: bounded, and inert whatever a runtime printed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.results import Verdict
from reports.fenced import code, phrase
from reports.marks import MEANINGS, NEEDS_A_LOOK, SYMBOLS
from reports.text import clip, line, plural
from reports.verdict import COLUMNS, column, judge, release

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.results import Case, Run

BUDGET = 50_000
"""Bytes of lists of cases: a comment on a pull request takes 65,536 characters in all."""

TITLES = {
    Verdict.FAIL: "Failing",
    Verdict.UNSTABLE: "Unstable",
    Verdict.ERROR: "Errors of the suite or the host",
    Verdict.BLOCKED: "Blocked",
    Verdict.KNOWN: "Known deviations",
    Verdict.ADVICE: "SHOULD that does not hold",
}
"""Verdicts whose cases are listed, in this order; the first three unfolded."""


def render(run: Run) -> str:
    """Render the verdict, the counts by level, and the cases that somebody has to look at."""
    runtime = run.header.runtime
    title = f"{line(runtime.name, 40)} {line(runtime.version, 40)}"
    out = [f"## {code(title)}: {judge(run).outcome.value}", "", phrase(judge(run).sentences), ""]
    out += [*_table(run), *_problems(run)]
    room = BUDGET
    for verdict, heading in TITLES.items():
        cases = [case for case in run.cases if case.verdict is verdict]
        if cases:
            part = _part(heading, cases, room, opened=verdict in NEEDS_A_LOOK - {Verdict.BLOCKED})
            room -= sum(len(entry.encode()) + 1 for entry in part)
            out += part
    out += [
        f"Judged by {phrase(release(run))}, suite {phrase(line(run.header.suite_version, 40))}."
    ]
    return "\n".join([*out, ""])


def _table(run: Run) -> list[str]:
    shown = [verdict for verdict in SYMBOLS if run.counts[verdict]]
    if not shown:
        return []
    counts = Counter((column(case), case.verdict) for case in run.cases)
    levels = [name for name in COLUMNS if any(name == found for found, _ in counts)]
    out = [
        f"| verdict | {' | '.join(levels)} | all | |",
        "|---|" + "--:|" * (len(levels) + 1) + "---|",
    ]
    for verdict in shown:
        cells = [str(counts[level, verdict] or "") for level in levels]
        name = f"{SYMBOLS[verdict]} {verdict.value}"
        out.append(
            f"| {name} | {' | '.join(cells)} | {run.counts[verdict]} | {MEANINGS[verdict]} |"
        )
    return [*out, ""]


def _problems(run: Run) -> list[str]:
    if run.end is None:
        return []
    found = [*run.end.problems, *(f"left on the host: {leak}" for leak in run.end.leaks)]
    listed = [f"- {code(line(problem))}" for problem in found[:20]]
    more = [f"- and {len(found) - 20} more"] if len(found) > 20 else []  # noqa: PLR2004
    return [*listed, *more, ""] if found else []


def _part(heading: str, cases: Sequence[Case], room: int, *, opened: bool) -> list[str]:
    """List as many of ``cases`` as there is room for, in bytes; say how many are left out."""
    head = f"<details{' open' if opened else ''}><summary>{heading}: {len(cases)}</summary>"
    out: list[str] = []
    for number, case in enumerate(cases):
        entry = _item(case)
        room -= len(entry.encode()) + 1
        if room < 0:
            out.append(f"- and {plural(len(cases) - number, 'more case')} in results.jsonl")
            break
        out.append(entry)
    return [head, "", *out, "", "</details>", ""]


def _item(case: Case) -> str:
    clause = case.clauses[0] if case.clauses else "no clause"
    name = f"- {column(case)} {code(line(clause, 120))}: {code(line(case.case, 160))}"
    reason = line(clip(case.reason, 600), 200)
    return f"{name}\n  {code(reason)}" if reason else name
