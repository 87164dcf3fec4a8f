"""What a case makes on the host before a container uses it: it is not the container's.

Each is a context manager that takes away what is left of it.
"""

from __future__ import annotations

import os
import shutil
import stat
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness import cgroups, controllers, door, events, host, linux, needs, procfs, resources
from harness.faults import HarnessError, HostLacks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.probe import Line

FLAGS = {
    "pid": linux.CLONE_NEWPID,
    "network": linux.CLONE_NEWNET,
    "mount": linux.CLONE_NEWNS,
    "ipc": linux.CLONE_NEWIPC,
    "uts": linux.CLONE_NEWUTS,
    "user": linux.CLONE_NEWUSER,
    "cgroup": linux.CLONE_NEWCGROUP,
    "time": linux.CLONE_NEWTIME,
}
"""Kinds of namespaces, as config.json calls them."""

MAPPED = (100000, 65536)
"""Where the IDs of a neighbour's user namespace begin on the host, and how many they are."""


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
            make_cgroup(directory)
        return ForeignCgroup(f"{self.path}/{name}", made)

    def leaf(self, name: str) -> ForeignCgroup:
        """Make one below it that processes can join: in v2 none is handed on to what is below."""
        made = [directory / name for directory in self.directories]
        for directory in made:
            make_cgroup(directory, delegated=False)
        return ForeignCgroup(f"{self.path}/{name}", made)

    def freeze(self) -> None:
        """Freeze it: whoever is in it, or joins it, does not run."""
        self._freeze("FROZEN", "1")

    def thaw(self) -> None:
        """Let them run again."""
        self._freeze("THAWED", "0")

    def _freeze(self, state: str, number: str) -> None:
        for directory in self.directories:
            for file, word in (("freezer.state", state), ("cgroup.freeze", number)):
                if (directory / file).exists():
                    (directory / file).write_text(word)

    @property
    def limits(self) -> controllers.Limits:
        """Its control files."""
        return controllers.Limits(self.directories)

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
        make_cgroup(directory)
    try:
        yield made
    finally:
        for directory in made.directories:
            cgroups.remove(directory, seconds)


def make_cgroup(directory: Path, *, delegated: bool = True) -> None:
    """Make a cgroup that is ready for processes, or, delegated in v2, for cgroups below it."""
    directory.mkdir()
    if (directory / "cgroup.controllers").exists():
        if delegated:
            cgroups.delegate(directory)
        return
    for file in ("cpuset.cpus", "cpuset.mems"):
        # A v1 cpuset starts empty and takes no process until both files are filled.
        if (directory / file).exists():
            (directory / file).write_text((directory.parent / file).read_text())


@contextmanager
def delegate_file(text: str | None) -> Iterator[None]:
    """Put a text in the place of the kernel's list of delegated files; None hides the list."""
    directory = resources.DELEGATE.parent
    linux.mount("tmpfs", str(directory), "tmpfs", data="mode=0755")
    try:
        if text is not None:
            resources.DELEGATE.write_text(text)
        yield
    finally:
        linux.umount2(str(directory), linux.MNT_DETACH)


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


@contextmanager
def tree(path: Path, probe: Path, flags: int = 0, *, shared: bool = False) -> Iterator[Path]:
    """Mount a tmpfs with another one in its directory ``below``, both with these flags.

    Both have the same in them: a file ``marker`` that says which of the two it is, a ``link`` to
    it, a ``helper`` that is the probe and set-uid, and, where that can be made, a ``null`` device.
    """
    below = path / "below"
    try:
        for point in (path, below):
            point.mkdir()
            linux.mount("tmpfs", str(point), "tmpfs", data="mode=0755")
            _fill(point, probe)
        for point in (path, below):
            linux.mount("", str(point), None, linux.MS_REMOUNT | linux.MS_BIND | flags)
            if shared:
                linux.mount("", str(point), None, linux.MS_SHARED)
        yield path
    finally:
        # A run that is broken off leaves the sandbox, and with it these, before its fixtures.
        with suppress(OSError):
            linux.umount2(str(below), linux.MNT_DETACH)
            linux.umount2(str(path), linux.MNT_DETACH)
            path.rmdir()


