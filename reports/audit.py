"""Skip audit: what never ran and what it needs, best over a run merged of all lanes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.results import Verdict
from reports.text import line, plural
from reports.verdict import release

if TYPE_CHECKING:
    from harness.results import Case, Run


def render(run: Run) -> str:
    """List the cases that no lane ran, under the need that was missing."""
    skipped = [case for case in run.cases if case.verdict is Verdict.SKIP]
    needs: dict[str, list[Case]] = {}
    for case in skipped:
        needs.setdefault(line(case.reason.partition("\n")[0]) or "no reason", []).append(case)
    ran = Counter(line(case.lane) for case in run.cases if case.verdict.ran)
    runtime = run.header.runtime
    lines = [f"{line(runtime.name, 40)} {line(runtime.version, 40)}, {release(run)}", ""]
    lines += [f"{plural(sum(ran.values()), 'case')} of {len(run.cases)} ran{_by_lane(ran)}"]
    if apart := sum(case.verdict is Verdict.NOT_APPLICABLE for case in run.cases):
        lines.append(f"{plural(apart, 'case')} not applicable to this runtime, release or profile")
    lines.append(f"{plural(len(skipped), 'case')} never ran")
    for need, cases in sorted(needs.items(), key=lambda item: (-len(item[1]), item[0])):
        lines += ["", f"{need} ({len(cases)})"]
        lines += [f"  {line(case.case)}" for case in cases]
    if differing := [case for case in run.cases if differ(case)]:
        lines += ["", f"{plural(len(differing), 'case')} with verdicts that differ between lanes"]
        lines += [f"  {line(case.case)}: {_said(case)}" for case in differing]
    if run.end is None or run.end.interrupted:
        lines += ["", "This run was cut off: cases that it did not come to are not in the list."]
    elif run.header.partial:
        lines += ["", "This run is of chosen cases: others are not in the list."]
    return "\n".join(lines) + "\n"


def differ(case: Case) -> bool:
    """Whether lanes that ran a case came to different verdicts."""
    return len({verdict for verdict in case.lanes.values() if Verdict(verdict).ran}) > 1


def _said(case: Case) -> str:
    return ", ".join(f"{line(verdict)} on {line(lane)}" for lane, verdict in case.lanes.items())


def _by_lane(ran: Counter[str]) -> str:
    named = [f"{count} on {lane}" for lane, count in ran.items() if lane]
    return f": {', '.join(named)}" if named else ""
