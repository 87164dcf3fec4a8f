"""The verdict on a run, computed in one place: every format says the same sentence.

A clause is counted under the first clause of its case, the one that gives the case its level.
``conformant`` needs all of: a whole run, no MUST case that gates or is a known deviation, no error
of the suite, and at least one MUST clause seen to hold. What falls short without a failure is
``undecided``. Clauses of the engine profile are no part of the specification: they have a sentence
of their own (engine.py) and leave this one alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.results import Verdict
from reports import engine
from reports.text import line, plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.results import Case, Run

LEVELS = ("must", "should", "may")
COLUMNS = (*LEVELS, engine.PROFILE)
"""In which a report counts cases: those of the specification by level, and the others."""


def column(case: Case) -> str:
    """Return that of a case."""
    return case.level if case.of_the_specification else engine.PROFILE


class Outcome(StrEnum):
    """What a run as a whole came to."""

    CONFORMANT = "conformant"
    NOT_CONFORMANT = "not conformant"
    AS_EXPECTED = "known deviations"
    """Not conformant either, but every deviation is one that the expectation file describes."""
    UNDECIDED = "undecided"
    NOTHING_RUN = "nothing run"


@dataclass(frozen=True)
class Judgement:
    """The verdict on a run and what it rests on."""

    outcome: Outcome
    sentence: str
    failing: list[str]
    """MUST clauses with a case that failed."""
    known: list[str]
    """MUST clauses whose deviation is in the expectation file."""
    blocked: int
    """MUST cases that never came to the point."""
    errors: int
    """Cases of any level that ended in an error of the suite's own."""
    unstable: int
    """MUST cases that differ between repeats."""
    skipped: int
    """MUST cases that this host cannot run."""
    missing: int
    """Collected cases without a result."""
    engine: str = ""
    """The sentence about the engine profile; empty if that was not asked for."""

    @property
    def sentences(self) -> str:
        """Both sentences: of the specification, and of the engine profile if it was asked for."""
        return f"{self.sentence} {self.engine}".rstrip()


def judge(run: Run) -> Judgement:
    """Judge ``run``; its sentence starts with what makes the run less than whole."""
    cases = [case for case in run.cases if case.of_the_specification]
    must = [case for case in cases if case.level == "must"]
    counts = {v: sum(case.verdict is v for case in must) for v in Verdict}
    failing = _clauses(case for case in must if case.verdict is Verdict.FAIL)
    known = _clauses(case for case in must if case.verdict is Verdict.KNOWN)
    errors = sum(case.verdict is Verdict.ERROR for case in cases)
    missing = max(0, run.end.collected - len(run.cases)) if run.end else 0
    shortfalls = [
        *_some(counts[Verdict.BLOCKED], "MUST case", "is blocked", "are blocked"),
        *_some(errors, "case", "ended in an error of the suite", "ended in errors of the suite"),
        *_some(counts[Verdict.UNSTABLE], "MUST case", "is unstable", "are unstable"),
        *_some(missing, "collected case", "has no result", "have no result"),
    ]
    whole = run.end is not None and not run.end.interrupted and not run.header.partial
    if not any(case.verdict.ran for case in cases):
        outcome = Outcome.NOTHING_RUN
    elif failing:
        outcome = Outcome.NOT_CONFORMANT
    elif shortfalls or not whole or not counts[Verdict.PASS]:
        outcome = Outcome.UNDECIDED
    elif known:
        outcome = Outcome.AS_EXPECTED
    else:
        outcome = Outcome.CONFORMANT
    middle = _middle(run, outcome, failing or known, shortfalls, counts)
    sentence = _prefix(run) + middle + _tail(known, counts[Verdict.SKIP], outcome) + "."
    return Judgement(
        outcome,
        sentence[0].upper() + sentence[1:],
        failing,
        [clause for clause in known if clause not in failing],
        counts[Verdict.BLOCKED],
        errors,
        counts[Verdict.UNSTABLE],
        counts[Verdict.SKIP],
        missing,
        engine.sentence(run),
    )


def _clauses(cases: Iterable[Case]) -> list[str]:
    return list(dict.fromkeys(case.clauses[0] if case.clauses else case.case for case in cases))


def _some(count: int, noun: str, one: str, many: str) -> list[str]:
    return [f"{plural(count, noun)} {one if count == 1 else many}"] if count else []


def _prefix(run: Run) -> str:
    """Say what every reader has to know first."""
    marks = []
    if run.end is None:
        marks.append(f"cut off after {plural(len(run.cases), 'case')}")
    elif run.end.interrupted:
        marks.append(f"interrupted after {plural(len(run.cases), 'case')}")
    if run.header.partial:
        marks.insert(0, "partial run")
    return ", ".join(marks) + ": " if marks else ""


def release(run: Run) -> str:
    """Name what the run was judged by: ``OCI runtime-spec 1.2.1 (core, linux)``."""
    profiles = line(", ".join(p for p in run.header.profiles if p != engine.PROFILE), 80)
    version = line(run.header.runtime.spec_version, 40)
    return f"OCI runtime-spec {version}" + (f" ({profiles})" if profiles else "")


def _middle(
    run: Run,
    outcome: Outcome,
    failing: list[str],
    shortfalls: list[str],
    counts: dict[Verdict, int],
) -> str:
    if outcome is Outcome.NOTHING_RUN:
        return _idle(run)
    if outcome is Outcome.CONFORMANT:
        return f"conformant with {release(run)}"
    if outcome is Outcome.AS_EXPECTED:
        fails = _some(len(failing), "MUST clause", "fails", "fail")
        each = "a known deviation" if len(failing) == 1 else "each a known deviation"
        return f"not conformant with {release(run)}: {fails[0]}, {each}"
    if outcome is Outcome.NOT_CONFORMANT:
        fails = _some(len(failing), "MUST clause", "fails", "fail")
        return f"not conformant with {release(run)}: " + _listed([*fails, *shortfalls])
    unshown = f"conformance with {release(run)} is not shown: "
    if not counts[Verdict.PASS]:
        return unshown + _listed(["no MUST clause was seen to hold", *shortfalls])
    held = f"no MUST clause fails in the {plural(counts[Verdict.PASS], 'MUST case')} that passed"
    return unshown + ("no MUST clause fails, but " + _listed(shortfalls) if shortfalls else held)


def _idle(run: Run) -> str:
    if set(run.header.profiles) == {engine.PROFILE}:
        return "conformance with the specification was not judged"
    done = Counter(case.verdict for case in run.cases if case.of_the_specification)
    idle = ", ".join(f"{n} {v.value}" for v, n in done.items())
    return "nothing was run" + (f" ({idle})" if idle else "; no case was recorded")


def _tail(known: list[str], skipped: int, outcome: Outcome) -> str:
    if outcome is Outcome.NOTHING_RUN:
        return ""
    known = [] if outcome is Outcome.AS_EXPECTED else known
    deviations = f", with {plural(len(known), 'known deviation')}" if known else ""
    skips = "; " + _some(skipped, "MUST case", "was skipped", "were skipped")[0] if skipped else ""
    return deviations + skips


def _listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]
