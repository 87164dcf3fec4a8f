"""Shards, reruns and lanes made into one run; contradictions are refused in one clear line.

Runs of one lane are parts of one run: same host, same verdicts. Of several lanes each case gets the
verdict of those that could run it, the worst if they differ, and says which lanes came to what.
"""

from __future__ import annotations

import dataclasses
import io
from collections import Counter
from typing import TYPE_CHECKING, Any

from harness.faults import ResultsError
from harness.results import End, Run, Verdict, Writer
from reports.text import line, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from harness.results import Case, Header

    Held = dict[str, tuple[str, str, Case]]
    """Of one case by lane: the file that has it, the verdict there, the record."""

OK, FAILED, ERROR, NOTHING_RAN = 0, 1, 3, 5
"""Exit statuses of a run, as docs/gating-ci.md has them."""

SAME: dict[str, Callable[[Header], object]] = {
    "runtime sha256": lambda header: header.runtime.sha256,
    "spec version": lambda header: header.runtime.spec_version,
    "ociVersion of the bundles": lambda header: header.runtime.oci_version,
    "suite version": lambda header: header.suite_version,
    "profiles": lambda header: ", ".join(header.profiles),
    "expectations": lambda header: header.expectations or "none",
    "machine": lambda header: header.host.machine,
    "rootless": lambda header: header.host.rootless,
}
"""What decides a verdict: one header speaks for all cases, so these must be the same in all."""

SAME_IN_LANE: dict[str, Callable[[Header], object]] = {
    "kernel": lambda header: header.host.kernel,
    "cgroups": lambda header: header.host.cgroup,
    "LSMs": lambda header: ", ".join(header.host.lsms),
    "capabilities": lambda header: header.host.capabilities,
}
"""What lanes differ in, and is the same in all runs of one lane."""

HOST = "host"
"""The lane of a run that was given none."""


def merge(named: Sequence[tuple[str, Run]], collected: int | None = None) -> Run:
    """Make one run of several; ResultsError names the file and what it contradicts.

    ``named`` has a name for messages and the run. ``collected`` is the number of cases of the
    whole suite; without it the merged run is whole if one of ``named`` is.
    """
    name, first = named[0]
    cases: dict[str, Held] = {}
    firsts: dict[str, tuple[str, Header]] = {}
    for other, run in named:
        _whole(other, run)
        _same(SAME, (name, first.header), (other, run.header))
        _same(
            SAME_IN_LANE,
            firsts.setdefault(run.header.lane, (other, run.header)),
            (other, run.header),
        )
        _add(cases, other, run)
    lanes = list(dict.fromkeys(lane for held in cases.values() for lane in held))
    kept = [_verdict(held, lanes) for held in cases.values()]
    if collected is not None and collected < len(kept):
        message = f"the runs hold {plural(len(kept), 'case')}, more than the {collected} collected"
        raise ResultsError(message)
    runs = [run for _, run in named]
    count = len(kept) if collected is None else collected
    return Run(_header(runs, collected), kept, _end(runs, kept, count))


def render(run: Run) -> str:
    """Write ``run`` as a results.jsonl; ResultsError for a number that JSON cannot carry."""
    out = io.StringIO()
    writer = Writer(out)
    try:
        writer.write(run.header)
        for case in run.cases:
            writer.write(case)
        if run.end is not None:
            writer.write(run.end)
    except ValueError as error:
        # 1e999 can be read and cannot be written.
        raise ResultsError("merge: a number in the runs is too large to be written") from error
    return out.getvalue()


def _whole(name: str, run: Run) -> None:
    if run.end is None:
        raise ResultsError(
            f"{name}: was cut off after {plural(len(run.cases), 'case')}; run it again"
        )
    if run.end.interrupted:
        count = plural(len(run.cases), "case")
        raise ResultsError(f"{name}: was interrupted after {count}; run it again")
    missing = run.end.collected - len(run.cases)
    if missing > 0:
        lost = plural(missing, "collected case")
        raise ResultsError(f"{name}: {lost} without a result; run it again")


def _same(
    facts: Mapping[str, Callable[[Header], object]],
    one: tuple[str, Header],
    two: tuple[str, Header],
) -> None:
    (name, header), (other, another) = one, two
    for what, of in facts.items():
        if of(header) != of(another):
            seen, wanted = line(str(of(another)), 80), line(str(of(header)), 80)
            raise ResultsError(f"{other}: {what} is {seen}, and in {name} it is {wanted}")


