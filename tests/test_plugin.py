"""The plugin: verdicts, exit status, expectations. Each run is a process of its own."""

from __future__ import annotations

import pytest

from harness.results import Verdict
from tests.conftest import ROOT


class TestVerdicts:
    """What a case ends in decides its verdict: the table of docs/verdicts.md."""

    def test_a_false_assertion_is_a_fail_and_gates(self, suite):
        outcome = suite("""
            @clause("runtime.start.runs-program")
            def test_case(create):
                assert create("exits").start().stopped().facts["ids"]["pid"] == 2
        """)

        assert (outcome.verdicts, outcome.status) == ({"test_case": "fail"}, 1)

    def test_a_fault_in_the_operation_of_the_clause_is_a_fail(self, suite):
        outcome = suite("""
            @clause("runtime.start.runs-program")
            def test_case(create, runtime):
                create()
                runtime.start("unknown")
        """)

        assert (outcome.verdicts, outcome.status) == ({"test_case": "fail"}, 1)

    def test_a_fault_in_another_operation_is_blocked_and_gates(self, suite):
        outcome = suite("""
            @clause("runtime.kill.sends-specified-signal")
            def test_case(runtime):
                runtime.start("unknown")
        """)

        (case,) = outcome.run.cases
        assert (case.verdict, case.blocked_by, outcome.status) == (Verdict.BLOCKED, "start", 1)

    def test_a_fault_in_a_control_is_blocked(self, suite):
        outcome = suite("""
            @clause("runtime.start.runs-program")
            def test_case(runtime):
                with control():
                    runtime.start("unknown")
        """)

        assert outcome.verdicts == {"test_case": "blocked"}

    def test_a_sign_that_never_comes_after_another_operation_is_blocked(self, suite):
        outcome = suite("""
            @clause("runtime.kill.sends-specified-signal")
            def test_case(create):
                create("exits").start().printed("what no program prints")
        """)

        assert outcome.verdicts == {"test_case": "blocked"}

    @pytest.mark.parametrize("where", ["call", "setup", "teardown"])
    def test_anything_else_is_an_error_of_ours_with_status_3(self, suite, where):
        bodies = {"call": "1 / 0", "setup": "pass", "teardown": "pass"}
        fixtures = {"setup": "1 / 0", "call": "yield", "teardown": "yield\n                1 / 0"}
        outcome = suite(f"""
            @pytest.fixture
            def broken():
                {fixtures[where]}

            @clause("runtime.start.runs-program")
            def test_case(broken):
                {bodies[where]}
        """)

        assert (outcome.verdicts, outcome.status) == ({"test_case": "error"}, 3)

    def test_a_should_that_does_not_hold_is_advice_and_does_not_gate(self, suite):
        outcome = suite("""
            @clause("config.annotations.image.stop-signal.used-by-callers")
            def test_advice():
                assert False

            @clause("runtime.start.runs-program")
            def test_holds(create):
                assert create("exits").start().stopped().facts
        """)

        assert outcome.verdicts == {"test_advice": "advice", "test_holds": "pass"}
        assert outcome.status == 0

    def test_what_is_recorded_is_no_pass(self, suite):
        outcome = suite("""
            @clause("runtime.kill.default-signal")
            def test_case(record):
                record("signal", 15)
        """)

        (case,) = outcome.run.cases
        assert (case.verdict, case.recorded) == (Verdict.RECORDED, {"signal": 15})

    @pytest.mark.parametrize("where", ["call", "setup"])
    def test_a_value_that_is_refused_and_need_not_be_supported_is_no_pass(self, suite, where):
        outcome = suite(f"""
            @pytest.fixture
            def attempt(create):
                def run():
                    with may_be_unsupported("a program that is not there"):
                        create("exits", offence={{"process": {{"args": ["/no/such"]}}}}).start()

                {"run()" if where == "setup" else ""}
                return run

            @clause("config.process.scheduler.nice")
            def test_case(attempt):
                attempt()
                assert False
        """)

        (case,) = outcome.run.cases
        assert (case.verdict, case.level) == (Verdict.RECORDED, "must")
        assert case.reason == "refuses a program that is not there, which it need not support"
        assert outcome.status == 0

    @pytest.mark.parametrize(
        "demand",
        [
            "generates_an_error()",
            "tolerates_an_error()",
            "provokes_an_error()",
            "may_be_unsupported('it')",
        ],
    )
    def test_a_control_that_fails_is_no_error_that_is_demanded(self, suite, demand):
        outcome = suite(f"""
            @clause("runtime.start.runs-program")
            def test_case(create):
                with {demand}, control():
                    create("exits", offence={{"process": {{"args": ["/no/such"]}}}}).start()
        """)

        assert outcome.verdicts == {"test_case": "blocked"}

    def test_a_value_that_is_supported_is_judged(self, suite):
        outcome = suite("""
            @clause("config.process.scheduler.nice")
            def test_case(create):
                with may_be_unsupported("a program"):
                    facts = create("exits").start().stopped().facts
                assert not facts
        """)

        assert outcome.verdicts == {"test_case": "fail"}

    def test_a_host_that_cannot_is_a_skip_and_never_a_pass(self, suite):
        outcome = suite("""
            def a_moon_base():
                return "no moon base"

            @clause("runtime.start.runs-program")
            @requires(a_moon_base)
            def test_case():
                pass
        """)

        (case,) = outcome.run.cases
        assert (case.verdict, case.reason) == (Verdict.SKIP, "no moon base")
        assert outcome.status == 5

    def test_a_clause_newer_than_the_declared_release_is_not_applicable(self, suite):
        outcome = suite(
            """
            @clause("runtime.lifecycle.poststart.failure-errors")
            def test_new():
                assert False

            @clause("runtime.lifecycle.poststart.failure-warns")
            def test_old(create):
                assert create("exits").start().stopped().facts
            """,
            "--spec-version=1.2.1",
        )

        assert outcome.verdicts == {"test_new": "not-applicable", "test_old": "pass"}

    def test_a_superseded_clause_ends_with_its_last_release(self, suite):
        outcome = suite("""
            @clause("runtime.lifecycle.poststart.failure-warns")
            def test_old():
                assert False
        """)

        assert (outcome.verdicts, outcome.status) == ({"test_old": "not-applicable"}, 5)


