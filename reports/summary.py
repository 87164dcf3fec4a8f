"""The summary that a terminal shows at the end of a run: sections, levels, verdict."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reports import engine
from reports.marks import SYMBOLS
from reports.specification import sections
from reports.text import line
from reports.verdict import COLUMNS, column, judge, release

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.results import Case, Run, Verdict

_NAME_WIDTH = 44


def render(run: Run) -> str:
    """Render plain text: a line a section with counts by verdict, totals by level, one sentence."""
    runtime = run.header.runtime
    title = f"{line(runtime.name, 40)} {line(runtime.version, 40)}, {release(run)}"
    table = _table(run) if run.cases else []
    return "\n".join(
        [title, "", *table, *([""] if table else []), *_sentences(run), *_problems(run), ""]
    )


def _sentences(run: Run) -> list[str]:
    judgement = judge(run)
    return [judgement.sentence, *([judgement.engine] if judgement.engine else [])]


def _table(run: Run) -> list[str]:
    shown = [verdict for verdict in SYMBOLS if run.counts[verdict]]
    head = ["section", "cases", *(verdict.value for verdict in shown)]
    by_section = [
        _row(line(section.name, _NAME_WIDTH), section.cases, shown)
        for section in sections(run)
        if section.cases[0].of_the_specification or engine.PROFILE in run.header.profiles
    ]
    found = {column(case) for case in run.cases}
    columns = [
        *(c for c in COLUMNS if c in found or c != engine.PROFILE),
        *sorted(found - {*COLUMNS}),
    ]
    by_level = [
        _row(line(name, _NAME_WIDTH), [case for case in run.cases if column(case) == name], shown)
        for name in columns
    ]
    total = _row("total", run.cases, shown)
    rows = [head, *by_section, *by_level, total]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [_aligned(row, widths) for row in rows]
    rule = "-" * len(lines[0])
    split = 1 + len(by_section)
    return [lines[0], rule, *lines[1:split], rule, *lines[split:]]


def _row(name: str, cases: Iterable[Case], shown: Sequence[Verdict]) -> list[str]:
    counts = Counter(case.verdict for case in cases)
    return [name, str(counts.total()), *(str(counts[verdict] or "-") for verdict in shown)]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    name, *numbers = row
    cells = [number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)]
    return "  ".join([name.ljust(widths[0]), *cells])


def _problems(run: Run) -> list[str]:
    """Say what turns the gate red beyond verdicts, and what was left on the host."""
    if run.end is None:
        return []
    leaks = [f"left on the host: {leak}" for leak in run.end.leaks]
    return [f"  {line(text)}" for text in (*run.end.problems, *leaks)]
