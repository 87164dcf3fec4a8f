"""The page of the engine profile is of the catalogue as it is; its cases are no others' and all."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness import clauses
from tests.conftest import run_suite

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / clauses.ENGINE_DOCUMENT
CASES = "suites/engine/test_queries.py"


def test_the_tables_are_up_to_date():
    words = [sys.executable, "-m", "tools.engine_table"]

    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_every_anchor_is_a_heading_of_the_page():
    headings = re.findall(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    slugs = {heading.lower().replace(" ", "-") for heading in headings}

    anchors = {c.anchor.partition("#")[2] for c in clauses.catalogue().values() if c.clients}

    assert anchors == slugs


def test_cases_of_the_profile_name_clauses_of_no_other():
    """One failing engine clause must not count against the specification, nor the other way."""
    named = re.compile(r"@clause\(([^)]*)\)")
    for path in sorted((ROOT / "suites").rglob("test_*.py")):
        of_engines = path.parent.name == "engine"
        for match in named.findall(path.read_text(encoding="utf-8")):
            ids = re.findall(r'"([^"]+)"', match)
            assert {id_.startswith("engine.") for id_ in ids} == {of_engines}, path.name


@pytest.mark.parametrize(
    ("profiles", "verdicts"), [((), {"not-applicable"}), (("--profile=engine",), {"pass"})]
)
def test_cases_are_run_only_if_asked_for(tmp_path, profiles, verdicts):
    outcome = run_suite(CASES, "-q", "-n0", "--tb=no", *profiles, results=tmp_path)

    assert {case.verdict.value for case in outcome.run.cases} == verdicts, outcome.output
    assert {case.profile for case in outcome.run.cases} == {"engine"}
    assert ("What engines need" in outcome.output) is bool(profiles)


@pytest.mark.parametrize("name", ["pretends", "succeeds"])
def test_what_makes_no_container_passes_none_of_them(tmp_path, name):
    runtime = ROOT / "tests" / "miniatures" / name
    words = ["suites/engine", "--profile=engine", "--spec-version=1.3.0", "--deadline=0.1", "-q"]

    outcome = run_suite(*words, f"--runtime={runtime}", "-n2", "--tb=no", results=tmp_path)

    held = [case.case for case in outcome.run.cases if case.verdict.value in {"pass", "recorded"}]
    errors = [case.case for case in outcome.run.cases if case.verdict.value == "error"]
    assert (held, errors) == ([], [])
