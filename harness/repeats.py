"""``--repeat N``: each case N times, and what differs between them is shown, never averaged."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from _pytest.runner import runtestprotocol

from harness.results import Case, Moment, Verdict, case_from, dumps

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest


def protocol(item: pytest.Item, nextitem: pytest.Item | None, times: int) -> None:
    """Run a case so many times, each from the beginning, and report the worst run of it.

    What cases share is made anew for each run. The report of its teardown carries one record.
    """
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    runs: list[list[pytest.TestReport]] = []
    for number in range(1, times + 1):
        # Without a next item everything is torn down, modules too.
        following = nextitem if number == times else None
        runs.append(runtestprotocol(item, nextitem=following, log=False))
    cases = [_record(reports) for reports in runs]
    case = merge(cases)
    chosen = runs[cases.index(worst(cases))]
    for report in chosen:
        _mark(report, case)
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


def _record(reports: Sequence[pytest.TestReport]) -> Case:
    last = reports[-1]
    text = getattr(last, "conformance", "")
    return case_from(text) if text else cast("Case", vars(last)["case"])


def _mark(report: pytest.TestReport, case: Case) -> None:
    """Have pytest show what the runs came to together."""
    carried = vars(report)
    if "conformance" in carried:
        carried["conformance"] = dumps(vars(case))
    elif "case" in carried:
        carried["case"] = case
    decided = report.when == "call" or not report.passed
    if case.verdict is Verdict.UNSTABLE and decided:
        report.outcome = "failed"
        report.longrepr = case.reason
        carried.pop("wasxfail", None)
        carried["verdict"] = case.verdict.value


def worst(cases: Sequence[Case]) -> Case:
    """Return the first of those with the worst verdict."""
    return max(cases, key=lambda case: case.verdict.severity)


def merge(cases: Sequence[Case]) -> Case:
    """Make one record of several runs of a case, each of which ended in one of its own.

    Where the verdicts are the same it is the last one's. Where they differ it is unstable (error if
    one of them is ours), and has the evidence of the first run with each of them.
    """
    counts = Counter(case.verdict for case in cases)
    took: dict[str, Any] = {
        "seconds": round(sum(case.seconds for case in cases), 6),
        "runtime_seconds": round(sum(case.runtime_seconds for case in cases), 6),
        "repeats": {verdict.value: count for verdict, count in counts.items()},
    }
    if len(counts) == 1:
        return replace(cases[-1], **took)
    shown = [next(n for n, case in enumerate(cases) if case.verdict is v) for v in counts]
    return replace(
        worst(cases),
        **took,
        verdict=Verdict.ERROR if Verdict.ERROR in counts else Verdict.UNSTABLE,
        reason=_reason(counts, [cases[n] for n in shown]),
        operations=[operation for n in shown for operation in cases[n].operations],
        timeline=[moment for n in shown for moment in _timeline(n + 1, cases[n])],
        findings=[finding for n in shown for finding in cases[n].findings],
    )


def _timeline(number: int, case: Case) -> list[Moment]:
    """Return the timeline of one run, which begins and ends by saying so: its clock is its own."""
    begun = Moment(0.0, "program", f"run {number} begins")
    ended = Moment(case.seconds, "program", f"run {number} ends: {case.verdict}")
    return [begun, *case.timeline, ended]


def _reason(counts: Counter[Verdict], shown: Sequence[Case]) -> str:
    said = ", ".join(f"{verdict} {count} of {counts.total()}" for verdict, count in counts.items())
    reasons = [f"{case.verdict}: {case.reason or 'it held'}" for case in shown]
    return "\n".join([f"the verdict differs between runs: {said}", *reasons])