def _add(cases: dict[str, Held], name: str, run: Run) -> None:
    for case in run.cases:
        lanes = case.lanes or {case.lane or run.header.lane or HOST: case.verdict.value}
        of_case = cases.setdefault(case.case, {})
        for lane, verdict in lanes.items():
            holder, said, _ = of_case.setdefault(lane, (name, verdict, case))
            if said != verdict:
                message = f"{name}: {line(case.case)} is {verdict}, and in {holder} it is {said}"
                raise ResultsError(message)


def _verdict(held: Held, lanes: Sequence[str]) -> Case:
    """Make one record of those of a case by lane: a lane that ran it goes before one that did not.

    Of those that ran it the worst counts, the first of equals. Of the others one that had what the
    case needs and found that it does not apply.
    """
    if len(lanes) == 1:
        return next(case for _, _, case in held.values())
    said = {lane: Verdict(verdict) for lane, (_, verdict, _) in held.items()}
    ran = {lane: verdict for lane, verdict in said.items() if verdict.ran}
    lane = (
        max(ran, key=lambda each: ran[each].severity)
        if ran
        else min(said, key=lambda each: said[each].severity)
    )
    case = held[lane][2]
    reason = case.reason
    if len(set(ran.values())) > 1 and not case.lanes:
        differ = ", ".join(f"{verdict.value} on {each}" for each, verdict in ran.items())
        reason = f"lanes differ: {differ}\n{reason}".rstrip()
    verdicts = {each: verdict.value for each, verdict in said.items()}
    return dataclasses.replace(case, lane=lane, lanes=verdicts, reason=reason)


def _header(runs: Sequence[Run], collected: int | None) -> Header:
    lanes = list(dict.fromkeys(run.header.lane for run in runs))
    # Of several lanes the host speaks in the header: its run is the whole one.
    of_host = [run.header for run in runs if not run.header.lane] or [run.header for run in runs]
    earliest = min(of_host, key=lambda header: header.started)
    if len(lanes) > 1:
        earliest = dataclasses.replace(earliest, lane=", ".join(lane or HOST for lane in lanes))
    options: dict[str, Any] = {
        "merged": [options for run in runs for options in _options(run.header)]
    }
    if collected is None:
        partial = all(run.header.partial for run in runs)
        return dataclasses.replace(earliest, partial=partial, options=options)
    # Who reads the run is to see that its being whole rests on a number that was given.
    options |= {"collected": collected}
    return dataclasses.replace(earliest, partial=False, options=options)


def _options(header: Header) -> list[Any]:
    """Give the options of each run that was made, through merges of merges."""
    merged = header.options.get("merged")
    return merged if isinstance(merged, list) else [header.options]


def _end(runs: Sequence[Run], cases: Sequence[Case], collected: int) -> End:
    ends = [run.end for run in runs if run.end is not None]
    problems = list(dict.fromkeys(problem for end in ends for problem in end.problems))
    leaks = list(dict.fromkeys(leak for end in ends for leak in end.leaks))
    missing = collected - len(cases)
    if missing:
        problems.append(f"{plural(missing, 'case')} of the suite without a result in any run")
    return End(
        collected=collected,
        recorded=len(cases),
        counts=dict(sorted(Counter(case.verdict.value for case in cases).items())),
        exit_status=_status({c.verdict for c in cases}, bool(missing or leaks), bool(problems)),
        interrupted=False,
        seconds=_sum(end.seconds for end in ends),
        runtime_seconds=_sum(end.runtime_seconds for end in ends),
        overhead_seconds=_sum(end.overhead_seconds for end in ends),
        leaks=leaks,
        problems=problems,
    )


def _status(verdicts: set[Verdict], ours: bool, problems: bool) -> int:  # noqa: FBT001 - facts
    if Verdict.ERROR in verdicts or ours:
        return ERROR
    if problems or any(verdict.gates for verdict in verdicts):
        return FAILED
    return OK if any(verdict.ran for verdict in verdicts) else NOTHING_RAN


def _sum(seconds: Iterable[float]) -> float:
    return round(sum(seconds), 3)
