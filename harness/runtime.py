"""Runtime: the program under test. Every call of it is made, measured and noted here."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from harness import door, state
from harness.caller import Caller
from harness.faults import (
    MalformedOutput,
    OperationError,
    RuntimeCrashed,
    RuntimeFault,
    RuntimeHung,
)
from harness.journal import Journal, cut
from harness.looks import Seen
from harness.results import Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.runtimes import CommandLine

OUTPUT_BYTES = 1 << 20
"""Bytes of an output that are read; a state document is far smaller."""


@dataclass
class Patience:
    """How often in a row a runtime may reach its deadline before it is not called any more."""

    limit: int = 3
    """Of a runtime of which no operation has ended in time."""
    limit_of_one_that_works: int = 10
    """Some hang for a reason of the case, and in any order; a busy host makes any wait."""
    hung: int = 0
    works: bool = False

    def note(self, *, hung: bool) -> None:
        """Count an operation that has ended."""
        self.hung = self.hung + 1 if hung else 0
        self.works = self.works or not hung

    @property
    def exhausted(self) -> bool:
        """Whether the last operations did not end in time, as many as it is given."""
        return self.hung >= (self.limit_of_one_that_works if self.works else self.limit)


@dataclass
class Runtime:
    """A runtime with a state directory of its own.

    Its operations raise a RuntimeFault for everything but success. ``deadline`` is in seconds and
    holds for one operation.
    """

    path: str
    adapter: CommandLine
    root: Path
    """Directory for --root."""
    scratch: Path
    """Directory for the files that take the output."""
    deadline: float
    journal: Journal = field(default_factory=Journal)
    patience: Patience = field(default_factory=Patience)
    caller: Caller = field(default_factory=Caller)
    """Who calls it."""
    options: Sequence[str] | None = None
    """Options before the operation, in place of the adapter's."""
    after: Callable[[], None] = lambda: None
    """Called when an operation has ended: for what it has had run meanwhile."""
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def create(
        self,
        id_: str | None,
        bundle: str | None,
        cwd: Path | None = None,
        console: Path | None = None,
        options: Sequence[str] = (),
    ) -> Path:
        """Create a container; return the file that takes its program's standard output.

        ``console`` is the socket to which the master of its terminal is to be sent.
        """
        words = self.adapter.create(id_, bundle)
        if console is not None:
            words = self.adapter.with_console(words, console)
        words[1:1] = options
        return self._call("create", words, cwd=cwd, id_=id_).stdout

    def state(self, id_: str | None) -> state.State:
        """Query the state; MalformedOutput if it is no JSON object."""
        call = self._call("state", self.adapter.state(id_))
        text = _read(call.stdout)
        try:
            found = state.parse(text)
        except (ValueError, RecursionError) as error:
            message = f"state printed what is no state: {error}: {cut(text, 200)!r}"
            raise MalformedOutput(message, self.journal.operations[-1]) from error
        note = partial(self.journal.replay.field, call.stdout, ())
        found = state.State(Seen(found.document, note))
        self.journal.moment("status", found.status)
        return found

    def start(self, id_: str | None) -> None:
        """Start the user-specified program of a created container."""
        self._call("start", self.adapter.start(id_))

    def starting(self, id_: str) -> Call:
        """Call start and do not wait: for what happens meanwhile. End it by ``finish``."""
        return self._begin("start", self.adapter.start(id_))

    def creating(self, id_: str, bundle: str) -> Call:
        """Call create and do not wait. End it by ``finish``."""
        return self._begin("create", self.adapter.create(id_, bundle), id_=id_)

    def killing(self, id_: str, signal: str) -> Call:
        """Call kill and do not wait. End it by ``finish``."""
        return self._begin("kill", self.adapter.kill(id_, signal))

    def deleting(self, id_: str) -> Call:
        """Call delete and do not wait. End it by ``finish``."""
        return self._begin("delete", self.adapter.delete(id_))

    def kill(self, id_: str | None, signal: str | None) -> None:
        """Send a signal, spelt as the adapter spells it, to the container process."""
        self._call("kill", self.adapter.kill(id_, signal))

    def delete(self, id_: str | None) -> None:
        """Delete a stopped container."""
        self._call("delete", self.adapter.delete(id_))

    def force_delete(self, id_: str) -> None:
        """End and remove a container in any state: the harness's own cleaning."""
        self._call("cleanup", self.adapter.force_delete(id_))

    def exec(self, id_: str, process: Mapping[str, object]) -> Path:
        """Execute a further program in a container and wait for its end; return its output.

        No operation of the specification, but what some of its properties are about.
        """
        file = self.scratch / f"{next(self._numbers)}-process.json"
        file.write_text(json.dumps(process))
        return self._call("exec", self.adapter.exec(id_, file)).stdout

    def update(self, id_: str, resources: Mapping[str, object]) -> None:
        """Change the limits of a container: no operation of the specification either."""
        file = self.scratch / f"{next(self._numbers)}-resources.json"
        file.write_text(json.dumps(resources))
        self._call("update", self.adapter.update(id_, file))

    def operate(self, name: str, words: Sequence[str], *, waits: bool = True) -> Call:
        """Call it with these words, of an operation that the specification does not know.

        Without ``waits`` the caller ends it by ``finish``.
        """
        call = self._begin(name, list(words))
        if waits:
            call.finish()
        return call

    def print(self, name: str, words: list[str]) -> str:
        """Run words of the adapter that only print (features, --version) and return the text."""
        call = self._call(name, words, globally=False)
        text = _read(call.stdout)
        self.journal.replay.text(call.stdout, text)
        return text

    def _call(
        self,
        name: str,
        words: list[str],
        *,
        cwd: Path | None = None,
        id_: str | None = None,
        globally: bool = True,
    ) -> Call:
        call = self._begin(name, words, cwd=cwd, id_=id_, globally=globally)
        call.finish()
        return call

    def _begin(
        self,
        name: str,
        words: list[str],
        *,
        cwd: Path | None = None,
        id_: str | None = None,
        globally: bool = True,
    ) -> Call:
        given = self.options
        own = self.adapter.global_options(self.root) if given is None else given
        options = own if globally else []
        argv = [self.path, *options, *words]
        if self.patience.exhausted:
            operation = Operation(name, argv, self.journal.now(), 0.0, fault="RuntimeHung")
            self.journal.operations.append(operation)
            message = (
                f"{name} was not tried: "
                f"the last {self.patience.hung} operations did not end in time"
            )
            not_tried = RuntimeHung(message, operation)
            not_tried.control = True  # of what was not tried nothing is known
            raise not_tried
        base = self.scratch / f"{next(self._numbers)}-{name}"
        out, err = base.with_suffix(".out"), base.with_suffix(".err")
        # How its state directory is forgotten is the harness's own, and no part of the case.
        number = -1
        if name != "cleanup":
            if self.caller != Caller():
                self.journal.replay.lacking("a caller with other attributes")
            number = self.journal.replay.call(
                name, argv, root=self.root, stdout=out, cwd=cwd, further=self._further(id_)
            )
        at = self.journal.now()
        self.journal.moment("operation", name)
        started = door.start(
            argv,
            stdout=out,
            stderr=err,
            deadline=self.deadline,
            cwd=cwd or self.caller.directory,
            env=ENVIRONMENT if self.caller.environment is None else self.caller.environment,
            stdin=self.caller.stdin,
            become=self.caller.become if self.caller.differs else None,
            descriptors=self.caller.descriptors,
            inherits=bool(self.caller.places),
        )
        return Call(self, name, at, started, out, err, self.journal, number)

    def _further(self, id_: str | None) -> dict[str, list[str]]:
        if id_ is None:
            return {}
        first = [self.path, *self.adapter.global_options(self.root)]
        state, clean = self.adapter.state(id_), self.adapter.force_delete(id_)
        return {"state": [*first, *state], "clean": [*first, *clean]}


