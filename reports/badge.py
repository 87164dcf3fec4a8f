"""A badge: the endpoint JSON that badge services read, written where a web server shows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reports.text import line, plural
from reports.verdict import Judgement, Outcome, judge

if TYPE_CHECKING:
    from harness.results import Run

COLORS = {
    Outcome.CONFORMANT: "brightgreen",
    Outcome.AS_EXPECTED: "yellow",
    Outcome.NOT_CONFORMANT: "red",
    Outcome.UNDECIDED: "orange",
    Outcome.NOTHING_RUN: "lightgrey",
}
"""Only a whole run in which every MUST clause held is green."""


def render(run: Run) -> str:
    """Render one line of JSON with schemaVersion, label, message and color."""
    judgement = judge(run)
    badge = {
        "schemaVersion": 1,
        "label": f"OCI runtime-spec {line(run.header.runtime.spec_version, 20)}",
        "message": _message(run, judgement),
        "color": COLORS[judgement.outcome],
    }
    return json.dumps(badge, ensure_ascii=False) + "\n"


def _message(run: Run, judgement: Judgement) -> str:
    short = _short(run)
    if judgement.outcome is Outcome.NOT_CONFORMANT:
        count = len(judgement.failing)
        fails = f"{plural(count, 'MUST clause')} {'fails' if count == 1 else 'fail'}"
        return f"{fails} ({short})" if short else fails
    if judgement.outcome is Outcome.AS_EXPECTED:
        return plural(len(judgement.known), "known deviation")
    if judgement.outcome is Outcome.UNDECIDED:
        return f"not shown: {short or _shortfall(judgement)}"
    return f"{judgement.outcome.value} ({short})" if short else judgement.outcome.value


def _short(run: Run) -> str:
    """Say what makes the run less than whole."""
    if run.end is None:
        return "cut off"
    if run.end.interrupted:
        return "interrupted"
    return "partial run" if run.header.partial else ""


def _shortfall(judgement: Judgement) -> str:
    shortfalls = {
        "error": judgement.errors,
        "blocked case": judgement.blocked,
        "unstable case": judgement.unstable,
        "missing result": judgement.missing,
    }
    found = [plural(count, noun) for noun, count in shortfalls.items() if count]
    return found[0] if found else "nothing held"