class TestErrorsDemanded:
    """generates_an_error takes an exit status above zero and nothing else."""

    def test_success_is_no_error(self, suite):
        outcome = suite("""
            @clause("runtime.start.running-errors")
            def test_case(create):
                container = create("waits")
                with generates_an_error():
                    container.start()
        """)

        assert outcome.verdicts == {"test_case": "fail"}

    @pytest.mark.parametrize("miniature", ["dies_by_sigsegv", "hangs"])
    def test_neither_a_crash_nor_a_hang_is_an_error(self, suite, miniature):
        outcome = suite(
            """
            @clause("runtime.start.running-errors")
            def test_case(runtime):
                with generates_an_error():
                    runtime.start("unknown")
            """,
            f"--runtime={ROOT / 'tests' / 'miniatures' / miniature}",
            "--deadline=1",
        )

        assert outcome.verdicts == {"test_case": "fail"}

    def test_a_fault_outside_of_it_is_blocked(self, suite):
        outcome = suite("""
            @clause("runtime.start.running-errors")
            def test_case(runtime):
                runtime.start("unknown")
        """)

        assert outcome.verdicts == {"test_case": "blocked"}


def test_the_last_three_lines_say_why_the_gate_is_red(suite, tmp_path):
    outcome = suite("""
        @clause("runtime.start.runs-program")
        def test_case(create):
            assert create("exits").start().stopped().facts["ids"]["pid"] == 2
    """)

    lines = outcome.output.splitlines()
    (number,) = (n for n, line in enumerate(lines) if line.startswith("red: "))
    assert lines[number : number + 3] == [
        "red: 1 new failure: runtime.start.runs-program",
        "first: runtime/test_cases.py::test_case: expected 2; seen 1",
        f"report: {tmp_path / 'results' / 'report.html'}",
    ]


def test_a_run_that_is_not_red_only_says_where_its_report_is(suite, tmp_path):
    outcome = suite("""
        @clause("runtime.start.runs-program")
        def test_case(create):
            assert create("exits").start().stopped().facts["ids"]["pid"] == 1
    """)

    assert f"report:  {tmp_path / 'results' / 'report.html'}" in outcome.output.splitlines()
    assert not [line for line in outcome.output.splitlines() if line.startswith("red: ")]


def test_advice_gates_if_it_is_asked_to(suite):
    outcome = suite(
        """
        @clause("config.annotations.image.stop-signal.used-by-callers")
        def test_advice():
            assert False
        """,
        "--gate=should",
    )

    assert (outcome.verdicts, outcome.status) == ({"test_advice": "advice"}, 1)


