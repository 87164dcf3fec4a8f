"""Lifecycles by model: the table is whole, the page shows it, what deviates is found and told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import clauses
from harness.hooks import KINDS
from harness.lifecycle import model, table
from harness.lifecycle.model import NONE, STATUSES, STOPPED
from harness.results import Verdict
from tests.conftest import ROOT, run_suite
from tools.launchers import write_launcher

pytestmark = pytest.mark.long

ONE = "suites/lifecycle/test_model.py::test_follows_the_model[one]"
ROWS = [*model.OPERATIONS_TABLE, *model.HOOKS_TABLE]


@pytest.fixture
def judged(tmp_path):
    """Run a scenario on a mutant, or on the reference runtime; returns the outcome."""

    def run(name="", *words, case=ONE):
        arguments = ["--spec-version=1.3.0", "--deadline=10", *words, case]
        if name:
            (one,) = [m for m in clauses.mutants.listed() if m.name == name]
            write_launcher(tmp_path / name, one)
            arguments.append(f"--runtime={tmp_path / name}")
        return run_suite(*arguments, results=tmp_path / "results")

    return run


def test_the_page_shows_the_model():
    page = (ROOT / "docs" / "lifecycle-model.md").read_text(encoding="utf-8")

    assert table.render() in page


def test_every_operation_of_the_runtime_is_known_in_every_status():
    operations = {row.operation for row in model.OPERATIONS_TABLE} - {"exit", "edit"}

    assert len(operations) >= 8
    for operation in operations:
        for status in STATUSES:
            assert model.find(model.OPERATIONS_TABLE, operation, status, "") is not None


def test_no_row_is_there_twice():
    keys = [(row.operation, row.before, row.bundle, row.errs) for row in ROWS]

    assert len(keys) == len(set(keys))


def test_every_clause_is_in_the_catalogue():
    named = {clause for row in ROWS for clause in row.clauses} | set(model.OBSERVED.values())
    named |= {clause for kind in KINDS for clause in model.of_hooks(kind)}

    assert named <= set(clauses.catalogue())
    assert all(set(model.clauses_of(name)) <= set(clauses.catalogue()) for name in model.SCENARIOS)


def test_what_errs_changes_nothing_but_where_a_hook_has_failed():
    assert [row for row in model.OPERATIONS_TABLE if row.errs and row.after != (row.before,)] == []


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_shortest_way_comes_to_its_row(row):
    *before, last = model.way(row)
    status, bundle = NONE, model.PLAIN
    for step in before:
        bundle = step.argument if step.operation == "create" else bundle
        found = model.find(model.OPERATIONS_TABLE, step.operation, status, "")
        assert found is not None
        (status,) = found.after

    assert (last.operation, status) == (row.operation, row.before)


def test_a_failing_hook_ends_its_kind_and_those_that_follow():
    ran = model.hooks_of("create", "createRuntime fails", KINDS, errs=True)

    assert ran == ["prestart 1", "prestart 2", "createRuntime 1", "poststop 1", "poststop 2"]
    assert model.hooks_of("delete", "poststop fails", KINDS, errs=False) == ran[-2:]
    assert model.hooks_of("start", model.PLAIN, KINDS, errs=False) == []


def test_the_shortest_sequence_is_told_and_its_script_shows_the_same(judged, tmp_path):
    outcome = judged("start_succeeds_after_a_kill_before_it", "--expectations=none")

    (case,) = outcome.run.cases
    assert (case.verdict, case.clauses) == (Verdict.FAIL, ["runtime.start.stopped-errors"])
    assert "1. create a" in case.reason
    shortest = [o.name for o in case.operations if o.name in {"create", "kill", "start"}][-3:]
    assert shortest == ["create", "kill", "start"]
    (script,) = (tmp_path / "results").glob("partial/evidence/*/repro.sh")
    assert script.read_text() == case.repro
    shown = subprocess.run([script], capture_output=True, text=True, check=False, timeout=60)
    assert " start c" in shown.stdout.split("exit status 0")[-2]
    environment = {**os.environ, "RUNTIME": str(Path(sys.prefix, "bin", "reference-runtime"))}
    right = subprocess.run([script], capture_output=True, text=True, check=False, env=environment)
    assert "exit status 1" in right.stdout


def test_a_sequence_is_the_same_each_time(judged):
    first = judged("an_id_is_lost_to_a_create_that_failed", "--expectations=none").run.cases[0]
    second = judged("an_id_is_lost_to_a_create_that_failed", "--expectations=none").run.cases[0]

    assert first.reason == second.reason


EXPECTED = """
[runtime]
name = "x"
versions = ">=0"

[[known]]
clause = "runtime.delete.created-errors"
cases = ["lifecycle/*"]
reason = "It is killed."
"""


def test_a_known_deviation_is_known_and_hides_no_other(judged, tmp_path):
    (tmp_path / "known.toml").write_text(EXPECTED)

    outcome = judged("delete_kills_what_is_created", f"--expectations={tmp_path}/known.toml")

    (case,) = outcome.run.cases
    assert (case.verdict, outcome.status) == (Verdict.KNOWN, 0)
    assert case.clauses == ["runtime.delete.created-errors"]
    assert "2. delete a" in case.reason


def test_a_known_deviation_that_is_gone_turns_the_gate_red(judged, tmp_path):
    (tmp_path / "known.toml").write_text(EXPECTED)

    outcome = judged("", f"--expectations={tmp_path}/known.toml", "--lifecycle-examples=1")

    assert (outcome.run.cases[0].verdict, outcome.status) == (Verdict.PASS, 1)
    assert "remove the entry" in outcome.output


def test_more_examples_search_longer(judged):
    told = []
    for number in (1, 4):
        (case,) = judged("", f"--lifecycle-examples={number}").run.cases
        told += [m.text for m in case.timeline if m.text.endswith(" steps")]
    sequences = [int(text.split()[0]) for text in told]

    assert sequences[1] >= 4 > sequences[0]


def test_hypothesis_is_loaded_only_by_the_search(tmp_path):
    plugin = (
        "import sys\ndef pytest_collection_finish(): print('loaded', 'hypothesis' in sys.modules)"
    )
    (tmp_path / "says.py").write_text(plugin)
    words = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-p",
        "says",
        "suites/lifecycle",
    ]

    done = subprocess.run(
        words,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "loaded False" in done.stdout


def test_stopped_is_where_all_ways_lead():
    left = {row.before for row in model.OPERATIONS_TABLE if STOPPED in row.after}

    assert {"created", "running"} <= left
