"""Runtimes that mean harm: each run ends in time, judges rightly, leaves nothing on the host."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness import options, results
from harness.results import Verdict
from tests.conftest import ROOT

pytestmark = pytest.mark.long

HOSTILE = Path(__file__).parent / "miniatures" / "hostile"

CASES = (
    "runtime/test_create.py::test_creates_a_container",
    "runtime/test_delete.py::test_forgets_the_container",
    "runtime/test_kill.py::test_reaches_a_created_container",
    "runtime/test_kill.py::test_sends_the_given_signal[name-15]",
    "runtime/test_lifecycle.py::test_undoes_what_create_did",
    "runtime/test_start.py::test_refuses_a_running_container",
)
"""One of each operation, one of a shared container, one that looks at the world, one negative."""

PEAK = 200
"""MiB of memory that a run may take."""
SECONDS = 90

HELD = {Verdict.PASS, Verdict.RECORDED}
WORKS = dict.fromkeys(("changes_the_terminal", "leaks_cgroups", "leaks_mounts"), CASES)
"""What may hold: these do what they are asked, and something else."""
HOLDS = {
    **WORKS,
    **{
        path.name: ("runtime/test_kill.py::test_sends_the_given_signal[name-15]",)
        for path in HOSTILE.glob("answers_state_*")
    },
    **dict.fromkeys(
        ("deletes_the_bundle", "edits_the_bundle"),
        (
            "runtime/test_create.py::test_creates_a_container",
            "runtime/test_kill.py::test_reaches_a_created_container",
        ),
    ),
}
"""And these: a container process is taken from our own children where the state says nothing, and
is there before start whatever becomes of the bundle."""
ENDS_US = {"kills_the_group_of_its_parent", "terminates_the_group_of_its_parent"}


@dataclass(frozen=True)
class Judged:
    """A run against one of them."""

    report: dict[str, Any]
    output: str
    run: results.Run

    @property
    def verdicts(self):
        """By case."""
        return {case.case: case.verdict for case in self.run.cases}


NOTHING: dict[str, list[str]] = {"processes": [], "mounts": [], "cgroups": [], "files": []}


def command(name, tmp_path, *words, deadline=0.7):
    """Write the miniature; return the command line that runs CASES against it, and the results."""
    program = tmp_path / name
    text = (HOSTILE / name).read_text(encoding="utf-8")
    program.write_text(text.replace("@REFERENCE@", str(options.bundled_runtime())))
    program.chmod(0o755)
    there = tmp_path / f"results-{name}"
    chosen = [f"--runtime={program}", "--spec-version=1.3.0", "--expectations=none", "-q"]
    chosen += [
        f"--deadline={deadline}",
        f"--results={there}",
        "--tb=short",
        "-p",
        "no:cacheprovider",
    ]
    # Workers make a base for temporary files, which pytest keeps.
    argv = [sys.executable, "-m", "pytest", *chosen, f"--basetemp={tmp_path / 'base'}", *words]
    return [*argv, *(f"suites/{case}" for case in CASES)], there / "partial"


def surrounded(tmp_path, argv):
    """Run a program in private surroundings; return the report and its output."""
    report = tmp_path / "report.json"
    words = [sys.executable, "-m", "tests.inventory", str(report), str(tmp_path), *argv]
    done = subprocess.run(
        words,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=SECONDS * 2,
        check=False,
    )
    assert report.exists(), done.stdout
    return json.loads(report.read_text()), done.stdout


def judge(name, tmp_path, *words):
    """Run CASES against a miniature, in private surroundings."""
    argv, there = command(name, tmp_path, *words)
    report, output = surrounded(tmp_path, argv)
    return Judged(report, output, results.read(there))


@pytest.mark.parametrize("name", sorted(p.name for p in HOSTILE.iterdir() if p.name not in ENDS_US))
def test_a_run_ends_judged_and_clean(name, tmp_path):
    judged = judge(name, tmp_path)

    assert judged.report["left"] == NOTHING
    assert "INTERNALERROR" not in judged.output
    assert set(judged.verdicts) == set(CASES)
    assert [case.reason for case in judged.run.cases if case.verdict is Verdict.ERROR] == []
    held = {case for case, verdict in judged.verdicts.items() if verdict in HELD}
    assert held <= set(HOLDS.get(name, ()))
    assert judged.run.end is not None
    assert judged.report["status"] == judged.run.end.exit_status
    assert judged.report["peak"] < PEAK * 1024
    assert judged.report["seconds"] < SECONDS


@pytest.mark.parametrize("name", sorted(ENDS_US))
def test_a_worker_that_is_killed_is_an_error_and_the_run_goes_on(name, tmp_path):
    judged = judge(name, tmp_path, "-n1", "--max-worker-restart=20")

    assert judged.report["left"] == NOTHING
    assert set(judged.verdicts.values()) == {Verdict.ERROR}
    assert set(judged.verdicts) == set(CASES)
    assert (judged.run.end is not None, judged.report["status"]) == (True, 3)
    assert "INTERNALERROR" not in judged.output


@pytest.mark.parametrize("name", sorted(ENDS_US))
def test_a_run_that_is_killed_is_cut_off_and_the_next_one_clears_it(name, tmp_path):
    killed, there = command(name, tmp_path)
    next_one, _ = command("changes_the_terminal", tmp_path, deadline=10)

    # Each in a group of its own, so that the second is there when the first has killed its own.
    both = f"setsid -w {shlex.join(killed)}; exec {shlex.join(next_one)}"
    report, output = surrounded(tmp_path, ["sh", "-c", both])

    assert report["left"] == NOTHING
    assert not (there / "results.jsonl").exists() or results.read(there).end is None
    assert report["status"] == 0, output


def test_a_terminal_is_as_it_was(tmp_path):
    argv, there = command("changes_the_terminal", tmp_path, deadline=10)
    master, slave = os.openpty()
    before = termios.tcgetattr(slave), termios.tcgetwinsize(slave)

    done = subprocess.run(
        argv,
        cwd=ROOT,
        stdin=slave,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0),
        pass_fds=[slave],
        timeout=SECONDS,
        check=False,
    )

    assert (termios.tcgetattr(slave), termios.tcgetwinsize(slave)) == before
    assert (done.returncode, results.read(there).counts[Verdict.PASS]) == (0, len(CASES))
    os.close(master)
    os.close(slave)
