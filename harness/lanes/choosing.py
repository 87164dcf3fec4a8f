"""Which cases a lane runs: by default what a run on the host had to skip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import results
from harness.faults import UsageError
from harness.results import Verdict

if TYPE_CHECKING:
    from pathlib import Path


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


def arguments(cases: list[str]) -> str:
    """Write cases as a file of arguments for pytest, which takes one a line after an ``@``."""
    return "".join(f"suites/{case}\n" for case in cases)
