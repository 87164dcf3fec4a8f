"""One case on its way through pytest's phases, and the Case that comes out at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.journal import Journal, cut
from harness.results import Case, Verdict, dumps
from harness.verdicts import Judgement

if TYPE_CHECKING:
    from harness.clauses import Clause

CONFIG_LIMIT = 16384
DETAILS_LIMIT = 8192
REPLAY_LIMIT = 65536
"""Characters of JSON: a case that has done more has no repro."""

SHOWN = frozenset(
    {
        Verdict.FAIL,
        Verdict.BLOCKED,
        Verdict.ERROR,
        Verdict.UNSTABLE,
        Verdict.ADVICE,
        Verdict.KNOWN,
    }
)
"""Verdicts of which somebody will want to see for themselves what happened."""


@dataclass
class Progress:
    """A case between its collection and its record."""

    case: str
    clauses: list[Clause]
    journal: Journal = field(default_factory=Journal)
    judgement: Judgement = field(default_factory=lambda: Judgement(Verdict.PASS))
    details: str = ""

    @property
    def level(self) -> str:
        """The strongest level of its clauses."""
        levels = {c.level for c in self.clauses}
        return next(level for level in ("must", "should", "may") if level in levels)

    def note(self, judgement: Judgement, details: str = "") -> None:
        """Take over a phase's judgement if it is worse than what was known."""
        if judgement.verdict.severity >= self.judgement.verdict.severity:
            self.judgement = judgement
            self.details = details

    def _replay(self) -> dict[str, Any] | None:
        document = self.journal.replay.document()
        return document if len(dumps(document)) <= REPLAY_LIMIT else None

    def finish(self, worker: str) -> Case:
        """Return the record of the case."""
        verdict = self.judgement.verdict
        if verdict is Verdict.PASS and self.level == "may" and self.journal.recorded:
            verdict = Verdict.RECORDED
        first = self.clauses[0]
        shown = verdict not in {Verdict.PASS, Verdict.RECORDED}
        return Case(
            case=self.case,
            clauses=[c.id for c in self.clauses],
            verdict=verdict,
            level=self.level,
            section=first.anchor,
            since=first.since,
            summary=first.summary,
            reason=cut(self.judgement.reason, DETAILS_LIMIT),
            seconds=self.journal.now(),
            runtime_seconds=round(self.journal.runtime_seconds, 6),
            operations=self.journal.operations,
            timeline=self.journal.timeline,
            recorded=self.journal.recorded,
            findings=self.journal.findings,
            blocked_by=self.judgement.blocked_by,
            config=cut(self.journal.config or "", CONFIG_LIMIT) if shown else None,
            details=cut(self.details, DETAILS_LIMIT),
            worker=worker,
            replay=self._replay() if verdict in SHOWN else None,
        )


def case_id(nodeid: str) -> str:
    """Return the id relative to suites/, the same from a clone and from a wheel."""
    path, colons, name = nodeid.partition("::")
    return path.rpartition("suites/")[2] + colons + name


def lost(case: str, reason: str) -> Case:
    """Return the record of a case that has none because the process that ran it died."""
    return Case(
        case=case,
        clauses=[],
        verdict=Verdict.ERROR,
        level="must",
        section="",
        since="",
        summary="",
        reason=reason,
    )