def _fill(directory: Path, probe: Path) -> None:
    (directory / "marker").write_text(directory.name)
    (directory / "link").symlink_to("marker")
    shutil.copyfile(probe, directory / "helper")
    (directory / "helper").chmod(0o4755)
    if not host.real_root():
        os.mknod(directory / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        (directory / "null").chmod(0o666)  # the umask took its share


def _bind_new_network(path: Path) -> None:
    # Only this thread moves, and its namespace lives on in the mount.
    linux.unshare(linux.CLONE_NEWNET)
    own = f"/proc/self/task/{threading.get_native_id()}/ns/net"
    linux.mount(own, os.fspath(path), None, linux.MS_BIND)


@dataclass(frozen=True)
class Neighbour:
    """A process of the harness in namespaces of its own, which a container can join by path."""

    process: procfs.Process

    def entry(self, kind: str) -> dict[str, str]:
        """Entry of linux.namespaces that joins its namespace of this kind."""
        return {"type": kind, "path": self.path(kind)}

    def path(self, kind: str) -> str:
        """Path of its namespace of this kind, as config.json calls it."""
        return f"/proc/{self.process.pid}/ns/{procfs.FILES[kind]}"

    def namespace(self, kind: str) -> str:
        """``net:[4026531841]``: its namespace of this kind, as config.json calls it."""
        return self.process.namespace(procfs.FILES[kind])


@contextmanager
def neighbour(
    probe: Path, output: Path, kinds: Iterable[str], seconds: float
) -> Iterator[Neighbour]:
    """Run a process in new namespaces of these kinds; HarnessError if it does not come up."""
    row = {"hostID": MAPPED[0], "size": MAPPED[1]}
    mapped = {"uidMappings": [row], "gidMappings": [row]} if "user" in kinds else {}
    if reason := needs.lacking({"linux": mapped}):
        raise HostLacks(reason)
    flags = sum(FLAGS[kind] for kind in kinds)
    # A child: only children are in the new pid and time namespaces.
    words = [f"syscall=unshare,{flags}", "child", "say=ready", "pause", "end", "pause"]
    nowhere = Path("/dev/null")
    started = door.start(
        [str(probe), "nonce=neighbour", *words], stdout=output, stderr=nowhere, deadline=0
    )
    try:
        lines = events.wait(output, "neighbour", _is_ready, seconds, started.pidfd)
        below = [procfs.Process.of(pid) for pid in procfs.children(started.pid)]
        found = next(filter(None, below), None)
        unshared = any(line.data.get("errno") == 0 for line in lines if line.event == "try")
        if found is None or not unshared:
            raise HarnessError(f"no process in new namespaces {', '.join(kinds)}")
        if "user" in kinds:
            _map(found.pid)
        yield Neighbour(found)
    finally:
        started.finish()


def _is_ready(lines: Sequence[Line]) -> bool:
    return any(line.event == "ready" for line in lines)


def _map(pid: int) -> None:
    first, count = MAPPED
    for kind in ("gid", "uid"):
        Path(f"/proc/{pid}/{kind}_map").write_text(f"0 {first} {count}")


REALTIME: dict[str, object] = {
    "resources": {"cpu": {"realtimeRuntime": 20_000, "realtimePeriod": 1_000_000}}
}


@contextmanager
def realtime_budget(roots: Iterable[Path]) -> Iterator[dict[str, object]]:
    """Give the cgroup of the run time for real-time policies, where the kernel wants that.

    With CONFIG_RT_GROUP_SCHED a new cgroup of version 1 has none. What is returned are the members
    of linux that give a container a share; none where there is nothing to share.
    """
    files = [root / "cpu.rt_runtime_us" for root in roots]
    found = [file for file in files if file.exists()]
    before = [file.read_text() for file in found]
    for file in found:
        file.write_text("100000")
    try:
        yield REALTIME if found else {}
    finally:
        # What a container still has cannot be taken from it: then the budget ends with the run.
        for file, text in zip(found, before, strict=True):
            with suppress(OSError):
                file.write_text(text)
