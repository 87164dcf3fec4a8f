"""What report.html shows, worked out before the template sees it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.results import Verdict
from reports.coverage import Coverage, coverage
from reports.expected import expected_and_seen, told
from reports.killed import killed
from reports.marks import SYMBOLS
from reports.specification import Section, link, sections
from reports.text import clip, line, parameters, slug
from reports.verdict import COLUMNS, Judgement, column, judge, release

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.results import Case, Run


SHOWN = 240
"""Characters of a line about why a case is no pass."""


@dataclass(frozen=True)
class Entry:
    """A case as a page shows it."""

    case: Case
    column: str
    """must, should, may, or engine."""
    slug: str
    title: str
    parameters: str
    link: str
    """Of its clause in the specification; empty if there is none."""
    expected: str
    seen: str
    """What the clause demands and what came instead; both empty where nothing deviates."""
    why: str
    """In a line, why it is no pass, where ``seen`` does not say it."""
    told: bool
    """Whether these say all that the case's reason says."""
    killed: tuple[str, ...]
    """Mutants that it is known to have failed on."""


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
    entries: list[Entry]
    """In the order of the page."""
    coverage: Coverage
    releases: list[tuple[str, int]]
    """Releases in which clauses first stood, with how many cases check these."""

    @classmethod
    def of(cls, run: Run) -> Page:
        """Work out the page of ``run``."""
        parts = [(s, list(_entries(run, s.cases))) for s in sections(run)]
        entries = _unique([entry for _, several in parts for entry in several])
        documents: dict[str, list[tuple[Section, str, list[Entry]]]] = {}
        rest = iter(entries)
        for section, several in parts:
            shown = [next(rest) for _ in several]
            place = "section-" + slug(section.name)
            documents.setdefault(section.document, []).append((section, place, shown))
        names = [name for name in COLUMNS if any(column(case) == name for case in run.cases)]
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
            entries=entries,
            coverage=coverage(run),
            releases=sorted(Counter(line(case.since, 40) for case in run.cases).items()),
        )


def _entries(run: Run, cases: Iterable[Case]) -> Iterator[Entry]:
    version = run.header.runtime.spec_version
    for case in cases:
        expected, seen = expected_and_seen(case) or ("", "")
        quiet = case.verdict is Verdict.KNOWN or not seen
        yield Entry(
            case=case,
            column=column(case),
            slug=slug(case.case),
            title=line(case.summary) or line(case.case),
            parameters=line(parameters(case.case), 120),
            link=link(case, version),
            expected=line(expected, SHOWN),
            seen=line(seen, SHOWN),
            why=line(case.reason.rpartition("\nseen: ")[0] or case.reason, SHOWN) if quiet else "",
            told=told(case, SHOWN),
            killed=tuple(killed().get(case.case, ())),
        )


def _unique(entries: list[Entry]) -> list[Entry]:
    """Make the slugs differ even where a case was recorded twice."""
    seen: Counter[str] = Counter()
    out = []
    for entry in entries:
        seen[entry.slug] += 1
        again = seen[entry.slug]
        out.append(
            entry if again == 1 else replace(entry, slug=f"{entry.slug}-again-{again}"),
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
    counts = Counter(case.verdict for case in cases if column(case) == name)
    bars = []
    start = 0.0
    for verdict in SYMBOLS:
        if counts[verdict]:
            width = 100 * counts[verdict] / counts.total()
            bars.append(Bar(verdict, counts[verdict], round(start, 3), round(width, 3)))
            start += width
    return Level(name, counts, bars)
