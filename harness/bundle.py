"""Bundles: a template rendered into a bundle directory, and what its hooks have shown."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from harness import events
from harness.faults import NotShown
from harness.hooks import KINDS, OPERATIONS, HookRun, runs
from harness.looks import literal
from harness.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from harness.journal import Journal
    from harness.probe import Line
    from harness.runtime import Call


LATE = 0.3
"""Seconds in which what an operation did not wait for comes after its end: a shell cannot tell."""

OF_HOOKS = f"^({'|'.join(KINDS)}) "
"""The labels of hooks, as a regular expression for both re and grep -E."""


@dataclass(frozen=True)
class Gate:
    """A fifo at which a probe waits (``wait=PATH``) until the case opens it."""

    fd: int
    note: Callable[[], None]

    def open(self) -> None:
        """Let one probe pass: the one that waits, else the next that comes."""
        self.note()
        os.write(self.fd, b"x")


@dataclass
class Bundle:
    """A bundle directory on the sandbox's tmpfs.

    ``nonce`` is in every line that its probes print: a line without it was not printed by them.
    """

    path: Path
    nonce: str
    deadline: float
    config_text: str
    """config.json as it was written."""
    terminal: bool = False
    """Whether its program has a terminal: then create is given a socket for the master."""
    calls: Sequence[Call] = ()
    """Operations of the case that were begun in the background."""
    replay: Callable[[], Replay] = Replay
    """Gives the replay of the case that runs."""
    journal: Callable[[], Journal] | None = None
    """Gives the journal of the case that runs; None for a bundle without hooks."""
    _noticed: int = 0
    _gates: list[Gate] = field(default_factory=list)

    @property
    def rootfs(self) -> Path:
        """Its root file system, seen from the host."""
        replay = self.replay()
        if replay.used(self.path):
            replay.beyond_it("files of the bundle, from the host")
        return self.path / "rootfs"

    @property
    def config(self) -> Path:
        """Its config.json."""
        return self.path / "config.json"

    @property
    def program(self) -> Path:
        """The probe in its root file system: what process.args names."""
        return self.rootfs / "probe"

    @property
    def document(self) -> dict[str, Any]:
        """config.json as it was written, which has to be valid JSON."""
        return dict(json.loads(self.config_text))

    @property
    def log(self) -> Path:
        """The file that its hooks append their lines to: /log inside the container."""
        return self.path / "rootfs" / "log"

    @property
    def lines(self) -> list[Line]:
        """What its hooks, and programs that write ``to=/log``, have shown so far, in order."""
        found = self._lines
        events.noted(self.replay(), self.log, found)
        return events.watched(self.replay, self.log, found)

    @property
    def _lines(self) -> list[Line]:
        return events.lines(self.log, self.nonce)

    @property
    def hooks(self) -> list[HookRun]:
        """Its hooks that have run so far, in order of each one's first line."""
        self._begun()
        return runs(events.watched(self.replay, self.log, self._lines))

    @property
    def ran(self) -> list[str]:
        """Labels of its hooks that have run so far, in order: ``["createRuntime 1", ...]``.

        One that has run twice is there twice.
        """
        return self._begun()

    def _begun(self) -> list[str]:
        begun = [line.as_ for line in self._lines if line.event == "begin"]
        found = [label for label in begun if label.partition(" ")[0] in KINDS]
        return self.replay().column(self.log, ['"event":"begin"'], "as", found, OF_HOOKS)

    def notice(self) -> None:
        """Note on the timeline which hooks have begun since the last look.

        Their lines have no time: a hook stands where it was first seen, at the end of the operation
        that ran it or when the case has waited for it.
        """
        if self.journal is None or not self.log.is_file():
            return
        begun = [line.as_ for line in self._lines if line.event == "begin"]
        new = begun[self._noticed :]
        self._noticed = max(self._noticed, len(begun))
        for label in new:
            if label.partition(" ")[0] in KINDS:
                self.journal().moment("hook", label)

    @property
    def moments(self) -> list[str]:
        """Who has begun and ended so far: ``["poststart 1 begin", "program begin", ...]``.

        The program is among them if it writes to the log, as that of the template ``logs`` does.
        """
        return self._moments("")

    @property
    def hook_moments(self) -> list[str]:
        """Which hooks have begun and ended so far: ``["poststart 1 begin", "poststart 1 end"]``.

        poststart hooks race the first line of the program: where both are there, this has an order.
        """
        return self._moments(OF_HOOKS)

    def _moments(self, like: str) -> list[str]:
        shown = [line for line in self._lines if line.event in {"begin", "end"}]
        found = [f"{line.as_} {line.event}" for line in shown if re.match(like, line.as_)]
        select = ['"event":"begin"', '"event":"end"']
        return self.replay().column(self.log, select, "as event", found, like)

    def hook(self, label: str) -> HookRun:
        """Return the run of the hook with this label, ``poststop 1``.

        Raises NotShown if it has not run: then nothing can be said of what it saw.
        """
        lines = [line for line in self._lines if line.as_ == label]
        select = [f'"as":{literal(label)},"event":"begin"']
        begun = any(line.event == "begin" for line in lines)
        self.replay().waited(self.log, select, seen=begun)
        for run in runs(events.watched(self.replay, self.log, lines)):
            return run
        kind = label.partition(" ")[0]
        raise NotShown(f"the hook {label} left no line in the log", OPERATIONS[kind])

    def logged(self, label: str, event: str = "end") -> bool:
        """Wait for this event of this label in the log; whether it came before the deadline."""

        def there(lines: list[Line]) -> bool:
            return any(line.as_ == label and line.event == event for line in lines)

        ending = self._ending()
        seen = there(events.wait(self.log, self.nonce, there, self.deadline, ending))
        late = not seen and ending is not None
        late = late and there(events.wait(self.log, self.nonce, there, LATE))
        self.notice()
        if late:
            self.replay().lacking("a look at the moment at which an operation ends")
        else:
            self.replay().waited(self.log, [f'"as":{literal(label)},"event":"{event}"'], seen=seen)
        return seen

    def _ending(self) -> int | None:
        """The pidfd of an operation in the background after which no hook can run any more.

        After start some may: runtimes return from it before startContainer hooks have run.
        """
        for call in reversed(self.calls):
            if call.name in {"create", "delete"} and not call.done:
                return call.started.pidfd
        return None

    def awaits(self, label: str, event: str = "begin") -> Bundle:
        """Wait for this event of a hook, which a case builds on; NotShown if it does not come."""
        if not self.logged(label, event):
            operation = OPERATIONS[label.partition(" ")[0]]
            raise NotShown(f"the hook {label} did not show {event!r}", operation)
        return self

    def inside(self, path: Path | str) -> Path:
        """Where the host finds what the container has at the absolute ``path``."""
        return self.rootfs / str(path).lstrip("/")

    def plant(self, path: Path, *words: str) -> None:
        """Put a copy of the probe at ``path``; ``words`` are what it does if it is given none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.inside("/probe"), path)
        script = path.with_name(f"{path.name}.words")
        script.write_text("\n".join([f"nonce={self.nonce}", *words]))

    def executable(self, path: Path, text: str) -> None:
        """Make an executable file of ``text``."""
        path.write_text(text)
        path.chmod(0o755)

    def gate(self, name: str = "gate") -> Gate:
        """Make a fifo in the root file system, for the word ``wait=/gate`` of a program.

        Opened for reading and writing, its writer never blocks, and what is written stays until a
        probe comes.
        """
        path = self.path / "rootfs" / name
        os.mkfifo(path)
        path.chmod(0o666)
        self.replay().note("gate", at=str(path))
        fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        gate = Gate(fd, partial(self.replay().note, "open", at=str(path)))
        self._gates.append(gate)
        return gate

    def close(self) -> None:
        """Close its gates; a probe that waits at one goes on at end of file."""
        for gate in self._gates:
            os.close(gate.fd)
        self._gates.clear()
