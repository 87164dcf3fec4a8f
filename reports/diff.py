"""What changed from one run to another, as text or Markdown: it can gate.

*Newly failing* is what a gate asks: a case whose verdict gates in the new run and did not in the
old, or that the old run has not got.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.results import Verdict
from reports.across import worst
from reports.fenced import cell, code, phrase
from reports.text import line, plural
from reports.verdict import judge, release

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.results import Case, Run

MOST = 200
"""Entries of a group that are listed, but for the newly failing: these are listed all as text."""

MOST_MARKDOWN = 50
"""As MOST, for every group: a page of CI takes no more."""

HELD = frozenset({Verdict.PASS, Verdict.RECORDED})
FAILED = frozenset(v for v in Verdict if v.gates) | {Verdict.KNOWN, Verdict.ADVICE}


@dataclass(frozen=True)
class Change:
    """A case that is not as it was."""

    before: Case | None
    after: Case | None

    @property
    def case(self) -> Case:
        """The case as it is, or as it was if it is gone."""
        case = self.after or self.before
        if case is None:
            raise ValueError("a change of nothing")
        return case

    @property
    def step(self) -> str:
        """``pass -> fail``."""
        before, after = (c.verdict.value if c else "none" for c in (self.before, self.after))
        return f"{before} -> {after}"

    @property
    def group(self) -> str:
        """The name of its group in Difference."""
        before, after = (c.verdict if c else None for c in (self.before, self.after))
        if after is not None and after.gates and not (before and before.gates):
            return "failing"
        if before is None:
            return "new"
        if after is None:
            return "gone"
        return "fixed" if before in FAILED and after in HELD else "changed"


@dataclass(frozen=True)
class Difference:
    """Two runs and the cases whose verdicts differ, in the order of the new run."""

    old: Run
    new: Run
    failing: list[Change]
    fixed: list[Change]
    changed: list[Change]
    appeared: list[Change]
    gone: list[Change]
    same: int

    @property
    def groups(self) -> list[tuple[str, list[Change]]]:
        """Title and entries, worst first."""
        return [
            ("Newly failing", self.failing),
            ("Fixed", self.fixed),
            ("Changed", self.changed),
            ("New", self.appeared),
            ("Gone", self.gone),
        ]

    @property
    def sentence(self) -> str:
        """Say it in one line."""
        if not self.failing:
            return f"No regression in {plural(len(self.new.cases), 'case')}."
        newly = "case that newly fails" if len(self.failing) == 1 else "cases that newly fail"
        return f"Regression: {len(self.failing)} {newly}."

    @property
    def unseen(self) -> str:
        """Why the new run cannot show that nothing regressed; empty if it can."""
        end = self.new.end
        count = plural(len(self.new.cases), "case")
        if end is None:
            return f"it was cut off after {count}"
        if end.interrupted:
            return f"it was interrupted after {count}"
        missing = end.collected - len(self.new.cases)
        return f"{plural(missing, 'collected case')} without a result" if missing > 0 else ""


def compare(old: Run, new: Run) -> Difference:
    """Sort the cases of two runs by what became of them."""
    before, after = worst(old), worst(new)
    changes = [Change(before.get(name), after.get(name)) for name in {**after, **before}]
    moved = [
        c for c in changes if not (c.before and c.after and _verdicts(c)[0] is _verdicts(c)[1])
    ]
    groups: dict[str, list[Change]] = {}
    for change in moved:
        groups.setdefault(change.group, []).append(change)
    return Difference(
        old,
        new,
        failing=groups.get("failing", []),
        fixed=groups.get("fixed", []),
        changed=groups.get("changed", []),
        appeared=groups.get("new", []),
        gone=groups.get("gone", []),
        same=len(changes) - len(moved),
    )


def _verdicts(change: Change) -> list[Verdict]:
    return [case.verdict for case in (change.before, change.after) if case]


def text(difference: Difference) -> str:
    """Render for a terminal or a log."""
    runs = [("old", difference.old), ("new", difference.new)]
    lines = [f"{name}  {_title(run)}: {judge(run).sentences}" for name, run in runs]
    lines += [f"     {fact}" for fact in _facts(difference)]
    for title, changes in difference.groups:
        most = len(changes) if changes is difference.failing else MOST
        lines += ["", f"{title}: {len(changes)}"] if changes else []
        lines += [entry for change in changes[:most] for entry in _entry(change)]
        lines += [f"  ... and {len(changes) - most} more"] if len(changes) > most else []
    lines += ["", f"{difference.same} unchanged. {difference.sentence}"]
    lines += [f"The new run is not whole: {difference.unseen}."] if difference.unseen else []
    return "\n".join([*lines, ""])


def _entry(change: Change) -> list[str]:
    case = change.case
    out = [f"  {change.step:<24}  {line(case.case)}"]
    if change.group == "failing":
        clause = line(case.clauses[0], 120) if case.clauses else "no clause"
        out += [f"      {case.level} {clause}: {line(case.summary)}"]
        out += [f"      {line(case.reason)}"] if case.reason else []
    return out


def markdown(difference: Difference) -> str:
    """Render for a CI job page: what a runtime printed stands in code spans only."""
    out = [f"### {phrase(difference.sentence)}", "", "| | run | verdict |", "|---|---|---|"]
    for name, run in (("old", difference.old), ("new", difference.new)):
        out.append(f"| {name} | {cell(_title(run))} | {phrase(judge(run).sentences)} |")
    out += ["", *(f"- {phrase(fact)}" for fact in _facts(difference))]
    out += [f"- The new run is not whole: {difference.unseen}."] if difference.unseen else []
    for title, changes in difference.groups:
        if not changes:
            continue
        head = f"<summary>{title}: {len(changes)}</summary>"
        out += ["", f"<details{' open' if title == 'Newly failing' else ''}>{head}", ""]
        out += [_item(change) for change in changes[:MOST_MARKDOWN]]
        more = len(changes) - MOST_MARKDOWN
        out += ["", f"and {more} more"] if more > 0 else []
        out += ["", "</details>"]
    return "\n".join([*out, "", f"{difference.same} unchanged.", ""])


def _item(change: Change) -> str:
    case = change.case
    reason = case.reason if change.group == "failing" else ""
    why = f": {code(line(reason, 200))}" if reason else ""
    return f"- {change.step.replace('->', '→')} {code(line(case.case, 160))}{why}"


def _title(run: Run) -> str:
    runtime = run.header.runtime
    return f"{line(runtime.name, 40)} {line(runtime.version, 40)}, {release(run)}"


def _facts(difference: Difference) -> Iterable[str]:
    """Name what else is not the same: it may explain a change of verdict."""
    old, new = difference.old.header, difference.new.header
    facts: dict[str, Callable[[Run], object]] = {
        "program (sha256)": lambda run: run.header.runtime.sha256[:12],
        "release that judges": lambda run: run.header.runtime.spec_version,
        "profiles": lambda run: ", ".join(run.header.profiles),
        "suite": lambda run: run.header.suite_version,
        "expectations": lambda run: run.header.expectations or "none",
        "lane": lambda run: run.header.lane or "host",
        "kernel": lambda run: run.header.host.kernel,
        "cgroups": lambda run: run.header.host.cgroup,
        "rootless": lambda run: "yes" if run.header.host.rootless else "no",
        "selection": lambda run: "partial" if run.header.partial else "whole",
    }
    if old == new:
        return
    for name, fact in facts.items():
        before, after = (line(str(fact(run)), 80) for run in (difference.old, difference.new))
        if before != after:
            yield f"{name}: {before} -> {after}"
