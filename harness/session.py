"""Session: the sandbox, the workspaces and the runtime of one process that runs cases."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness import linux
from harness.grace import Grace
from harness.journal import Journal
from harness.probe.build import build
from harness.runtime import Runtime
from harness.runtimes import adapter
from harness.sandbox import Sandbox
from harness.workspace import Workspace

if TYPE_CHECKING:
    from harness.container import Container

ROOM = 64 << 20
"""Bytes that a runtime may write into its state directory, or print in a case."""


@dataclass
class Session:
    """Entered once in each process that runs cases, from its main thread."""

    sandbox: Sandbox
    workspace: Workspace
    """Of the running case; cleared after it."""
    lasting: Workspace
    """Of containers that the cases of a module share; cleared after the module."""
    grace: Grace
    shared: dict[object, Container | BaseException] = field(default_factory=dict)
    evidence: dict[object, Journal] = field(default_factory=dict)

    @classmethod
    def enter(  # noqa: PLR0913 - what the command line says
        cls,
        path: str,
        deadline: float,
        oci_version: str,
        *,
        name: str = "",
        probe: str = "",
        view: str = "",
    ) -> Session:
        """Build the sandbox and what stands in it."""
        binary = Path(probe) if probe else build()
        sandbox = Sandbox.enter(view)
        runtime = _runtime(sandbox, "case", path, name, deadline)
        # Its state directory is its own, so that clearing a case's does not touch it.
        second = _runtime(sandbox, "lasting", path, name, deadline)
        second.patience = runtime.patience
        roots = sandbox.cgroup_roots
        grace = Grace(sandbox.own_cgroup)
        workspace, lasting = (
            Workspace(one.root.parent, binary, roots, one, oci_version, grace)
            for one in (runtime, second)
        )
        return cls(sandbox, workspace, lasting, grace)

    def leave(self) -> list[str]:
        """Clear everything; return what stays on the host."""
        self.workspace.clear(Journal())
        self.forget()
        self.grace.end()
        return self.sandbox.leave()

    def journal(self) -> Journal:
        """Begin the journal of a case."""
        journal = Journal()
        self.workspace.runtime.journal = journal
        return journal

    def forget(self) -> None:
        """Remove the containers that the cases of a module shared."""
        if not self.shared:
            return
        self.shared.clear()
        self.evidence.clear()
        self.lasting.clear(Journal())
        self.workspace.baseline = self.workspace.look()


def _runtime(sandbox: Sandbox, area: str, path: str, name: str, deadline: float) -> Runtime:
    directory = sandbox.work / area
    directory.mkdir(mode=0o711)
    for below in ("root", "scratch"):
        (directory / below).mkdir(mode=0o711)
        # What a runtime fills is its own: neither memory nor the room for bundles.
        linux.mount("tmpfs", str(directory / below), "tmpfs", data=f"mode=0711,size={ROOM}")
    return Runtime(path, adapter(name), directory / "root", directory / "scratch", deadline)
