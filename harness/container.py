"""Container: one container of a case, operated through the runtime, watched from the host."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

from harness import controllers, door, events, mountinfo, procfs, replay
from harness.faults import HarnessError, NotShown
from harness.looks import literal
from harness.procfs import Process
from harness.shown import Shown
from harness.state import State, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.bundle import Bundle
    from harness.controllers import Limits
    from harness.mountinfo import Mount
    from harness.probe import Line
    from harness.runtime import Call, Runtime
    from harness.terminal import Terminal


class Container:
    """A container that create has made; operations raise the RuntimeFault that they end in."""

    def __init__(
        self,
        runtime: Runtime,
        id_: str,
        bundle: Bundle,
        output: Path,
        terminal: Terminal | None = None,
    ) -> None:
        self.id = id_
        self.bundle = bundle
        self.runtime = runtime
        self.deleted = False
        self._output = output
        self._terminal = terminal
        self._last = "create"
        self._process: Process | None = None
        self._pidfd: int | None = None
        self._facts: Shown | None = None
        self._earlier: int | None = 0
        """Signals that it caught for earlier cases; None until somebody has counted them."""
        self._used = False

    # Operations

    def state(self) -> State:
        """Query its state."""
        return self.runtime.state(self.id)

    def status(self) -> str:
        """Query its state and return the status."""
        return self.state().status

    def start(self) -> Container:
        """Start the program."""
        self.watch()
        self._last = "start"
        self.runtime.start(self.id)
        return self

    def starting(self) -> Call:
        """Call start without waiting for it; the caller ends it by ``finish``."""
        self.watch()
        self._last = "start"
        return self.runtime.starting(self.id)

    def kill(
        self, signal_: str | int | None = signal.SIGKILL, *, numeric: bool = False
    ) -> Container:
        """Send a signal: a number in the adapter's spelling, or a text as it is.

        ``numeric`` asks for the spelling as a number also where the signal has a name; None gives
        no signal at all.
        """
        self.watch()
        self._count_earlier()
        self._used = True
        self._last = "kill"
        if isinstance(signal_, int):
            adapter = self.runtime.adapter
            signal_ = adapter.signal_number(signal_) if numeric else adapter.signal(signal_)
        self.runtime.kill(self.id, signal_)
        return self

    def delete(self) -> None:
        """Delete it; it has to be stopped."""
        self._last = "delete"
        self.runtime.delete(self.id)
        self.deleted = True

    def execute(self, **process: object) -> Mapping[str, Any]:
        """Execute a further program by the runtime's exec; return the facts that it prints.

        ``process`` are the members of its configuration besides args, cwd and user.
        """
        words = [f"nonce={self.bundle.nonce}", "facts"]
        least = {"args": ["/probe", *words], "cwd": "/", "user": {"uid": 0, "gid": 0}}
        self._last = "exec"
        output = self.runtime.exec(self.id, {**least, **process})
        for line in events.lines(output, self.bundle.nonce):
            if line.event == "facts":
                watched = events.watched(lambda: self._replay, output, [line])[0]
                return Shown(watched.data["facts"], "the facts", self._last)  # type: ignore[arg-type]
        raise NotShown("what exec executed did not show its facts", self._last)

    def after(self, operation: str) -> Container:
        """What it shows from now on comes after this operation, which an engine has called."""
        self._last = operation
        return self

    # What the program shows

    @property
    def lines(self) -> list[Line]:
        """What its program has printed so far."""
        found = events.lines(self._output, self.bundle.nonce)
        events.noted(self._replay, self._output, found)
        return events.watched(lambda: self._replay, self._output, found)

    @property
    def errors(self) -> list[Line]:
        """What its program has written to standard error so far."""
        return events.lines(self._output.with_suffix(".err"), self.bundle.nonce)

    @property
    def facts(self) -> Shown:
        """The facts that its program printed; waits for them."""
        if self._facts is not None:
            self._replay.waited(self._output, ['"event":"facts"'], seen=True)
        else:
            found = self._shown(lambda line: line.event == "facts", "facts", '"event":"facts"')
            self._facts = Shown(found.data["facts"], "the facts", self._last)  # type: ignore[arg-type]
        return self._facts

    @property
    def mounts(self) -> list[Mount]:
        """The mount table that its program printed among its facts."""
        table = mountinfo.parse(self.facts.peek("mountinfo"))
        self._replay.mounts(self._output, "", mountinfo.plain(table))
        return table

    def mount(self, point: str) -> Mount:
        """Return what its program has mounted on top at ``point``; NotShown if nothing is."""
        table = mountinfo.parse(self.facts.peek("mountinfo"))
        self._replay.mounts(self._output, point, mountinfo.plain(table, point))
        found = mountinfo.on_top(table, point)
        if found is None:
            raise NotShown(f"nothing is mounted at {point}", "create")
        return found

    def ran(self, path: str) -> dict[str, Any]:
        """Return the ids that the program at ``path`` had, which its own one ran; empty if not."""
        for line in self.lines:
            if line.event == "facts" and line.as_ == path:
                return dict(line.data["facts"]["ids"])  # type: ignore[index]
        return {}

    def printed(self, event: str) -> Container:
        """Wait until its program has printed this event; NotShown if it does not in time."""
        self._shown(lambda line: line.event == event, event, f'"event":"{event}"')
        return self

    def tried(self, path: str) -> dict[str, Any]:
        """Wait for the outcome of the try on ``path``: errno, result and what it found."""
        text = f'"path":{literal(path)}'
        found = self._shown(lambda line: line.data.get("path") == path, f"try {path}", text)
        return found.data  # type: ignore[return-value]

    @property
    def signals(self) -> list[int]:
        """Numbers of the signals that its program has caught so far."""
        found, earlier = self._caught(), self._count_earlier()
        own = list(map(str, found[earlier:]))
        self._replay.column(self._output, ['"event":"signal"'], "signal", own)
        return found

    def _caught(self) -> list[int]:
        lines = events.lines(self._output, self.bundle.nonce)
        return [int(str(line.data["signal"])) for line in lines if line.event == "signal"]

    def lend(self) -> None:
        """Hand it to a further case: what it did for others is no part of what that one shows."""
        self._earlier = None
        if self._used and not self._replay.earlier:
            self._replay.earlier.append("kills of the same container by other cases")

    def _count_earlier(self) -> int:
        if self._earlier is None:
            self._earlier = len(self._caught())
        return self._earlier

    def caught(self, count: int) -> list[int]:
        """Wait until its program has caught ``count`` signals; return those that it caught."""
        earlier = self._count_earlier()
        self._wait(
            lambda lines: sum(line.event == "signal" for line in lines) >= count,
            '"event":"signal"',
            count=count - earlier,
        )
        return self.signals

    def caught_until(self, number: int) -> list[int]:
        """Wait until its program has caught this signal; return those that it caught by then."""
        self._wait(
            lambda lines: any(line.data.get("signal") == number for line in lines),
            f'"signal":{number},',
        )
        return self.signals

    @property
    def _replay(self) -> replay.Replay:
        return self.runtime.journal.replay

    def _shown(self, wanted: Callable[[Line], bool], what: str, text: str) -> Line:
        found = self._wait(lambda lines: any(map(wanted, lines)), text)
        line = events.first(lambda: self._replay, self._output, found, wanted)
        if line is None:
            raise NotShown(f"after {self._last} the program did not show {what!r}", self._last)
        self.runtime.journal.moment("program", what)
        return line

    def _wait(
        self, ready: Callable[[list[Line]], bool], text: str, *, count: int = 1
    ) -> list[Line]:
        found = events.wait(
            self._output, self.bundle.nonce, ready, self.runtime.deadline, self._pidfd
        )
        self._replay.waited(self._output, [text], seen=ready(found), count=count)
        return found

    # Its process, seen from the host

    @property
    def process(self) -> Process:
        """The container process by the pid that the state reports; NotShown if there is none."""
        self._replay.beyond_it("the container process as the host sees it")
        return self._found()

    def _found(self) -> Process:
        if self._process is None:
            pid = self.state().pid
            found = Process.of(pid) if pid is not None else None
            if found is None:
                raise NotShown(f"the state names no living process (pid {pid})", self._last)
            self._process = found
            self._open(found.pid)
        return self._process

    @property
    def limits(self) -> Limits:
        """The control files of its cgroups, found by its process."""
        return controllers.Limits.of(self._found(), self._replay.cgroup)

    def watch(self) -> None:
        """Hold on to the container process, so that its end is an event and not a guess.

        Runtimes that follow the usual way leave it to us, the subreaper, as a child; the runtime is
        asked for the pid only where no single new child is found.
        """
        if self._pidfd is None:
            self._found()  # asks the runtime and opens the pidfd

    @property
    def terminal(self) -> Terminal:
        """The caller's end of its terminal, which its process asks for.

        Its program then says everything ``to=/log``, where no terminal changes it.
        """
        if self._terminal is None:
            raise HarnessError("the bundle asks for no terminal")
        return self._terminal

    def adopt(self, pid: int) -> None:
        """Take our new child ``pid`` for the container process when waiting for its end."""
        self._open(pid)

    def _open(self, pid: int) -> None:
        if self._pidfd is None:
            try:
                self._pidfd = os.pidfd_open(pid)
            except OSError:  # it ended meanwhile
                return
            self._pid = pid

    def exited(self, *, reap: bool = True) -> bool:
        """Wait for the end of the container process; whether it came before the deadline.

        ``reap`` collects its exit status where it is our child; without, it stays a zombie.
        """
        self.watch()
        if self._pidfd is None:
            return True
        ended = door.readable(self._pidfd, self.runtime.deadline)
        self._replay.note("exit", seen=ended, id=self.id)
        if not reap:
            self._replay.lacking("an ended process that nobody collects")
        if ended and reap:
            procfs.reap(self._pid)
        return ended

    def ended(self, *, reap: bool = True) -> Container:
        """Wait for the end of the container process alone; NotShown if it does not end in time."""
        if not self.exited(reap=reap):
            raise NotShown(f"after {self._last} the container process did not end", self._last)
        return self

    def settled(self, status: str) -> str:
        """Query until the status is this one or the deadline is over; return the last one."""
        deadline = time.monotonic() + self.runtime.deadline
        steps = len(self._replay.steps)
        while (found := self.status()) != status and time.monotonic() < deadline:
            # Each turn waits for one whole operation of the runtime: there is no event for this.
            continue
        self._replay.settled(steps, status, found)
        return found

    def stopped(self, *, reap: bool = True) -> Container:
        """Wait for the end of the container process and until the status is stopped.

        Raises NotShown if the process does not end, or the status does not follow in time.
        """
        if not self.exited(reap=reap) and self.status() != Status.STOPPED:
            raise NotShown(f"after {self._last} the container process did not end", self._last)
        if (status := self.settled(Status.STOPPED)) != Status.STOPPED:
            raise NotShown(f"the process has ended, the status is {status!r}", self._last)
        return self

    def halted(self) -> bool:
        """Wait until a signal has stopped the container process; whether that came in time."""
        deadline = time.monotonic() + self.runtime.deadline
        while not self._found().halted and time.monotonic() < deadline:
            # As in settled: each turn waits for one whole operation, there is no event for this.
            self.status()
        return self._found().halted

    def close(self) -> None:
        """Let go of the process and of its terminal."""
        if self._terminal is not None:
            self._terminal.close()
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
