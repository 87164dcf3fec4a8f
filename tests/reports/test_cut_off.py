"""A run that was killed at any moment renders, marked as cut off, with every finished case."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import door, options, results
from reports.__main__ import FORMATS
from reports.load import load
from tests.reports.conftest import Runs

if TYPE_CHECKING:
    from harness.results import Run

ROOT = Path(__file__).parents[2]


def whole() -> tuple[Run, str]:
    """Give a run with all kinds of evidence, and texts of several bytes, and its lines."""
    runs = Runs()
    odd = {"reason": "ä€😀 \\ud800 \u2028", "details": "\x1b[31m\n" * 50}
    cases = [runs.case(f"c{n}", "fail", **runs.evidence() | odd) for n in range(6)]
    run = runs.run(*cases)
    lines = [f'{{"type":"run",{results.dumps(vars(run.header))[1:]}']
    lines += [f'{{"type":"case",{results.dumps(vars(case))[1:]}' for case in cases]
    assert run.end is not None
    lines.append(f'{{"type":"end",{results.dumps(vars(run.end))[1:]}')
    return run, "".join(f"{line}\n" for line in lines)


RUN, TEXT = whole()
FIRST = TEXT.index("\n") + 1


def shown(run: Run) -> None:
    """Render a run in each format: it is said to be cut off and every case is there."""
    for name in FORMATS:
        text = importlib.import_module(f"reports.{name}").render(run)
        assert "cut off" in text.lower()
        if name == "html":
            assert text.count('<details class="case ') == len(run.cases)


ANY_BYTE = st.integers(FIRST, TEXT.rindex('{"type":"end"') - 1)


# Hypothesis may use the directory of one test for all examples: each writes the file anew.
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cut=ANY_BYTE)
def test_cut_at_any_byte_it_renders_with_every_finished_case(cut, tmp_path):
    file = tmp_path / "results.jsonl"
    file.write_bytes(TEXT.encode()[:cut])

    run = load(file)

    whole_lines = TEXT[:cut].count("\n") - 1
    assert run.end is None
    assert [case.case for case in run.cases[:whole_lines]] == [
        case.case for case in RUN.cases[:whole_lines]
    ]
    assert len(run.cases) - whole_lines in {0, 1}  # one may lack its newline alone
    shown(run)


TIMES = [pytest.param(n, marks=pytest.mark.long) if n > 3 else n for n in range(50)]


@pytest.mark.parametrize("number", TIMES)
def test_a_run_that_is_killed_renders_with_every_finished_case(number, tmp_path):
    """By SIGKILL, at a random moment after its first cases, with all that it has started."""
    directory = tmp_path / "results"
    words = [sys.executable, "-m", "pytest", str(ROOT / "suites" / "runtime"), "-q"]
    words += ["-p", "no:cacheprovider", f"--runtime={options.bundled_runtime()}"]
    words += ["-p", "no:randomly", f"--results={directory}"]
    process = subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
    )
    file = directory / "partial" / "results.jsonl"
    wanted = (7 * number * number + 3 * number + 1) % 60 + 1
    pidfd = os.pidfd_open(process.pid)
    try:
        until = time.monotonic() + 120
        while time.monotonic() < until and not door.readable(pidfd, 0.01):
            # The next line may come at any moment: it is that moment which is not chosen.
            if file.exists() and file.read_bytes().count(b"\n") > wanted:
                break
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(pidfd)

    run = load(file)

    assert run.end is None
    assert len(run.cases) >= wanted
    assert len(run.cases) >= file.read_bytes().count(b"\n") - 1
    shown(run)


def test_the_next_run_clears_what_a_killed_one_has_left(tmp_path):
    """Its cgroups and its directory, by the lock that nobody holds."""
    words = [sys.executable, "-m", "pytest", str(ROOT / "suites" / "glossary"), "-q"]
    words += ["-p", "no:cacheprovider", f"--runtime={options.bundled_runtime()}"]

    done = subprocess.run(
        [*words, f"--results={tmp_path}"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout
    assert results.read(tmp_path / "partial").end is not None