@dataclass
class Call:
    """One operation that has been started; ``finish`` waits, notes it, and raises its fault."""

    runtime: Runtime
    name: str
    at: float
    started: door.Started
    stdout: Path
    stderr: Path
    journal: Journal
    number: int = -1
    """In the replay; below zero if it is not part of it."""
    done: bool = False

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        found = not self.done and self.started.running
        if self.number >= 0:
            self.journal.replay.note("running", call=self.number, seen=found)
        return found

    def settle(self) -> None:
        """Wait for the end, whatever it is: the case has seen what it is about."""
        with suppress(RuntimeFault):
            self.finish()

    def finish(self) -> None:
        """Wait for the end. Raises the RuntimeFault that the operation ended in."""
        if self.done:
            return
        self.done = True
        finished = self.started.finish()
        self.runtime.patience.note(hung=finished.hung)
        fault, message = self._fault(finished)
        operation = Operation(
            name=self.name,
            argv=finished.argv,
            at=self.at,
            seconds=round(finished.seconds, 6),
            exit_status=finished.exit_status,
            signal=finished.signal,
            stdout=cut(_read(self.stdout)),
            stderr=cut(_read(self.stderr)),
            fault=fault.__name__ if fault else "",
        )
        self.journal.operations.append(operation)
        self.runtime.after()
        if self.number >= 0:
            self.journal.replay.note("ended", call=self.number, seen=_outcome(finished))
        if fault:
            raise fault(f"{self.name} {message}{_said(operation)}", operation)

    def _fault(
        self, finished: door.Finished
    ) -> tuple[type[OperationError | RuntimeCrashed | RuntimeHung] | None, str]:
        if finished.hung:
            return RuntimeHung, f"had not ended after {self.runtime.deadline:g} s"
        if finished.signal is not None:
            return RuntimeCrashed, f"was ended by signal {finished.signal}"
        if finished.exit_status:
            return OperationError, f"ended with exit status {finished.exit_status}"
        return None, ""


def _outcome(finished: door.Finished) -> str:
    if finished.hung:
        return "hung"
    if finished.signal is not None:
        return f"signal {finished.signal}"
    status = finished.exit_status or 0
    if 128 < status < 193:  # noqa: PLR2004 - from these a shell cannot tell the end by a signal
        return f"signal {status - 128}"
    return "error" if status else "exit 0"


def _said(operation: Operation) -> str:
    text = operation.stderr.strip()
    return f": {cut(text, 300)}" if text else ""


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(OUTPUT_BYTES).decode(errors="replace")


ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "CONFORMANCE_CALLER": "environment of the runtime",
}
"""What the runtime is started with: the same for everyone, and a variable that must not leak."""
