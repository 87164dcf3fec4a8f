"""A program that exec, or run, executes: what it shows and what came of the call."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness import events, procfs
from harness.faults import NotShown
from harness.runtime import OUTPUT_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from harness.probe import Line
    from harness.procfs import Process
    from harness.replay import Replay
    from harness.results import Operation
    from harness.runtime import Call
    from harness.terminal import Terminal


@dataclass
class Execution:
    """A program that exec, or run, executes: what it prints, and what came of the call."""

    call: Call
    nonce: str
    pid_file: Path
    terminal: Terminal | None = None
    log: Path | None = None
    """Where a program with a terminal writes to."""

    @property
    def operation(self) -> Operation:
        """The call as it is reported."""
        operations = self.call.journal.operations
        return next(one for one in reversed(operations) if one.name == self.call.name)

    @property
    def exit_status(self) -> int:
        """Of the call; NotShown if there is none."""
        status = self.operation.exit_status
        if status is None:
            raise NotShown(f"{self.call.name} has no exit status", self.call.name)
        self._replay.note("status", call=self.call.number, seen=status)
        return status

    @property
    def lines(self) -> list[Line]:
        """What the program has printed so far."""
        found = events.lines(self._output, self.nonce)
        events.noted(self._replay, self._output, found)
        return events.watched(lambda: self._replay, self._output, found)

    @property
    def facts(self) -> dict[str, Any]:
        """The facts that it printed; waits for them."""
        return self._shown("facts").data["facts"]  # type: ignore[return-value]

    @property
    def errors(self) -> list[Line]:
        """What it has written to standard error so far."""
        self._replay.beyond_it("standard error of the program")
        return events.lines(self.call.stderr, self.nonce)

    @property
    def signals(self) -> list[int]:
        """Numbers of the signals that it has caught so far."""
        lines = events.lines(self._output, self.nonce)
        found = [int(str(line.data["signal"])) for line in lines if line.event == "signal"]
        self._replay.column(self._output, ['"event":"signal"'], "signal", list(map(str, found)))
        return found

    def printed(self, event: str) -> Execution:
        """Wait until it has printed this; NotShown if that does not come in time."""
        self._shown(event)
        return self

    def caught(self, number: int) -> bool:
        """Wait until it has caught this signal; whether that came in time."""
        with suppress(NotShown):
            self._shown("signal", lambda line: line.data["signal"] == number)
        return number in self.signals

    @property
    def pid_text(self) -> str:
        """What its pid file says; empty without one."""
        self._replay.beyond_it("the pid file")
        return text_of(self.pid_file)

    @property
    def process(self) -> Process:
        """The process that its pid file names; NotShown if that is none."""
        text = self.pid_text
        found = procfs.Process.of(int(text)) if text.strip().isdigit() else None
        if found is None:
            raise NotShown(f"the pid file names no living process: {text[:40]!r}", self.call.name)
        return found

    @property
    def _replay(self) -> Replay:
        return self.call.journal.replay

    @property
    def _output(self) -> Path:
        return self.log or self.call.stdout

    def _shown(self, event: str, also: Any = lambda _: True) -> Line:  # noqa: ANN401 - a predicate
        def wanted(line: Line) -> bool:
            return bool(line.event == event and also(line))

        seconds = self.call.runtime.deadline
        found = events.wait(self._output, self.nonce, lambda ls: any(map(wanted, ls)), seconds)
        line = events.first(lambda: self._replay, self._output, found, wanted)
        self._replay.waited(self._output, [f'"event":"{event}"'], seen=line is not None)
        if line is not None:
            return line
        raise NotShown(f"what {self.call.name} executed did not show {event!r}", self.call.name)


def text_of(file: Path) -> str:
    """Return what is in a file of the runtime's; empty without one."""
    try:
        with file.open("rb") as opened:
            return opened.read(OUTPUT_BYTES).decode(errors="replace")
    except OSError:
        return ""
