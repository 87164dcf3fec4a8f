"""What report.html shows, worked out before the template sees it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.results import Verdict
from reports.marks import NEEDS_A_LOOK, SYMBOLS
from reports.specification import Section, link, sections
from reports.text import clip, line, parameters, slug
from reports.verdict import LEVELS, Judgement, judge, release

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.results import Case, Operation, Run


@dataclass(frozen=True)
class Limits:
    """How much evidence of one case a page shows; the whole is in results.jsonl."""

    passed: int
    """Characters of each output of a case that needs no look."""
    other: int
    """Characters of each output of one that does, and of its reason."""
    details: int
    """Characters of a traceback."""
    config: int
    """Characters of a config.json."""
    rows: int
    """Operations, moments, findings and recorded values, each."""
    argv: int = 1000
    """Characters of a command line."""

    def least(self, case: Case) -> int:
        """Return how many bytes a page takes at least for what the runtime printed in ``case``."""
        limit = self.other if case.verdict in NEEDS_A_LOOK else self.passed
        texts = (text for o in case.operations[-self.rows :] for text in (o.stdout, o.stderr))
        return sum(min(len(text), limit) * (1 if text.isascii() else 2) for text in texts)


LIMITS = (
    Limits(passed=1200, other=4200, details=8000, config=16_000, rows=100),
    Limits(passed=400, other=2000, details=4000, config=8000, rows=40),
    Limits(passed=160, other=600, details=1000, config=2000, rows=20, argv=400),
    Limits(passed=60, other=150, details=200, config=200, rows=5, argv=150),
)
"""Tried in this order until the page is small enough."""


@dataclass(frozen=True)
class Entry:
    """A case as a page shows it."""

    case: Case
    slug: str
    title: str
    parameters: str
    link: str
    open: bool
    outputs: int
    """Characters of each output that are shown."""


@dataclass(frozen=True)
class Bar:
    """A part of a meter, in per cent of its width."""

    verdict: Verdict
    count: int
    start: float
    width: float


@dataclass(frozen=True)
class Level:
    """One level with its counts."""

    name: str
    counts: Counter[Verdict]
    bars: list[Bar]


@dataclass(frozen=True)
class Group:
    """Cases that share why they are shown at the top."""

    title: str
    reason: str
    entries: list[Entry]


@dataclass(frozen=True)
class Page:
    """Everything the template needs."""

    run: Run
    judgement: Judgement
    release: str
    counts: list[tuple[Verdict, int]]
    levels: list[Level]
    documents: list[tuple[str, list[tuple[Section, str, list[Entry]]]]]
    failing: list[Entry]
    blocked: list[Group]
    errors: list[Entry]
    known: list[Entry]
    limits: Limits

    @classmethod
    def of(cls, run: Run, limits: Limits) -> Page:
        """Work out the page of ``run`` with evidence cut to ``limits``."""
        parts = [(s, _entries(run, s.cases, limits)) for s in sections(run)]
        entries = _unique([entry for _, several in parts for entry in several])
        documents: dict[str, list[tuple[Section, str, list[Entry]]]] = {}
        rest = iter(entries)
        for section, several in parts:
            shown = [next(rest) for _ in several]
            place = "section-" + slug(section.name)
            documents.setdefault(section.document, []).append((section, place, shown))
        names = [name for name in LEVELS if any(case.level == name for case in run.cases)]
        return cls(
            run=run,
            judgement=judge(run),
            release=release(run),
            counts=[(v, run.counts[v]) for v in SYMBOLS if run.counts[v]],
            levels=[_level(name, run.cases) for name in names],
            documents=list(documents.items()),
            failing=_with(entries, Verdict.FAIL, Verdict.UNSTABLE),
            blocked=_groups(_with(entries, Verdict.BLOCKED)),
            errors=_with(entries, Verdict.ERROR),
            known=_with(entries, Verdict.KNOWN),
            limits=limits,
        )

    def operations(self, entry: Entry) -> list[Operation]:
        """Return the operations of a case that are shown: the last ones matter most."""
        return entry.case.operations[-self.limits.rows :]


def _entries(run: Run, cases: Iterable[Case], limits: Limits) -> list[Entry]:
    version = run.header.runtime.spec_version
    return [
        Entry(
            case=case,
            slug=slug(case.case),
            title=line(case.summary) or line(case.case),
            parameters=line(parameters(case.case), 120),
            link=link(case, version),
            open=case.verdict in NEEDS_A_LOOK,
            outputs=limits.other if case.verdict in NEEDS_A_LOOK else limits.passed,
        )
        for case in cases
    ]


def _unique(entries: list[Entry]) -> list[Entry]:
    """Make the slugs differ even where a case was recorded twice."""
    seen: Counter[str] = Counter()
    out = []
    for entry in entries:
        seen[entry.slug] += 1
        again = seen[entry.slug]
        out.append(
            entry
            if again == 1
            else Entry(**{**vars(entry), "slug": f"{entry.slug}-again-{again}"}),
        )
    return out


def _with(entries: Iterable[Entry], *verdicts: Verdict) -> list[Entry]:
    return [entry for entry in entries if entry.case.verdict in verdicts]


def _groups(entries: Iterable[Entry]) -> list[Group]:
    """Group blocked cases by the one operation that failed, the largest group first."""
    by_operation: dict[str, list[Entry]] = {}
    for entry in entries:
        by_operation.setdefault(entry.case.blocked_by, []).append(entry)
    return [
        Group(line(name, 80) or "an operation", clip(several[0].case.reason, 400), several)
        for name, several in sorted(by_operation.items(), key=lambda item: -len(item[1]))
    ]


def _level(name: str, cases: Iterable[Case]) -> Level:
    counts = Counter(case.verdict for case in cases if case.level == name)
    bars = []
    start = 0.0
    for verdict in SYMBOLS:
        if counts[verdict]:
            width = 100 * counts[verdict] / counts.total()
            bars.append(Bar(verdict, counts[verdict], round(start, 3), round(width, 3)))
            start += width
    return Level(name, counts, bars)
