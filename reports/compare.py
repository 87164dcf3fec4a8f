"""Several runs on one self-contained page: clauses as rows, runs as columns, evidence a click away.

It is made like report.html: text of the runs passes the same gate, and the page's policy allows our
own css and js by their digest alone. Columns are told apart by name in every cell, not by place.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from harness.faults import ResultsError
from reports.across import evidence, names, parts
from reports.html import _digest, _environment, _static
from reports.marks import SYMBOLS
from reports.text import line, plural, slug
from reports.verdict import LEVELS, Judgement, judge, release

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.results import Run, Verdict
    from reports.across import Across, Cell, Part, Row

BUDGET = 2_900_000
"""Bytes that a page of up to 10,500 results (five runs of 2100 cases) may take."""

BUDGET_OF_A_RESULT = 270
"""Bytes more for each further case of each run."""

MOST_RUNS = 20
"""Runs that a page can show: more columns nobody can read."""


@dataclass(frozen=True)
class Limits:
    """How much of each case the page shows; the whole is in each results.jsonl."""

    reason: int
    """Characters of why a case came to its verdict, about; 0: none."""
    name: int
    """Characters of a summary or the id of a case or clause."""


LIMITS = (
    Limits(reason=800, name=300),
    Limits(reason=300, name=300),
    Limits(reason=120, name=200),
    Limits(reason=40, name=120),
    Limits(reason=0, name=60),
)
"""Tried in this order until the page is small enough."""


@dataclass(frozen=True)
class Column:
    """One run."""

    name: str
    run: Run
    judgement: Judgement
    release: str


@dataclass(frozen=True)
class Same:
    """What one case came to in some of the runs, for the same reason."""

    verdict: Verdict | None
    """None: not in these runs."""
    runs: str
    """Names of the runs; empty if it is so in all."""
    text: str


@dataclass(frozen=True)
class Shown:
    """A row as the page shows it."""

    row: Row
    slug: str
    clause: str
    summary: str
    cells: list[Cell]
    verdicts: str
    """Those of the cells, once each, for the page's script."""
    cases: list[tuple[str, list[Same]]]
    """Id of each case with what it came to."""


@dataclass(frozen=True)
class Sheet:
    """Everything that the template needs."""

    columns: list[Column]
    parts: list[tuple[Part, str, list[Shown]]]
    """Each with the fragment identifier of its heading."""
    sentence: str
    totals: list[Verdict]
    """Verdicts of the cases of any run."""
    verdicts: list[tuple[Verdict, int]]
    """Verdicts that occur, with the number of clauses that have them in some run."""
    levels: list[tuple[str, int]]
    differ: int
    differ_where_run: int


def render(runs: Sequence[Run]) -> str:
    """Render the page, with less evidence where there is very much; two runs or more."""
    if len(runs) > MOST_RUNS:
        raise ResultsError(f"compare: {len(runs)} runs; a page shows at most {MOST_RUNS}")
    several = parts(runs)
    results = sum(len(run.cases) for run in runs)
    budget = BUDGET + BUDGET_OF_A_RESULT * max(0, results - 10_500)
    page = ""
    for limits in LIMITS:
        page = _render(runs, several, limits)
        if len(page.encode()) <= budget:
            break
    return page


def _render(runs: Sequence[Run], several: Sequence[Part], limits: Limits) -> str:
    width = f":root {{ --runs: {len(runs)}; }}\n"
    css, js = (
        _static("report.css") + _static("compare.css") + width,
        _static("page.js") + _static("compare.js"),
    )
    return (
        _environment()
        .get_template("compare.html.j2")
        .render(
            sheet=_sheet(runs, several, limits),
            css=Markup(css),  # noqa: S704 - our own files
            js=Markup(js),  # noqa: S704 - our own file
            css_digest=_digest(css),
            js_digest=_digest(js),
        )
    )


def _sheet(runs: Sequence[Run], several: Sequence[Part], limits: Limits) -> Sheet:
    labels = names(runs)
    seen: Counter[str] = Counter()
    shown = [[_shown(row, labels, limits, seen) for row in part.rows] for part in several]
    rows = [row for part in several for row in part.rows]
    differ = sum(row.differs for row in rows)
    where_run = sum(row.differs_where_run for row in rows)
    cells = Counter(v for some in shown for one in some for v in {c.verdict for c in one.cells})
    levels = Counter(row.level for row in rows)
    places = [_unique("section-" + slug(part.name), seen) for part in several]
    sentence = (
        f"{plural(len(rows), 'clause')} in {plural(len(runs), 'run')}: {differ} with verdicts that "
        f"differ, {where_run} of them among the runs that ran the case."
    )
    columns = [
        Column(n, run, judge(run), release(run)) for n, run in zip(labels, runs, strict=True)
    ]
    return Sheet(
        columns=columns,
        parts=list(zip(several, places, shown, strict=True)),
        sentence=sentence,
        totals=[verdict for verdict in SYMBOLS if any(run.counts[verdict] for run in runs)],
        verdicts=[(verdict, cells[verdict]) for verdict in SYMBOLS if cells[verdict]],
        levels=[(level, levels[level]) for level in LEVELS if levels[level]],
        differ=differ,
        differ_where_run=where_run,
    )


def _shown(row: Row, labels: Sequence[str], limits: Limits, seen: Counter[str]) -> Shown:
    return Shown(
        row=row,
        slug=_unique(slug(row.clause), seen),
        clause=line(row.clause, min(limits.name, 120)),
        summary=line(row.summary, limits.name) or line(row.clause, limits.name),
        cells=(cells := row.cells),
        verdicts=" ".join(dict.fromkeys(c.verdict.value if c.verdict else "none" for c in cells)),
        cases=[(line(a.case, limits.name), _same(a, labels, limits.reason)) for a in row.cases],
    )


def _same(across: Across, labels: Sequence[str], limit: int) -> list[Same]:
    """Put runs together that came to the same for the same reason."""
    found: dict[tuple[Verdict | None, str], list[str]] = {}
    for case, label in zip(across.results, labels, strict=True):
        text = evidence(case, limit) if case and limit else ""
        found.setdefault((case.verdict if case else None, text), []).append(label)
    return [
        Same(verdict, "" if len(some) == len(labels) else ", ".join(some), text)
        for (verdict, text), some in found.items()
    ]


def _unique(name: str, seen: Counter[str]) -> str:
    seen[name] += 1
    return name if seen[name] == 1 else f"{name}-again-{seen[name]}"
