"""Which cases a lane runs: by default what a run on the host had to skip."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness import door, results
from harness.faults import UsageError
from harness.results import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

UNSEEN = {Verdict.SKIP, Verdict.NOT_APPLICABLE}


def skipped(paths: Sequence[Path]) -> list[str]:
    """Return the cases that a run skipped and no other ran; UsageError if there are none.

    Not those that apply in no run: they would not elsewhere. A run that was cut off may lack some.
    """
    found: dict[str, set[Verdict]] = {}
    for path in paths:
        run = results.read(path)
        if run.end is None or run.end.interrupted:
            raise UsageError(f"{path}: was cut off, so what it skipped is not known; run it again")
        for case in run.cases:
            found.setdefault(case.case, set()).add(case.verdict)
    left = [
        case for case, verdicts in found.items() if Verdict.SKIP in verdicts and verdicts <= UNSEEN
    ]
    if not left:
        names = ", ".join(map(str, paths))
        raise UsageError(f"{names}: skipped no case, so there is nothing to run in a lane")
    return left


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
