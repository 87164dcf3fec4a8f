"""The controller's side of a run: results.jsonl as cases end, the exit status, the summary."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness import results, strict
from harness.faults import ResultsError
from harness.results import Case, End, Header, Verdict

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from harness.expectations import Expectations

OK, FAILED, ERROR, NOTHING_RAN = 0, 1, 3, 5


@dataclass
class Recorder:
    """Collects the cases of a run. Nothing is written before the first of them ends."""

    directory: Path
    header: Header
    expectations: Expectations
    gate: str = "must"
    """The lowest level that decides about the exit status: must or should."""
    collected: set[str] = field(default_factory=set)
    cases: dict[str, Case] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    _stream: TextIO | None = None
    _writer: results.Writer | None = None

    def prepare(self) -> None:
        """Make the directory; ResultsError if nothing can be written there."""
        probe = self.directory / ".writable"
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink()
        except OSError as error:
            message = f"--results {self.directory}: cannot be written ({error.strerror})"
            raise ResultsError(message) from error

    def record(self, case: Case, text: str = "") -> None:
        """Write one case, as ``text`` if that is its JSON form already.

        A second record of the same case is a bug of ours and turns the run red.
        """
        if case.case in self.cases:
            self.problems.append(f"{case.case} was recorded twice")
            return
        self.cases[case.case] = case
        self._write(case, text)
        if case.repro:
            self._write_script(case)

    def _write(self, line: Case | End, text: str = "") -> None:
        if self._writer is None:
            # Kept open to the end of the run, each line flushed.
            self._stream = (self.directory / "results.jsonl").open("w", encoding="utf-8")
            self._writer = results.Writer(self._stream)
            self._writer.write(self.header)
        self._writer.write(line, text)

    def _write_script(self, case: Case) -> None:
        """Write evidence/CASE/repro.sh."""
        directory = self.directory / "evidence" / re.sub(r"[^A-Za-z0-9_.-]+", "-", case.case)
        directory.mkdir(parents=True, exist_ok=True)
        unfinished = directory / ".repro.sh"
        unfinished.write_text(case.repro, encoding="utf-8", errors="backslashreplace")
        unfinished.chmod(0o755)
        unfinished.replace(directory / "repro.sh")

    def finish(self, *, interrupted: bool) -> int:
        """Write the end line; return the exit status of the run."""
        if not interrupted:
            self._look_for_problems()
        status = self._exit_status()
        counts = Counter(case.verdict.value for case in self.cases.values())
        inside = sum(case.runtime_seconds for case in self.cases.values())
        spent = sum(case.seconds for case in self.cases.values())
        self._write(
            End(
                collected=len(self.collected),
                recorded=len(self.cases),
                counts=dict(sorted(counts.items())),
                exit_status=status,
                interrupted=interrupted,
                seconds=round(time.monotonic() - self.began, 3),
                runtime_seconds=round(inside, 3),
                overhead_seconds=round(spent - inside, 3),
                leaks=self.leaks,
                problems=self.problems,
            )
        )
        if self._stream is not None:
            self._stream.close()
        return status

    def _look_for_problems(self) -> None:
        missing = sorted(self.collected - set(self.cases))
        self.problems += [f"{case} was collected and has no result" for case in missing]
        ran = ((case.case, case.clauses, case.verdict) for case in self.cases.values())
        self.problems += strict.passing(self.expectations, ran)
        today = datetime.now(UTC).date()
        self.problems += strict.expired(self.expectations, self.header.runtime.version, today)
        self.problems += strict.unadjudicated(self.expectations)
        if not self.header.partial:
            named = ((case.case, case.clauses) for case in self.cases.values())
            self.problems += strict.unmatched(self.expectations, named)

    def _exit_status(self) -> int:
        verdicts = {case.verdict for case in self.cases.values()}
        lost = self.collected - set(self.cases)
        if Verdict.ERROR in verdicts or lost or self.leaks:
            return ERROR
        advised = self.gate == "should" and Verdict.ADVICE in verdicts
        if self.problems or advised or any(verdict.gates for verdict in verdicts):
            return FAILED
        if not any(verdict.ran for verdict in verdicts):
            return NOTHING_RAN
        return OK

    def run(self) -> results.Run:
        """Return the run as it was written."""
        return results.read(self.directory)


def started() -> str:
    """Now, as the header has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
