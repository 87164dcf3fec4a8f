"""Workspace: where the cases of one process work, and how it is cleared after each of them."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import cgroups, configuration, hooks, linux, needs, procfs, world
from harness.bundle import Bundle
from harness.container import Container
from harness.faults import HarnessError, HostLacks, RuntimeFault
from harness.sandbox import SECONDS_TO_CLEAR
from harness.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.configuration import Offence
    from harness.grace import Grace
    from harness.hooks import Hook
    from harness.journal import Journal
    from harness.runtime import Call, Runtime

DIRECTORIES = ("proc", "sys", "dev", "tmp", "etc", "run", "mnt")
"""Of every root file system."""


@dataclass
class Workspace:
    """Everything that cases make, and the knowledge how to get rid of it."""

    directory: Path
    """On the sandbox's tmpfs; runtimes with mapped users must be able to walk it."""
    probe: Path
    cgroup_roots: Sequence[Path]
    runtime: Runtime
    oci_version: str
    grace: Grace
    baseline: world.World = field(init=False)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _bundles: list[Bundle] = field(default_factory=list)
    _containers: list[Container] = field(default_factory=list)
    _ids: list[str] = field(default_factory=list)
    _calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tools = self.directory / "tools"
        self.tools.mkdir(mode=0o755)
        self.host_probe = self.tools / "probe"
        shutil.copyfile(self.probe, self.host_probe)
        self.host_probe.chmod(0o755)
        self.baseline = self.look()
        self.runtime.after = self._notice

    def _notice(self) -> None:
        for bundle in self._bundles:
            bundle.notice()

    def look(self) -> world.World:
        """Look at the world: processes, mounts, cgroups, shared nodes, the case's directory."""
        return world.look(self.cgroup_roots)

    # Making

    def bundle(
        self,
        template: str,
        values: Mapping[str, Any],
        *,
        offence: Offence = None,
        name: str = "",
    ) -> Bundle:
        """Render ``template`` into a new bundle directory with a fresh root file system."""
        self.grace.ahead()
        number = next(self._numbers)
        nonce = secrets.token_hex(8)
        path = self.directory / f"case-{number}" / (name or "bundle")
        rootfs = path / "rootfs"
        document = configuration.render(
            template,
            {
                "oci_version": self.oci_version,
                "name": f"case-{number}-{nonce[:6]}",
                "nonce": nonce,
                "has_cgroups": bool(self.cgroup_roots),
                **values,
                "hooks": self._entries(values.get("hooks", {}), nonce, rootfs),
            },
            key=f"{template} {values!r}".replace(str(self.directory), ""),
        )
        if reason := needs.lacking(document):
            raise HostLacks(reason)
        text = configuration.spoil(document, offence)
        self._root_filesystem(rootfs)
        (path / "config.json").write_bytes(text)
        bundle = Bundle(
            path,
            nonce,
            self.runtime.deadline,
            text.decode(errors="replace"),
            document.get("process", {}).get("terminal", False),
            self._calls,
            lambda: self.runtime.journal.replay,
            (lambda: self.runtime.journal) if values.get("hooks") else None,
        )
        self.runtime.journal.config = bundle.config_text
        self._bundles.append(bundle)
        return bundle

    def _entries(
        self, wanted: Mapping[str, Sequence[Hook]], nonce: str, rootfs: Path
    ) -> dict[str, list[dict[str, Any]]]:
        return {
            kind: [hooks.entry(kind, hook, nonce, self.host_probe, rootfs) for hook in list_]
            for kind, list_ in wanted.items()
        }

    def _root_filesystem(self, rootfs: Path) -> None:
        rootfs.mkdir(parents=True)
        for name in DIRECTORIES:
            (rootfs / name).mkdir()
        (rootfs / "tmp").chmod(0o1777)
        # A copy each: with a hard link all root file systems would share one inode.
        shutil.copyfile(self.probe, rootfs / "probe")
        (rootfs / "probe").chmod(0o755)
        (rootfs / "log").touch()
        (rootfs / "log").chmod(0o666)

    def new_id(self) -> str:
        """Return an ID that was not used before; what is made under it is cleared."""
        id_ = f"c{next(self._numbers)}-{secrets.token_hex(3)}"
        self._ids.append(id_)
        return id_

    def create(
        self, bundle: Bundle, id_: str, cwd: Path | None = None, options: Sequence[str] = ()
    ) -> Container:
        """Create a container from ``bundle``; raises the RuntimeFault of a create that fails."""
        if id_ not in self._ids:
            self._ids.append(id_)
        before = set(procfs.children(os.getpid()))
        path = str(bundle.path) if cwd is None else os.path.relpath(bundle.path, cwd)
        terminal = Terminal(self.runtime) if bundle.terminal else None
        try:
            console = terminal.socket if terminal else None
            output = self.runtime.create(id_, path, cwd, console, options)
        except BaseException:
            if terminal:
                terminal.close()
            raise
        container = Container(
            self.runtime, id_, bundle, bundle.log if terminal else output, terminal
        )
        self._containers.append(container)
        orphans = [pid for pid in procfs.children(os.getpid()) if pid not in before]
        if len(orphans) == 1 and not procfs.zombie(orphans[0]):
            container.adopt(orphans[0])
        return container

    def pending(self, call: Call) -> Call:
        """Remember a call that runs in the background, in case nobody finishes it."""
        self._calls.append(call)
        return call

    # Clearing

    def clear(self, journal: Journal) -> None:
        """Remove what the case made and note what its runtime had left behind.

        Raises HarnessError naming what cannot be removed.
        """
        if not (self._bundles or self._ids or len(journal.operations) > journal.lent):
            return  # nothing was operated
        self.grace.ahead()  # the next case is likely to make one too
        deleted = bool(self._containers) and all(c.deleted for c in self._containers)
        self._end_calls()
        self._delete(journal)
        self._reap()
        left = self.look().beyond(self.baseline)
        for fact in left:
            journal.finding(_clause(fact) if deleted else "", fact)
        if left:
            self._clear_by_force()
        self._remove_files(journal)

    def _end_calls(self) -> None:
        for bundle in self._bundles:
            bundle.close()
        for call in self._calls:
            if not call.done:
                call.started.end()
                call.number = -1  # the case was over before
                try:
                    call.finish()
                except RuntimeFault:
                    continue
        self._calls.clear()

    def _delete(self, journal: Journal) -> None:
        # An ID may have been used again after a delete.
        living = {c.id for c in self._containers if not c.deleted}
        deleted = {c.id for c in self._containers if c.deleted} - living
        for container in self._containers:
            container.close()
        root = self.runtime.root
        for id_ in self._ids:
            # A create that failed leaves nothing to delete: then its ID is nowhere in the root.
            created = any(c.id == id_ for c in self._containers)
            if id_ in deleted or not (created or os.path.lexists(root / id_)):
                continue
            try:
                self.runtime.force_delete(id_)
            except RuntimeFault as fault:
                journal.moment("operation", f"cleanup of {id_} failed: {fault}")
        self._containers.clear()
        self._ids.clear()

    def _reap(self) -> None:
        for pid in procfs.children(os.getpid()):
            if procfs.zombie(pid):
                procfs.reap(pid)

    def _clear_by_force(self) -> None:
        # Not the runtime's deadline: this is our own work, and a busy host is not its fault.
        deadline = time.monotonic() + SECONDS_TO_CLEAR
        left = self._force(deadline)
        # What a shared container has left behind, which stays, may fork at any time.
        while any(map(_is_process, left)) and time.monotonic() < deadline:
            left = self._force(deadline)
        if left:
            raise HarnessError(f"cannot be cleared: {'; '.join(left)}")

    def _force(self, deadline: float) -> list[str]:
        """Remove whatever is beyond the baseline; return what is still there."""
        baseline = self.baseline
        left = []
        for path in self.look().cgroups - baseline.cgroups:
            cgroups.thaw(Path(path))  # what one hierarchy has frozen cannot end in another
        # The youngest first, and again: who is ended may have forked after the look that found it.
        while (living := world.living() - baseline.processes) and time.monotonic() < deadline:
            for process in sorted(living, key=lambda one: one.started, reverse=True):
                procfs.end(process.pid, deadline - time.monotonic())
            self._reap()
        new = self.look().cgroups - baseline.cgroups
        for path in sorted(new):
            if str(Path(path).parent) not in new:
                left += cgroups.remove(Path(path), SECONDS_TO_CLEAR)
        for line in sorted(self.look().mounts - baseline.mounts, reverse=True):
            point = line.split(" ")[4].encode().decode("unicode_escape")
            linux.umount2(point, linux.MNT_DETACH)
        for node in baseline.nodes:
            node.restore()
        return left + self.look().beyond(baseline)

    def _remove_files(self, journal: Journal) -> None:
        known = {bundle.path for bundle in self._bundles}
        for directory in {bundle.path.parent for bundle in self._bundles}:
            for path in set(directory.iterdir()) - known:
                journal.finding("", f"files: {path.name} beside the bundle")
            shutil.rmtree(directory, ignore_errors=True)
        self._bundles.clear()
        for directory in (self.runtime.root, self.runtime.scratch):
            for path in directory.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()


def _is_process(fact: str) -> bool:
    return fact.startswith("processes:")


def _clause(fact: str) -> str:
    kind = fact.partition(":")[0]
    suffix = {"cgroups": "cgroup", "mounts": "mounts", "processes": "namespaces"}.get(kind)
    return f"runtime.delete.removes-created-resources.{suffix}" if suffix else ""
