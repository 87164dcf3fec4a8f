"""JUnit XML that tells the truth; pytest's own calls a blocked case a failure of its setup.

JUnit knows four outcomes. A test case passes where the clause held and nowhere else; ``failure`` is
fail, blocked and unstable; ``error`` is the suite's own fault; all else is ``skipped``, with the
verdict as its type: a known deviation, an advice, a choice that was recorded, a case that did not
run. What makes the run less than whole is a test case of its own, so that no viewer shows it green.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from harness.results import Verdict
from reports.specification import sections
from reports.text import clip, command, line, outcome, plural, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.results import Case, Operation, Run

ELEMENTS = {
    Verdict.PASS: "",
    Verdict.FAIL: "failure",
    Verdict.BLOCKED: "failure",
    Verdict.UNSTABLE: "failure",
    Verdict.ERROR: "error",
    Verdict.KNOWN: "skipped",
    Verdict.ADVICE: "skipped",
    Verdict.RECORDED: "skipped",
    Verdict.SKIP: "skipped",
    Verdict.NOT_APPLICABLE: "skipped",
}
"""The element of a test case by verdict; none for a pass."""

BUDGET = 4_000_000
"""Characters of evidence in a file, shared by the cases that have some."""

LEAST, MOST = 400, 6000
"""Characters of evidence of one case."""

PROBLEMS = 50
"""Problems of the run that are listed."""


def render(run: Run) -> str:
    """Render the document: a test suite for each section, in the specification's order."""
    root = ET.Element("testsuites", name="OCI runtime conformance")
    _problems(root, run)
    failing = sum(bool(case.verdict.gates) for case in run.cases)
    limit = max(LEAST, min(MOST, BUDGET // max(1, failing)))
    for section in sections(run):
        suite = _suite(root, line(section.name), run)
        for case in section.cases:
            _case(suite, case, limit)
        _count(suite, section.cases)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{sum(case.seconds for case in run.cases):.3f}")
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode", short_empty_elements=True)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite(root: ET.Element, name: str, run: Run) -> ET.Element:
    started = line(run.header.started, 40)
    return ET.SubElement(root, "testsuite", name=name, timestamp=started)


def _count(suite: ET.Element, cases: Iterable[Case]) -> None:
    kinds = Counter(child.tag for case in suite.iter("testcase") for child in case)
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(kinds["failure"]))
    suite.set("errors", str(kinds["error"]))
    suite.set("skipped", str(kinds["skipped"]))
    suite.set("time", f"{sum(case.seconds for case in cases):.3f}")


def _case(suite: ET.Element, case: Case, limit: int) -> None:
    path, _, name = case.case.partition("::")
    module = line(path.removesuffix(".py").replace("/", "."), 200)
    seconds = f"{case.seconds:.3f}"
    names = {"classname": module, "name": line(name or case.case), "time": seconds}
    element = ET.SubElement(suite, "testcase", names)
    members = {"level": case.level, "verdict": case.verdict.value, "since": line(case.since, 40)}
    members |= {"clauses": line(", ".join(case.clauses)), "summary": line(case.summary)}
    _properties(element, members)
    if kind := ELEMENTS[case.verdict]:
        outcome_ = ET.SubElement(element, kind, type=case.verdict.value, message=_message(case))
        if kind != "skipped":
            outcome_.text = visible(clip(_evidence(case, limit), limit))


def _properties(parent: ET.Element, members: dict[str, str]) -> None:
    properties = ET.SubElement(parent, "properties")
    for name, value in members.items():
        ET.SubElement(properties, "property", name=name, value=value)


def _message(case: Case) -> str:
    if case.verdict is Verdict.RECORDED and case.recorded and not case.reason:
        return line(f"recorded: {json.dumps(case.recorded, ensure_ascii=False)}", 300)
    return line(f"{case.verdict.value}: {case.reason or case.summary}", 300)


def _evidence(case: Case, limit: int) -> str:
    parts = [clip(case.details or case.reason, limit), *map(_called, case.operations[-20:])]
    return "\n\n".join(part for part in parts if part)


def _called(operation: Operation) -> str:
    said = [f"$ {clip(command(operation.argv), 1000)}", f"{outcome(operation)} {operation.fault}"]
    said += [f"{name}: {clip(text.strip(), 600)}" for name, text in _outputs(operation) if text]
    return "\n".join(part.rstrip() for part in said)


def _outputs(operation: Operation) -> list[tuple[str, str]]:
    return [("stdout", operation.stdout), ("stderr", operation.stderr)]


def _problems(root: ET.Element, run: Run) -> None:
    """Describe the run; add a test case for each thing that turns it red beyond its cases."""
    runtime, host = run.header.runtime, run.header.host
    suite = _suite(root, "run", run)
    _properties(
        suite,
        {
            "runtime": line(f"{runtime.name} {runtime.version}"),
            "sha256": line(runtime.sha256, 128),
            "spec version": line(f"{runtime.spec_version}, from {runtime.spec_version_from}"),
            "suite version": line(run.header.suite_version, 80),
            "profiles": line(", ".join(run.header.profiles)),
            "host": line(f"{host.kernel} {host.machine}, cgroups {host.cgroup}"),
            "selection": "partial" if run.header.partial else "whole",
        },
    )
    for kind, name, text in _shortfalls(run):
        names = {"classname": "run", "name": name, "time": "0.000"}
        element = ET.SubElement(suite, "testcase", names)
        ET.SubElement(element, kind, type="run", message=line(text, 1000))
    _count(suite, [])


def _shortfalls(run: Run) -> list[tuple[str, str, str]]:
    count = plural(len(run.cases), "case")
    if run.end is None:
        return [("error", "came to its end", f"cut off after {count}")]
    out = []
    if run.end.interrupted:
        out.append(("error", "came to its end", f"interrupted after {count}"))
    missing = run.end.collected - len(run.cases)
    if missing > 0:
        lost = f"{plural(missing, 'collected case')} without a result"
        out.append(("error", "has every result", lost))
    out += [("failure", "gate", problem) for problem in run.end.problems[:PROBLEMS]]
    out += [("error", "left on the host", leak) for leak in run.end.leaks[:PROBLEMS]]
    return out
