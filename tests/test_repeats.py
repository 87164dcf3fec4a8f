"""``--repeat N``: a verdict that differs between runs is unstable, with the evidence of both."""

from __future__ import annotations

import dataclasses
import json

import pytest

from harness import repeats
from harness.results import Case, Moment, Operation, Verdict
from reports import html, junit, summary

WAVERS = """
    seen = []

    @clause("runtime.start.runs-program")
    def test_case(create):
        container = create("exits").start().stopped()
        seen.append(container.facts["ids"]["pid"])
        assert len(seen) != 2
"""


@pytest.mark.parametrize("workers", ["-n0", "-n1"])
def test_a_case_that_differs_is_unstable_and_gates(suite, workers):
    outcome = suite(WAVERS, "--repeat=3", workers)

    (case,) = outcome.run.cases
    assert (case.verdict, outcome.status) == (Verdict.UNSTABLE, 1)
    assert case.repeats == {"pass": 2, "fail": 1}
    assert [one.name for one in case.operations].count("create") == 2
    assert "pass 2 of 3, fail 1 of 3" in case.reason
    assert "UNSTABLE suites/runtime/test_cases.py::test_case" in outcome.output


def test_the_reports_show_it(suite):
    run = suite(WAVERS, "--repeat=2").run

    assert "differs between runs" in junit.render(run)
    assert "unstable" in summary.render(run)
    assert "unstable" in html.render(run)
    assert run.end.counts == {"unstable": 1}


def test_a_case_that_does_not_differ_has_the_verdict_of_one_run(suite):
    cases = """
        made = []

        @clause("runtime.start.runs-program")
        def test_holds(create):
            create("exits").start().stopped()

        @clause("runtime.start.runs-program")
        def test_fails(create):
            assert create("exits").start().stopped().facts["ids"]["pid"] == 2

        @clause("runtime.start.runs-program")
        def test_is_blocked(runtime, shared):
            with control():
                made.append(shared("waits").id)
                runtime.state("unknown")

        @clause("runtime.start.runs-program")
        def test_shares_nothing_with_its_earlier_run():
            assert len(set(made)) == 2
    """

    outcome = suite(cases, "--repeat", "2")

    assert outcome.verdicts == {
        "test_holds": "pass",
        "test_fails": "fail",
        "test_is_blocked": "blocked",
        "test_shares_nothing_with_its_earlier_run": "pass",
    }
    assert {tuple(case.repeats.values()) for case in outcome.run.cases} == {(2,)}
    assert (outcome.run.end.collected, outcome.run.end.recorded, outcome.status) == (4, 4, 1)


def test_an_error_of_ours_is_no_instability(suite):
    cases = """
        seen = []

        @clause("runtime.start.runs-program")
        def test_case(create):
            create("exits").start().stopped()
            seen.append(1)
            {}[len(seen)] if len(seen) == 2 else None
    """

    outcome = suite(cases, "--repeat=2")

    assert (outcome.verdicts, outcome.status) == ({"test_case": "error"}, 3)
    assert "KeyError" in outcome.run.cases[0].reason


@pytest.mark.parametrize("given", ["0", "-1"])
def test_less_than_once_is_a_usage_error(suite, given):
    outcome = suite(WAVERS, f"--repeat={given}")

    assert outcome.status == 4
    assert "--repeat" in outcome.output


def case(verdict, **members):
    """Make the record of one run."""
    least = Case("a", ["b"], verdict, "must", "runtime.md#kill", "1.0.0", "")
    return dataclasses.replace(least, **members)


def test_both_evidences_stand_one_after_the_other():
    first = case(
        Verdict.PASS,
        operations=[Operation("create", ["x"], 0.0, 0.1)],
        timeline=[Moment(0.0, "operation", "create")],
    )
    second = case(
        Verdict.BLOCKED,
        operations=[Operation("kill", ["x"], 0.0, 0.1)],
        timeline=[Moment(0.0, "operation", "kill")],
        blocked_by="kill",
    )

    merged = repeats.merge([first, first, second])

    assert [one.name for one in merged.operations] == ["create", "kill"]
    assert [m.text for m in merged.timeline] == [
        "run 1 begins",
        "create",
        "run 1 ends: pass",
        "run 3 begins",
        "kill",
        "run 3 ends: blocked",
    ]
    assert merged.repeats == {"pass": 2, "blocked": 1}
    assert json.dumps(merged.repeats)
