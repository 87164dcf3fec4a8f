"""The evidence of each case as data inside report.html: what a page shows when a case is opened.

JSON, deflated and base64-coded, because the evidence of an ordinary run is ten times as large as
its list of cases. It passes the same gate as the page, and script makes text of it, never markup.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from reports import repro
from reports.marks import NEEDS_A_LOOK
from reports.pretty import marked
from reports.text import clip, command, duration, line, outcome, plural, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.results import Case, Moment, Operation
    from reports.page import Entry


@dataclass(frozen=True)
class Limits:
    """How much evidence of one case a page has; the whole is in results.jsonl."""

    output: int
    """Characters of each output and of the reason."""
    details: int
    """Characters of a traceback."""
    config: int
    """Characters of a config.json."""
    rows: int
    """Operations, moments, findings, clauses and recorded values, each."""
    argv: int
    """Characters of a command line."""


LIMITS = (
    (0.5, Limits(output=4200, details=8000, config=16_000, rows=100, argv=1000)),
    (0.8, Limits(output=1000, details=2000, config=4000, rows=40, argv=1000)),
    (1.0, Limits(output=200, details=400, config=1000, rows=10, argv=200)),
)
"""Each holds until so much of the room is used; after the last, a case has its reason only."""

PACKED = 1_400_000
"""Bytes of room for the deflated evidence of a run."""

UNPACKED = 40_000_000
"""Bytes of room for what a browser makes of them."""

T = TypeVar("T")
_TOGETHER = 0.001
"""Seconds by which threads may note down what happens in another order."""
_BARE = Limits(output=200, details=0, config=0, rows=0, argv=0)


def packed(entries: Sequence[Entry]) -> str:
    """Return the evidence of all entries, by their number, as base64 of deflated JSON.

    Cases that need a look come first, so that they have the room where there is not enough.
    """
    order = sorted(range(len(entries)), key=lambda n: entries[n].case.verdict not in NEEDS_A_LOOK)
    squeeze = zlib.compressobj(6)
    out = bytearray()
    unpacked = 0
    for count, number in enumerate(order):
        used = max(len(out) / PACKED, unpacked / UNPACKED)
        limits = next((limits for until, limits in LIMITS if used < until), _BARE)
        text = json.dumps(_gate(detail(entries[number], limits)), separators=(",", ":"))
        part = f'{"," if count else "{"}"{number}":{text}'.encode("ascii")
        unpacked += len(part)
        out += squeeze.compress(part)
    out += squeeze.compress(b"}" if order else b"{}") + squeeze.flush()
    return base64.b64encode(out).decode("ascii")


def detail(entry: Entry, limits: Limits) -> dict[str, object]:
    """Return what is shown of an opened case, cut to ``limits``; empty parts are left out.

    Members: id, section, link, clauses, facts (strings), reason, operations (at and seconds in
    seconds), moments (at, kind, text, clock), recorded, findings (pairs), config (before, marked,
    after), details, killed (names of mutants), repro (path and
    script), left (sentences on what is missing).
    """
    case = entry.case
    operations, moments = _clocked(case)
    config = marked(case.config, case.clauses) if case.config and limits.config else None
    members: dict[str, object] = {
        "id": line(case.case),
        "section": line(case.section, 120),
        "link": entry.link,
        "clauses": [line(clause, 120) for clause in case.clauses[: limits.rows]],
        "facts": _facts(case),
        "reason": "" if entry.told else clip(case.reason, limits.output),
        "recorded": [
            [line(name, 120), clip(json.dumps(value, ensure_ascii=False), limits.output)]
            for name, value in list(case.recorded.items())[: limits.rows]
        ],
        "findings": [
            [clip(finding.text, limits.output), line(finding.clause, 120)]
            for finding in case.findings[: limits.rows]
        ],
        "operations": [_operation(one, clock, limits) for one, clock in _last(operations, limits)],
        "moments": [
            [moment.at, line(moment.kind, 40), line(moment.text), clock]
            for moment, clock in _last(moments, limits)
        ],
        "config": [clip(part, limits.config) for part in config] if config else None,
        "details": clip(case.details, limits.details) if limits.details else "",
        "killed": list(entry.killed),
        "repro": _repro(entry, limits),
        "left": list(_left_out(case, limits)),
    }
    return {name: value for name, value in members.items() if value}


def _repro(entry: Entry, limits: Limits) -> list[str] | None:
    """Return where the script is, seen from the page, and what is particular to it."""
    case = entry.case
    text = repro.shown(case) if limits.config and (case.replay or case.repro) else ""
    return [f"evidence/{entry.slug}/repro.sh", clip(text, limits.config)] if text else None


def _last(several: list[T], limits: Limits) -> list[T]:
    """Return the last ones, which matter most."""
    return several[-limits.rows :] if limits.rows else []


def _starts(moment: Moment) -> bool:
    return moment.kind == "operation"


def _clocked(case: Case) -> tuple[list[tuple[Operation, int]], list[tuple[Moment, int]]]:
    """Pair operations, and other moments, with the number of the clock of their times.

    What was done for several cases at once comes with the times of its own beginning: the case's
    timeline, which is in the order of what happened, then goes back.
    """
    timeline = []
    clock, last = 0, 0.0
    for moment in case.timeline:
        clock += moment.at < last - _TOGETHER
        last = moment.at
        timeline.append((moment, clock))
    starts = [clock for moment, clock in timeline if _starts(moment)]
    if len(starts) != len(case.operations):
        starts = [0] * len(case.operations)
        timeline = [(moment, 0) for moment, _ in timeline]
    others = [(moment, clock) for moment, clock in timeline if not _starts(moment)]
    return list(zip(case.operations, starts, strict=True)), others


def _facts(case: Case) -> list[str]:
    inside = f"{duration(case.seconds)}, {duration(case.runtime_seconds)} in the runtime"
    said = (
        f"level {case.level}",
        f"since {line(case.since, 40)}" if case.since else "",
        inside,
        f"blocked by {line(case.blocked_by, 120)}" if case.blocked_by else "",
        f"lane {line(case.lane, 80)}" if case.lane else "",
        *(f"{line(verdict, 40)} on {line(lane, 80)}" for lane, verdict in case.lanes.items()),
        f"worker {line(case.worker, 80)}" if case.worker else "",
    )
    return [text for text in said if text]


def _operation(operation: Operation, clock: int, limits: Limits) -> dict[str, object]:
    members = {
        "clock": clock,
        "at": operation.at,
        "seconds": operation.seconds,
        "began": duration(operation.at),
        "took": duration(operation.seconds),
        "name": line(operation.name, 40),
        "command": clip(command(operation.argv), limits.argv),
        "outcome": outcome(operation),
        "fault": line(operation.fault, 80),
        "stdout": clip(operation.stdout, limits.output),
        "stderr": clip(operation.stderr, limits.output),
    }
    return {name: value for name, value in members.items() if value or name in {"at", "seconds"}}


def _left_out(case: Case, limits: Limits) -> Iterator[str]:
    parts = {
        "clause": len(case.clauses),
        "recorded value": len(case.recorded),
        "finding": len(case.findings),
        "earlier operation": len(case.operations),
        "earlier moment": sum(moment.kind != "operation" for moment in case.timeline),
    }
    for noun, count in parts.items():
        if count > limits.rows:
            yield f"{plural(count - limits.rows, noun)} left out here; results.jsonl has them."
    if limits is _BARE and (case.config or case.details):
        yield "config.json and details left out here; results.jsonl has them."


def _gate(value: object) -> object:
    """Make every text fit to be shown, whatever part of the evidence it stands in."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, dict):
        return {name: _gate(part) for name, part in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return 0.0  # 1e999 is a number of JSON, but no reader of JSON takes what it becomes
    return [_gate(part) for part in value] if isinstance(value, list | tuple) else value
