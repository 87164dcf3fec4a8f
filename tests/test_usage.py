"""Bad input gives one line, exit status 4, and nothing half-written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT, run_suite


def usage_error(outcome):
    """The one line of a usage error; empty if it was something else."""
    lines = [line for line in outcome.output.splitlines() if line.startswith("ERROR: ")]
    return lines[0] if outcome.status == 4 and len(lines) == 1 else ""


class TestOptions:
    """Bad input gives one line, exit status 4, and nothing half-written."""

    @pytest.mark.parametrize("form", ["--runtime={}", "--runtime {}"])
    @pytest.mark.parametrize("workers", ["-n0", "-n2"])
    def test_the_runtime_is_taken_with_and_without_the_equals_sign(self, form, workers, tmp_path):
        fails = ROOT / "tests" / "miniatures" / "fails"
        most = ["--ignore=suites/config", "--ignore=suites/config_linux"]
        words = [*form.format(fails).split(), workers, "-k", "nonexistent", *most]

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
            ("--lane=../v2", "letters, digits, points and hyphens"),
            ("--expectations=/nonexistent.toml", "/nonexistent.toml"),
            ("--cgroup-view=v2 --rootless", "only root can mount cgroups anew"),
        ],
    )
    def test_an_option_that_makes_no_sense(self, option, said, tmp_path):
        assert said in usage_error(run_suite(*option.split(), results=tmp_path))

    def test_a_results_directory_that_cannot_be_written(self, tmp_path):
        (tmp_path / "file").touch()

        outcome = run_suite(results=tmp_path / "file" / "below")

        assert "cannot be written" in usage_error(outcome)

    def test_a_case_that_names_no_clause(self, suite):
        outcome = suite("""
            def test_case():
                pass
        """)

        assert outcome.status == 4
        assert "test_case: names no clause" in outcome.output

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
