"""Runtimes that are no runtimes pass nothing: the suite cannot be fooled by an exit status."""

from __future__ import annotations

import fnmatch
import tomllib
from pathlib import Path

import pytest

from harness.results import Verdict
from tests.conftest import run_suite

MINIATURES = Path(__file__).parent / "miniatures"
HELD = {Verdict.PASS, Verdict.RECORDED}


def judge(name, tmp_path, *arguments):
    """Run the whole suite on a miniature, every case of which is to meet it."""
    chosen = (f"--runtime={MINIATURES / name}", "--spec-version=1.3.0", "-q", "--tb=no")
    return run_suite(*chosen, *arguments, results=tmp_path)


def test_what_pretends_passes_only_the_argued_cases(tmp_path):
    argued = tomllib.loads((MINIATURES / "pretends.toml").read_text())["argued"]

    # Most cases wait for a sign that never comes: the shorter, the sooner this ends.
    outcome = judge("pretends", tmp_path, "--deadline=0.1", "-n6", "--dist=loadscope")

    held = [case.case for case in outcome.run.cases if case.verdict in HELD]
    surprising = [c for c in held if not any(fnmatch.fnmatchcase(c, p) for p in argued)]
    assert surprising == []
    assert [p for p in argued if not fnmatch.filter(held, p)] == []
    assert [case.case for case in outcome.run.cases if case.verdict is Verdict.ERROR] == []
    assert outcome.status == 1


@pytest.mark.parametrize(
    "name",
    [
        "fails",
        "succeeds",
        pytest.param("prints_garbage", marks=pytest.mark.long),
        pytest.param("dies_by_sigsegv", marks=pytest.mark.long),
    ],
)
def test_what_makes_no_container_passes_no_case(name, tmp_path):
    outcome = judge(name, tmp_path)

    assert [case.case for case in outcome.run.cases if case.verdict in HELD] == []
    assert [case.case for case in outcome.run.cases if case.verdict is Verdict.ERROR] == []
    assert outcome.status == 1


def test_what_hangs_ends_within_a_minute_and_passes_no_case(tmp_path):
    outcome = judge("hangs", tmp_path)

    assert [case.case for case in outcome.run.cases if case.verdict in HELD] == []
    assert [case.case for case in outcome.run.cases if case.verdict is Verdict.ERROR] == []
    assert outcome.status == 1
    # The wall time of a test is the machine's; how often it waits for a deadline of 5 s is ours.
    waited = [
        operation
        for case in outcome.run.cases
        for operation in case.operations
        if operation.fault == "RuntimeHung" and operation.seconds
    ]
    assert 0 < len(waited) <= 60 // 5 - 2  # two more for its identification
    # Of an operation that was not tried nothing is known: the case is blocked, and no deviation.
    untried = [
        case
        for case in outcome.run.cases
        if case.operations and not any(operation.seconds for operation in case.operations)
    ]
    assert len(untried) > 100
    assert {case.verdict for case in untried} == {Verdict.BLOCKED}
