"""The plugin: verdicts, exit status, usage errors, xdist. Each run is a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.results import Verdict
from tests.conftest import ROOT, run_suite



def usage_error(outcome):
    """The one line of a usage error; empty if it was something else."""
    lines = [line for line in outcome.output.splitlines() if line.startswith("ERROR: ")]
    return lines[0] if outcome.status == 4 and len(lines) == 1 else ""


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
            **{"known.toml": self.EXPECTED},
        )

        assert (outcome.verdicts, outcome.status) == ({"test_case": "known"}, 0)

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
        assert "remove the entry" in outcome.output


class TestOptions:
    """Bad input gives one line, exit status 4, and nothing half-written."""

    @pytest.mark.parametrize("form", ["--runtime={}", "--runtime {}"])
    @pytest.mark.parametrize("workers", ["-n0", "-n2"])
    def test_the_runtime_is_taken_with_and_without_the_equals_sign(self, form, workers, tmp_path):
        fails = ROOT / "tests" / "miniatures" / "fails"
        words = [*form.format(fails).split(), workers, "-k", "nonexistent"]

        outcome = run_suite(*words, results=tmp_path)

        assert f"rootdir: {ROOT}\n" in outcome.output
        assert str(fails) in outcome.output

    @pytest.mark.parametrize(
        ("make", "said"),
        [
            (Path.exists, "no such file"),
            (Path.mkdir, "a directory"),
            (Path.touch, "not executable"),
            (lambda path: (path.write_bytes(b"\0"), path.chmod(0o755)), "cannot be executed"),
        ],
        ids=["missing", "directory", "mode", "format"],
    )
    def test_a_runtime_that_is_no_program(self, make, said, tmp_path):
        make(tmp_path / "runtime")

        outcome = run_suite(f"--runtime={tmp_path / 'runtime'}", results=tmp_path / "results")

        assert said in usage_error(outcome)
        assert str(tmp_path / "runtime") in usage_error(outcome)
        assert not (tmp_path / "results" / "results.jsonl").exists()

    @pytest.mark.parametrize(
        ("option", "said"),
        [
            ("--spec-version=2.0", "not one of 1.0.0"),
            ("--deadline=0", "above zero"),
            ("--deadline=soon", "above zero"),
            ("--probe=/nonexistent", "no such file"),
            ("--expectations=/nonexistent.toml", "/nonexistent.toml"),
        ],
    )
    def test_an_option_that_makes_no_sense(self, option, said, tmp_path):
        assert said in usage_error(run_suite(option, results=tmp_path))

    def test_a_results_directory_that_cannot_be_written(self, tmp_path):
        (tmp_path / "file").touch()

        outcome = run_suite(results=tmp_path / "file" / "below")

        assert "cannot be written" in usage_error(outcome)

    def test_a_clause_that_no_file_has(self, suite):
        outcome = suite("""
            @clause("runtime.no-such-clause")
            def test_case():
                pass
        """)

        assert outcome.status == 4
        assert "there is no clause 'runtime.no-such-clause'" in outcome.output

    @pytest.mark.parametrize(
        ("lacking", "said"),
        [
            ("os.geteuid = lambda: 65534", "run it by sudo"),
            ("platform.system = lambda: 'Plan9'", "this is Plan9"),
            ("host.hierarchies = list", "no cgroup hierarchy"),
        ],
    )
    def test_a_host_that_cannot_run_the_suite(self, suite, lacking, said):
        patch = f"import os, platform\nfrom harness import host\n{lacking}\n"

        outcome = suite("", plugin=patch)

        assert said in usage_error(outcome)

    @pytest.mark.parametrize(
        ("broken", "said"),
        [
            ("templates/base.json.j2", "bundle_templates/base.json.j2:1: "),
            ("clauses/broken.toml", "suites/clauses/broken.toml: "),
        ],
    )
    def test_a_file_of_ours_that_is_broken(self, suite, tmp_path, broken, said):
        (tmp_path / broken).parent.mkdir()
        (tmp_path / broken).write_text("{% no such thing")
        plugin = """
from pathlib import Path
from harness import clauses, configuration
if (path := Path(__file__).with_name("clauses")).exists():
    clauses.DIRECTORY = path
else:
    configuration.TEMPLATES = Path(__file__).with_name("templates")
"""

        outcome = suite(
            """
            @clause("runtime.start.runs-program")
            def test_case():
                pass
            """,
            plugin=plugin,
        )

        assert said in usage_error(outcome)
        assert not (tmp_path / "results" / "results.jsonl").exists()

    @pytest.mark.parametrize("option", ["--help", "--collect-only"])
    def test_looking_does_not_operate(self, option, tmp_path):
        outcome = run_suite(option, "--runtime=/nonexistent", results=tmp_path)

        assert outcome.status == 0


class TestXdist:
    """What happens in workers arrives in the controller, or turns the run red."""

    CASES = """
        @clause("runtime.start.runs-program")
        @pytest.mark.parametrize("number", range(4))
        def test_case(create, number):
            assert create("exits").start().stopped().facts["ids"]["pid"] == 1
    """

    def test_verdicts_and_evidence_cross(self, suite):
        outcome = suite(self.CASES, "-n2")

        assert set(outcome.verdicts.values()) == {"pass"}
        assert outcome.status == 0
        assert all(case.operations and case.worker for case in outcome.run.cases)

    def test_a_worker_that_is_killed_ends_red(self, suite):
        outcome = suite(
            self.CASES
            + """
        @clause("runtime.start.runs-program")
        def test_dies():
            os.kill(os.getpid(), signal.SIGKILL)
        """,
            "-n2",
        )

        assert outcome.verdicts["test_dies"] == "error"
        assert outcome.status == 3

    def test_a_report_that_cannot_be_sent_ends_red(self, suite):
        outcome = suite(self.CASES + UNSENDABLE, "-n2")

        assert outcome.status == 3

    def test_what_a_runtime_prints_crosses_whatever_it_is(self, suite):
        outcome = suite(
            """
            @clause("runtime.start.runs-program")
            def test_case():
                assert "\\ud800\\0" == "x"
            """,
            "-n2",
        )

        assert (outcome.verdicts, outcome.status) == ({"test_case": "fail"}, 1)


UNSENDABLE = """
        @pytest.fixture(autouse=True)
        def unsendable(request):
            request.node.user_properties.append(("unsendable", object()))
"""
