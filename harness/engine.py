"""The runtime as engines call it: with their options, and the operations that only they know.

No part of the specification: docs/engine-profile.md says what of it which engine needs.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import resources
from harness.execution import Execution, text_of
from harness.faults import MalformedOutput, OperationError
from harness.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.bundle import Bundle
    from harness.container import Container
    from harness.controllers import Limits
    from harness.procfs import Process
    from harness.results import Operation
    from harness.runtime import Runtime
    from harness.workspace import Workspace


@dataclass
class Engine:
    """An engine that uses the runtime of a case."""

    workspace: Workspace
    _terminals: list[Terminal] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def runtime(self) -> Runtime:
        """The runtime."""
        return self.workspace.runtime

    @property
    def last(self) -> Operation:
        """The last call of the runtime."""
        self.beyond("what the runtime prints")
        return self.runtime.journal.operations[-1]

    def beyond(self, what: str) -> None:
        """Note that the case looks at something that a shell does not."""
        self.runtime.journal.replay.beyond_it(what)

    @property
    def said(self) -> str:
        """What the last call has written for people and to the log: both are where texts are."""
        return self.last.stderr + text_of(self.log)

    def pid_in(self, file: Path) -> str:
        """What a pid file says; empty without one."""
        self.beyond("a pid file")
        return text_of(file)

    def file(self, name: str) -> Path:
        """Return the path of a file that nobody has yet; it goes with the case."""
        return self.runtime.scratch / f"{next(self._numbers)}-engine-{name}"

    # Options

    @property
    def log(self) -> Path:
        """The file of --log."""
        return self.runtime.scratch / "engine-log.json"

    def logs(self, *more: str) -> Engine:
        """Have each call write its errors as JSON to ``log``; ``more`` options go before."""
        own = self.runtime.adapter.global_options(self.runtime.root)
        self.runtime.options = [*own, *more, "--log", str(self.log), "--log-format", "json"]
        return self

    @property
    def entries(self) -> list[dict[str, Any]]:
        """What is in the log, a JSON object a line; AssertionError for anything else."""
        self.beyond("the log of the runtime")
        text = text_of(self.log)
        try:
            found = [json.loads(line) for line in text.splitlines()]
        except ValueError as error:
            raise AssertionError(f"the log is no JSON, {error}: {text[:300]!r}") from error
        if not all(isinstance(entry, dict) for entry in found):
            raise AssertionError(f"the log has more than objects: {text[:300]!r}")
        return found

    # Operations

    def create(
        self,
        bundle: Bundle | str,
        *options: str,
        id: str = "",  # noqa: A002 - the specification's word
        offence: Any = None,  # noqa: ANN401 - as the fixture create takes it
        **values: Any,  # noqa: ANN401 - as the fixture create takes them
    ) -> Container:
        """Create a container with these options of create; else as the fixture of this name."""
        if isinstance(bundle, str):
            bundle = self.workspace.bundle(bundle, values, offence=offence)
        return self.workspace.create(bundle, id or self.workspace.new_id(), options=options)

    def exec(
        self,
        container: Container,
        *words: str,
        options: Sequence[str] = (),
        waits: bool = True,
        on_terminal: bool = False,
        form: str = "--pid-file {}",
        **process: Any,  # noqa: ANN401 - members of process
    ) -> Execution:
        """Execute the probe with these words, by a process file and with these options of exec.

        ``on_terminal`` detaches it on a terminal of its own; it then writes to a log. ``form`` is
        how the option for the pid file is spelt.
        """
        nonce, terminal, given = container.bundle.nonce, None, list(options)
        pid_file, log = self.file("pid"), None
        to_log = ["to=/exec-log"] if on_terminal else []
        least = {
            "args": ["/probe", f"nonce={nonce}", *to_log, *words],
            "cwd": "/",
            "env": ["PATH=/bin"],
            "user": {"uid": 0, "gid": 0},
        }
        if on_terminal:
            terminal = Terminal(self.runtime, "exec")
            self._terminals.append(terminal)
            given += ["--detach", "--tty", "--console-socket", str(terminal.socket)]
            process = {"terminal": True, **process}
            log = container.bundle.rootfs / "exec-log"
            log.touch()
            log.chmod(0o666)
        file = self.file("process.json")
        file.write_text(json.dumps({**least, **process}))
        wanted = [*form.format(pid_file).split(), *given]
        argv = self.runtime.adapter.exec(container.id, file, wanted)
        call = self.runtime.operate("exec", argv, waits=waits)
        self.workspace.pending(call)
        return Execution(call, nonce, pid_file, terminal, log)

    def collected(self, process: Process) -> int | None:
        """Wait for the end of a process and collect it: its status, below zero a signal.

        None if it is not ours to collect, or does not end.
        """
        self.beyond("whose child a process is")
        process.ends(self.runtime.deadline)
        try:
            found, status = os.waitpid(process.pid, os.WNOHANG)
        except ChildProcessError:
            return None
        return os.waitstatus_to_exitcode(status) if found else None

    def ends(self, execution: Execution) -> int:
        """Wait for the end of an exec or run; its exit status, which is no fault here."""
        with suppress(OperationError):
            execution.call.finish()
        return execution.exit_status

    def run(self, bundle: Bundle, *options: str, waits: bool = True) -> tuple[str, Execution]:
        """Run a container; its ID, and the call."""
        id_ = self.workspace.new_id()
        pid_file = self.file("pid")
        given = ["--pid-file", str(pid_file), *options]
        words = self.runtime.adapter.run(id_, str(bundle.path), given)
        call = self.runtime.operate("run", words, waits=False)
        self.workspace.pending(call)
        execution = Execution(call, bundle.nonce, pid_file)
        if waits:
            self.ends(execution)
        return id_, execution

    def pause(self, container: Container) -> None:
        """Freeze all processes of a container."""
        self.runtime.operate("pause", self.runtime.adapter.pause(container.after("pause").id))

    def resume(self, container: Container) -> None:
        """Thaw them."""
        self.runtime.operate("resume", self.runtime.adapter.resume(container.after("resume").id))

    def kill(self, container: Container, *words: str, options: Sequence[str] = ()) -> Container:
        """Call kill with these options before the ID and these words behind it."""
        container.watch()
        self.runtime.operate("kill", ["kill", *options, container.after("kill").id, *words])
        return container

    def delete(self, container: Container | str) -> None:
        """End and remove a container by delete --force."""
        id_ = container if isinstance(container, str) else container.id
        self.runtime.operate("delete", self.runtime.adapter.force_delete(id_))
        if not isinstance(container, str):
            container.deleted = True

    def update(
        self, container: Container, resources: Mapping[str, object], form: str = "--resources FILE"
    ) -> None:
        """Change limits, in one of the forms ``--resources=FILE`` and ``--resources -``."""
        file = self.file("resources.json")
        file.write_text(json.dumps(resources))
        words = form.replace("FILE", str(file)).split()
        with self.called(stdin=file):
            self.runtime.operate("update", ["update", *words, container.after("update").id])

    def ps(self, container: Container) -> list[Any]:
        """Process IDs of a container; MalformedOutput if they are no JSON array."""
        return self._array("ps", self.runtime.adapter.ps(container.id))

    def frozen(self, limits: Limits) -> bool:
        """Whether a cgroup with these control files is frozen, or about to be."""
        v1, v2 = limits.text("freezer.state"), limits.text("cgroup.freeze")
        return v1 in {"FROZEN", "FREEZING"} or v2 == "1"

    def listed(self) -> list[Any]:
        """States of all containers; MalformedOutput if they are no JSON array."""
        return self._array("list", self.runtime.adapter.list_all())

    @contextmanager
    def called(self, **members: Any) -> Iterator[None]:  # noqa: ANN401 - as Caller has them
        """Call the runtime, meanwhile, with these members of its caller."""
        before = self.runtime.caller
        self.runtime.caller = before.having(**members)
        try:
            yield
        finally:
            self.runtime.caller = before

    def _array(self, name: str, words: list[str]) -> list[Any]:
        self.beyond(f"what {name} prints")
        text = self.runtime.operate(name, words).stdout.read_text(errors="replace")
        try:
            found = json.loads(text)
        except ValueError as error:
            raise MalformedOutput(f"{name} printed no JSON: {text[:200]!r}", self.last) from error
        if found is None:  # how Go writes an empty array
            return []
        if not isinstance(found, list):
            raise MalformedOutput(f"{name} printed no array: {text[:200]!r}", self.last)
        return found

    def close(self) -> None:
        """Hang up the terminals of exec; call the runtime as ever."""
        for terminal in self._terminals:
            terminal.close()
        self.runtime.options = None


def busybox() -> str:
    """Say that there is no static busybox on the host, to be put into a container."""
    return "" if shutil.which("busybox") else "there is no busybox; install busybox-static"


def freezer() -> str:
    """Say that nothing can be frozen: no freezer of cgroup v1, and no cgroup v2 beyond its root."""
    return resources.controller("freezer")() and resources.control_file("cgroup.freeze")()


def no_systemd() -> str:
    """Say that systemd runs here: sd_booted(3)."""
    return "systemd runs on this host" if Path("/run/systemd/system").is_dir() else ""
