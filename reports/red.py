"""Why a run is red, in at most three lines: what is new, the first of it, and where to look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.results import Verdict
from reports.expected import expected_and_seen
from reports.text import line, plural

if TYPE_CHECKING:
    from harness.results import Case, Run

NAMED = 3
"""Clauses that the first line names."""

NOUNS = {
    Verdict.ERROR: ("error of the suite", "errors of the suite"),
    Verdict.FAIL: ("new failure", "new failures"),
    Verdict.UNSTABLE: ("unstable case", "unstable cases"),
    Verdict.BLOCKED: ("blocked case", "blocked cases"),
    Verdict.ADVICE: ("advice (--gate should)",) * 2,
}
"""What turns a run red, worst first."""


def lines(run: Run, page: str, gate: str = "must") -> list[str]:
    """Return the lines; none for a run whose exit status is 0, or in which nothing ran.

    ``page`` is the path of the report, ``gate`` the lowest level that decides.
    """
    if run.end is None or run.end.exit_status not in {1, 3}:
        return []
    nouns = {v: noun for v, noun in NOUNS.items() if v is not Verdict.ADVICE or gate == "should"}
    bad = {verdict: [c for c in run.cases if c.verdict is verdict] for verdict in nouns}
    counts = [f"{len(c)} {nouns[verdict][len(c) > 1]}" for verdict, c in bad.items() if c]
    others = [*run.end.leaks, *run.end.problems]
    counts += [plural(len(others), "problem")] if others else []
    first = next((cases for cases in bad.values() if cases), [])
    named = list(dict.fromkeys(case.clauses[0] for case in first if case.clauses))
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    about = f": {', '.join(line(name, 80) for name in named[:NAMED])}{more}" if named else ""
    second = _first(first[0]) if first else line(others[0], 240) if others else ""
    return [f"red: {', '.join(counts)}{about}", f"first: {second}", f"report: {page}"]


def _first(case: Case) -> str:
    told = expected_and_seen(case)
    why = f"expected {line(told[0], 100)}; seen {line(told[1], 100)}" if told else case.reason
    return f"{line(case.case, 140)}: {line(why, 240)}"
