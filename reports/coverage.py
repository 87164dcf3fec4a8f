"""What a run says something about, and what not and why."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from harness.results import Verdict
from reports.text import line

if TYPE_CHECKING:
    from harness.results import Run

CATALOGUE = Path(__file__).parents[1] / "suites" / "clauses"

_TABLE = re.compile(r"^(?=\[)", re.MULTILINE)

ROWS = 60
"""Reasons that a report shows of each kind."""


@dataclass(frozen=True)
class Reasons:
    """Cases that did not run, by why, the most frequent reason first."""

    cases: int
    shown: list[tuple[str, int]]
    left_out: int
    """Reasons that are not shown."""


@dataclass(frozen=True)
class Coverage:
    """How far the verdict of a run reaches."""

    clauses: int
    """Clauses with a case that ran."""
    cases: int
    """Cases that ran."""
    not_applicable: Reasons
    skipped: Reasons
    untestable: list[tuple[str, str]]
    """Clauses of the catalogue that no case can show false, and why; of any release."""


def coverage(run: Run) -> Coverage:
    """Measure ``run``; the untestable clauses come from the catalogue beside this program."""
    ran = [case for case in run.cases if case.verdict.ran]
    return Coverage(
        clauses=len({clause for case in ran for clause in case.clauses}),
        cases=len(ran),
        not_applicable=_reasons(run, Verdict.NOT_APPLICABLE),
        skipped=_reasons(run, Verdict.SKIP),
        untestable=_untestable(),
    )


def _reasons(run: Run, verdict: Verdict) -> Reasons:
    texts = Counter(line(c.reason) or "no reason" for c in run.cases if c.verdict is verdict)
    shown = texts.most_common(ROWS)
    return Reasons(texts.total(), shown, len(texts) - len(shown))


@cache
def _untestable() -> list[tuple[str, str]]:
    texts = [path.read_text(encoding="utf-8") for path in sorted(CATALOGUE.glob("*.toml"))]
    # To parse all of the catalogue takes 0.1 s, and every run ends in a report.
    tables = [table for text in texts for table in _TABLE.split(text) if "\nuntestable" in table]
    return [
        (id_, str(clause["untestable"]))
        for table in tables
        for id_, clause in tomllib.loads(table).items()
    ]
