"""The engine profile in a report: what engines need beyond the specification, counted apart."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.results import Verdict
from reports.text import plural

if TYPE_CHECKING:
    from harness.results import Case, Run

PROFILE = "engine"

_SHORT = {
    Verdict.BLOCKED: ("is blocked", "are blocked"),
    Verdict.ERROR: ("ended in an error of the suite", "ended in errors of the suite"),
    Verdict.UNSTABLE: ("is unstable", "are unstable"),
}


def cases(run: Run) -> list[Case]:
    """Return its cases, where the run was asked for it."""
    asked = PROFILE in run.header.profiles
    return [case for case in run.cases if asked and not case.of_the_specification]


def sentence(run: Run) -> str:
    """Say what came of it; empty if the run was not asked for it."""
    must = [case for case in cases(run) if case.level == "must"]
    if not must:
        return ""
    counts = Counter(case.verdict for case in must)
    failing = _clauses(must, Verdict.FAIL)
    known = _clauses(must, Verdict.KNOWN) - failing
    held = _clauses(must, Verdict.PASS) - failing - known
    parts = [f"{plural(len(held), 'clause')} {_verb(held, 'holds', 'hold')}"] if held else []
    if failing:
        parts.append(f"{plural(len(failing), 'clause')} {_verb(failing, 'fails', 'fail')}")
    if known:
        verb = _verb(known, "is a known deviation", "are known deviations")
        parts.append(f"{plural(len(known), 'clause')} {verb}")
    for verdict, (one, many) in _SHORT.items():
        if counts[verdict]:
            parts.append(
                f"{plural(counts[verdict], 'case')} {one if counts[verdict] == 1 else many}"
            )
    if counts[Verdict.SKIP]:
        verb = "was skipped" if counts[Verdict.SKIP] == 1 else "were skipped"
        parts.append(f"{plural(counts[Verdict.SKIP], 'case')} {verb}")
    said = ", ".join(parts) or "nothing was run"
    return f"What engines need beyond the specification: {said}."


def _clauses(several: list[Case], verdict: Verdict) -> set[str]:
    return {(case.clauses or [case.case])[0] for case in several if case.verdict is verdict}


def _verb(several: set[str], one: str, many: str) -> str:
    return one if len(several) == 1 else many