@pytest.mark.parametrize("name", ["report.html", "evidence"])
def test_a_report_that_cannot_be_written_is_said_and_red(suite, tmp_path, name):
    """In one line, with results.jsonl whole, and nothing half-written beside it."""
    place = tmp_path / "results" / name
    if name == "evidence":
        place.parent.mkdir()
        place.touch()
    else:
        (place / "something").mkdir(parents=True)

    outcome = suite("""
        @clause("runtime.start.runs-program")
        def test_case(create):
            assert create("exits").start().stopped().facts["ids"]["pid"] == 2
    """)

    (said,) = (line for line in outcome.output.splitlines() if line.startswith("ERROR: "))
    assert said.startswith(f"ERROR: {place}: cannot be written (")
    assert (outcome.status, "Traceback" in outcome.output) == (3, False)
    assert outcome.run.end is not None
    left = {path.name for path in place.parent.iterdir()}
    assert left <= {"results.jsonl", "report.html", "evidence"}


class TestExpectations:
    """A known deviation is shown as known; one that is gone turns the gate red."""

    EXPECTED = """
        [runtime]
        name = "reference-runtime"
        versions = ">=0"

        [[known]]
        clause = "runtime.start.runs-program"
        reason = "it was always so"
        cases = ["runtime/test_cases.py::test_case"]
    """

    def test_an_expected_fail_is_known(self, suite, tmp_path):
        outcome = suite(
            """
            @clause("runtime.start.runs-program")
            def test_case():
                assert False
            """,
            f"--expectations={tmp_path / 'known.toml'}",
            **{"known.toml": self.EXPECTED + "        upstream = 'https://example.org/1'\n"},
        )

        assert (outcome.verdicts, outcome.status) == ({"test_case": "known"}, 0)
        (case,) = outcome.run.cases
        assert case.reason == "it was always so (https://example.org/1)\nseen: assert False"

    @pytest.mark.parametrize("holds", [True, False])
    def test_one_that_comes_and_goes_is_known_in_every_run(self, suite, tmp_path, holds):
        outcome = suite(
            f"""
            @clause("runtime.start.runs-program")
            def test_case():
                assert {holds}
            """,
            f"--expectations={tmp_path / 'known.toml'}",
            **{"known.toml": self.EXPECTED + "        unstable = true\n"},
        )

        assert (outcome.verdicts, outcome.status) == ({"test_case": "known"}, 0)

    def test_one_that_matches_no_case_turns_the_gate_red(self, suite, tmp_path):
        outcome = suite(
            """
            @clause("runtime.start.runs-program")
            def test_other(create):
                assert create("exits").start().stopped().facts
            """,
            f"--expectations={tmp_path / 'known.toml'}",
            **{"known.toml": self.EXPECTED},
        )

        assert (outcome.verdicts, outcome.status) == ({"test_other": "pass"}, 1)
        said = "matches no case: runtime/test_cases.py::test_case; remove the entry"
        assert f"known.toml:6: the entry of runtime.start.runs-program {said}" in outcome.output

    @pytest.mark.parametrize(("until", "status"), [("2001-01-31", 1), ("2999-01-31", 0)])
    def test_one_that_has_ended_turns_the_gate_red(self, suite, tmp_path, until, status):
        outcome = suite(
            """
            @clause("runtime.start.runs-program")
            def test_case():
                assert False
            """,
            f"--expectations={tmp_path / 'known.toml'}",
            **{"known.toml": f"{self.EXPECTED}    until = '{until}'\n"},
        )

        assert (outcome.verdicts, outcome.status) == ({"test_case": "known"}, status)
        assert (f"ended ({until}): look again" in outcome.output) == bool(status)

    def test_one_that_passes_turns_the_gate_red(self, suite, tmp_path):
        outcome = suite(
            """
            @clause("runtime.start.runs-program")
            def test_case(create):
                assert create("exits").start().stopped().facts
            """,
            f"--expectations={tmp_path / 'known.toml'}",
            **{"known.toml": self.EXPECTED},
        )

        assert (outcome.verdicts, outcome.status) == ({"test_case": "pass"}, 1)
        said = (
            "known.toml:6: runtime/test_cases.py::test_case passes and is expected to fail: remove"
        )
        assert f"{said} the entry of runtime.start.runs-program (lines 6 to 9)" in outcome.output
