"""What a case makes on the host before a container uses it: it is not the container's.

Each is a context manager that takes away what is left of it.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import cgroups, linux

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class ForeignCgroup:
    """One cgroup directory of the same name in every hierarchy of the run."""

    path: str
    """As cgroupsPath names it: ``/foreign``."""
    directories: Sequence[Path]

    def make(self, name: str) -> ForeignCgroup:
        """Make another one below it."""
        made = [directory / name for directory in self.directories]
        for directory in made:
            _make(directory)
        return ForeignCgroup(f"{self.path}/{name}", made)

    @property
    def missing(self) -> list[str]:
        """Its directories that are not there any more."""
        return [str(directory) for directory in self.directories if not directory.exists()]

    @property
    def below(self) -> list[str]:
        """Cgroups that are below it now, in whatever hierarchy."""
        return [str(path) for directory in self.directories for path in cgroups.below(directory)]

    def text(self, name: str) -> str:
        """Text of the file ``name`` below it, of the hierarchy that has it; empty if none has."""
        found = (directory / name for directory in self.directories)
        return next((path.read_text().strip() for path in found if path.exists()), "")


@contextmanager
def cgroup(roots: Sequence[Path], name: str, seconds: float) -> Iterator[ForeignCgroup]:
    """Make a cgroup in every hierarchy, and clear it with all that is in it."""
    made = ForeignCgroup(f"/{name}", [root / name for root in roots])
    for directory in made.directories:
        _make(directory)
    try:
        yield made
    finally:
        for directory in made.directories:
            cgroups.remove(directory, seconds)


def _make(directory: Path) -> None:
    directory.mkdir()
    if (directory / "cgroup.controllers").exists():
        cgroups.delegate(directory)
        return
    for file in ("cpuset.cpus", "cpuset.mems"):
        # A v1 cpuset starts empty and takes no process until both files are filled.
        if (directory / file).exists():
            (directory / file).write_text((directory.parent / file).read_text())


@dataclass(frozen=True)
class ForeignNamespace:
    """A network namespace that a file keeps alive, as ``ip netns add`` makes it."""

    path: Path
    name: str
    """``net:[4026531841]``."""

    @property
    def kept(self) -> bool:
        """Whether the file still is this namespace, so that it can be joined."""
        try:
            return f"net:[{self.path.stat().st_ino}]" == self.name
        except OSError:
            return False


@contextmanager
def network(path: Path) -> Iterator[ForeignNamespace]:
    """Make a network namespace and bind it to the file ``path``."""
    path.touch()
    thread = threading.Thread(target=_bind_new_network, args=(path,))
    thread.start()
    thread.join()
    try:
        yield ForeignNamespace(path, f"net:[{path.stat().st_ino}]")
    finally:
        with suppress(OSError):
            linux.umount2(str(path), linux.MNT_DETACH)
        path.unlink(missing_ok=True)


def _bind_new_network(path: Path) -> None:
    # Only this thread moves, and its namespace lives on in the mount.
    linux.unshare(linux.CLONE_NEWNET)
    own = f"/proc/self/task/{threading.get_native_id()}/ns/net"
    linux.mount(own, os.fspath(path), None, linux.MS_BIND)
