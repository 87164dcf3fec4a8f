"""From what pytest saw of one phase of a case to a verdict: the table of docs/verdicts.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.faults import HostLacks, NotClaimed, NotShown, RuntimeFault, Unsupported
from harness.results import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.clauses import Clause


@dataclass(frozen=True)
class Judgement:
    """A verdict with its reason; ``blocked_by`` names the operation that failed instead."""

    verdict: Verdict
    reason: str = ""
    blocked_by: str = ""


_NOTHING_TO_SHOW = {
    HostLacks: Verdict.SKIP,
    NotClaimed: Verdict.NOT_APPLICABLE,
    Unsupported: Verdict.RECORDED,
}


def judge(error: BaseException, when: str, clauses: Sequence[Clause], level: str) -> Judgement:
    """Judge a phase (setup, call or teardown) that ended in ``error``."""
    if isinstance(error, RuntimeFault | NotShown) and when != "teardown":
        name = error.operation if isinstance(error, NotShown) else error.operation.name
        about = any(name in c.operations and not c.demands_error for c in clauses)
        if error.control or not about:
            return Judgement(Verdict.BLOCKED, str(error), name)
        return Judgement(_failed(level), str(error))
    for kind, verdict in _NOTHING_TO_SHOW.items():
        if isinstance(error, kind):
            return Judgement(verdict, str(error))
    if isinstance(error, AssertionError) and when == "call":
        return Judgement(_failed(level), str(error) or "the assertion does not hold")
    return Judgement(Verdict.ERROR, f"{type(error).__name__}: {error}")


def _failed(level: str) -> Verdict:
    # A runtime is free in what it may do, but not to contradict itself: that fails as well.
    return Verdict.ADVICE if level == "should" else Verdict.FAIL
