"""Which cases a lane runs: by default what a run on the host had to skip."""

from __future__ import annotations

import sys
from pathlib import Path

from harness import door, results
from harness.faults import UsageError
from harness.results import Verdict


def skipped(path: Path) -> list[str]:
    """Return the ids of the cases that a run skipped; UsageError if there are none.

    Not those that do not apply: they would not elsewhere. A run that was cut off may lack some.
    """
    run = results.read(path)
    if run.end is None or run.end.interrupted:
        raise UsageError(f"{path}: was cut off, so what it skipped is not known; run it again")
    found = [case.case for case in run.cases if case.verdict is Verdict.SKIP]
    if not found:
        raise UsageError(f"{path}: skipped no case, so there is nothing to run in a lane")
    return found


def known(cases: list[str]) -> list[str]:
    """Return those that this suite has; UsageError if it has none: an older suite made the run."""
    collected = _collected()
    found = [case for case in cases if case in collected]
    if not found:
        raise UsageError("this suite has none of the cases that the run skipped; run it again")
    return found


def _collected() -> set[str]:
    suites = Path(__file__).parents[2] / "suites"
    argv = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    lines = door.output([*argv, str(suites)]).splitlines()
    return {line.removeprefix("suites/") for line in lines if line.startswith("suites/")}


def arguments(cases: list[str]) -> str:
    """Write cases as a file of arguments for pytest, which takes one a line after an ``@``."""
    return "".join(f"suites/{case}\n" for case in cases)
