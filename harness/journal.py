"""What happened in one case, as it is reported: operations, timeline, findings, records."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from harness.replay import Replay
from harness.results import OUTPUT_LIMIT, Finding, Moment, Operation


@dataclass
class Journal:
    """The evidence of one case while it runs. ``began`` is time.monotonic() at its start."""

    began: float = field(default_factory=time.monotonic)
    operations: list[Operation] = field(default_factory=list)
    timeline: list[Moment] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    recorded: dict[str, Any] = field(default_factory=dict)
    lent: int = 0
    """Operations that an earlier case has made for this one as well."""
    borrowed: float = 0.0
    """Seconds inside the runtime that they took."""
    replay: Replay = field(default_factory=Replay)
    """What a shell needs to do it again."""
    config: str | None = None
    """The last bundle's config.json."""

    def now(self) -> float:
        """Seconds since the case began."""
        return round(time.monotonic() - self.began, 6)

    def moment(self, kind: str, text: str) -> None:
        """Note on the timeline what is seen now."""
        self.timeline.append(Moment(self.now(), kind, text))

    def finding(self, clause: str, text: str) -> None:
        """Note what the inventory saw, for the clause that speaks of it."""
        self.findings.append(Finding(clause, text))

    @property
    def runtime_seconds(self) -> float:
        """Seconds spent inside the runtime during this case."""
        return sum(operation.seconds for operation in self.operations) - self.borrowed


def cut(text: str, limit: int = OUTPUT_LIMIT) -> str:
    """``text``, or its beginning and a note of how much is missing."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n[{len(text) - limit} characters more]"
