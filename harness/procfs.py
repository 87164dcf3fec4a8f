"""Processes seen from the host through proc(5)."""

from __future__ import annotations

import os
import signal
import stat
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from harness import door, linux
from harness.faults import HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

T = TypeVar("T")

NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")

FILES = {
    "pid": "pid",
    "network": "net",
    "mount": "mnt",
    "ipc": "ipc",
    "uts": "uts",
    "user": "user",
    "cgroup": "cgroup",
    "time": "time",
}
"""Kinds of namespaces, as config.json calls them, to their files in /proc/PID/ns."""


READINGS = 100
"""Of the processes, at most; those below a runtime that never stops forking differ each time."""


@dataclass(frozen=True, order=True)
class Process:
    """A process of the host, told from a later one with the same number by its start time."""

    pid: int
    started: int
    """Clock ticks since boot: field 22 of /proc/PID/stat."""

    def __str__(self) -> str:
        # Its name is no part of what it is: execve(2) changes it.
        return f"{describe(self.pid)} started {self.started}"

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """Return the process with this number, None if there is none or it is a zombie."""
        fields = _stat(pid)
        if fields is None or fields[0] in {"Z", "X"}:
            return None
        return cls(pid, int(fields[19]))

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return Process.of(self.pid) == self

    def ends(self, seconds: float) -> bool:
        """Whether it ends within ``seconds``; a zombie has ended."""
        try:
            pidfd = os.pidfd_open(self.pid)
        except OSError:
            return True
        try:
            return not self.alive or door.readable(pidfd, max(0.0, seconds))
        finally:
            os.close(pidfd)

    def namespace(self, kind: str) -> str:
        """``mnt:[4026531841]``: which namespace of this kind it is in; empty if it is gone."""
        try:
            return str(self._path("ns", kind).readlink())
        except OSError:
            return ""

    @property
    def namespaces(self) -> dict[str, str]:
        """All its namespaces by kind."""
        return {kind: self.namespace(kind) for kind in NAMESPACES}

    @property
    def root(self) -> Path:
        """Its root directory as the host can walk it."""
        return self._path("root")

    @property
    def mountinfo(self) -> str:
        """Its mount table, proc_pid_mountinfo(5)."""
        return self.text("mountinfo")

    @property
    def mount_points(self) -> list[str]:
        """Where its mount table has mounts, seen from its root."""
        return [line.split(" ")[4] for line in self.mountinfo.splitlines()]

    @property
    def argv(self) -> list[str]:
        """Its command line."""
        return self.text("cmdline").split("\0")[:-1]

    @property
    def nspid(self) -> list[int]:
        """Its numbers, outermost pid namespace first."""
        for line in self.text("status").splitlines():
            if line.startswith("NSpid:"):
                return [int(word) for word in line.split()[1:]]
        return []

    @property
    def cgroups(self) -> list[str]:
        """Paths of its cgroups, one a hierarchy, relative to the reader's cgroup namespace."""
        return [line.split(":", 2)[2] for line in self.text("cgroup").splitlines()]

    @property
    def halted(self) -> bool:
        """Whether a signal has stopped it (SIGSTOP and the like), so that it can be continued."""
        fields = _stat(self.pid)
        return fields is not None and fields[0] in {"T", "t"}

    def executes(self, program: Path) -> bool:
        """Whether it executes this very file, whatever its path inside."""
        try:
            return self._path("exe").samefile(program)
        except OSError:  # it is gone
            return False

    def finds(self, path: str, file: Path) -> bool:
        """Whether the absolute ``path`` leads it to this very file of the host."""
        try:
            return self._path("root", path.lstrip("/")).samefile(file)
        except OSError:
            return False

    def link(self, path: str) -> str:
        """Where the symbolic link that it has at ``path`` leads; empty if that is none."""
        try:
            return str(self._path("root", path.lstrip("/")).readlink())
        except OSError:
            return ""

    def device(self, path: str) -> tuple[int, int] | None:
        """Numbers, major and minor, of the device that it has at ``path``; None without one."""
        try:
            status = self._path("root", path.lstrip("/")).lstat()
        except OSError:
            return None
        if not (stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode)):
            return None
        return os.major(status.st_rdev), os.minor(status.st_rdev)

    def read_only(self, path: str) -> bool:
        """Whether what it has at ``path`` lies on a mount that is read-only."""
        try:
            return bool(os.statvfs(self._path("root", path.lstrip("/"))).f_flag & os.ST_RDONLY)
        except OSError:
            return False

    def inside(self, kind: str, look: Callable[[], T]) -> T:
        """Call ``look`` in its namespace of this kind: uts, net or ipc."""
        found: list[T] = []

        def enter() -> None:
            # A thread has these namespaces for itself; the others of this process keep theirs.
            fd = os.open(self._path("ns", kind), os.O_RDONLY | os.O_CLOEXEC)
            try:
                linux.setns(fd)
            finally:
                os.close(fd)
            found.append(look())

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        return found[0]

    def text(self, name: str) -> str:
        """Text of /proc/PID/``name``; empty if the process is gone."""
        try:
            return self._path(name).read_bytes().decode(errors="surrogateescape")
        except OSError:
            return ""

    def _path(self, *parts: str) -> Path:
        return Path("/proc", str(self.pid), *parts)


def ticks() -> int:
    """Clock ticks since boot: what ``Process.started`` of a later process is not below."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


@contextmanager
def held(process: Process) -> Iterator[set[str]]:
    """Names of its namespaces that are not ours, which are not given to others meanwhile.

    The number of a namespace that is gone goes to the next one: held open, it stays what it was.
    """
    own = set(own_namespaces().values())
    links = [Path(f"/proc/{process.pid}/ns/{kind}") for kind in NAMESPACES]
    with ExitStack() as held_open:
        files = [held_open.enter_context(link.open("rb")) for link in links]
        yield {str(Path(f"/proc/self/fd/{file.fileno()}").readlink()) for file in files} - own


def users(namespaces: Iterable[str]) -> list[str]:
    """Processes of the host and mounts of ours that are in, or keep alive, these namespaces."""
    wanted = set(namespaces)
    found = [
        describe(int(path.name))
        for path in Path("/proc").iterdir()
        if path.name.isdecimal()
        and wanted.intersection(Process(int(path.name), 0).namespaces.values())
    ]
    mounts = Path("/proc/self/mountinfo").read_text(errors="replace").splitlines()
    return found + [line for line in mounts if line.split(" ")[3] in wanted]


def own_namespaces() -> dict[str, str]:
    """Namespaces of the harness: those that the runtime is started in."""
    return {kind: str(Path("/proc/self/ns", kind).readlink()) for kind in NAMESPACES}


def own_mounts() -> set[str]:
    """Lines of the mounts that the calling thread's mount namespace has: proc_pid_mountinfo(5)."""
    return set(Path("/proc/thread-self/mountinfo").read_text(errors="replace").splitlines())


def descendants(pid: int | None = None) -> list[int]:
    """Numbers of all processes below ``pid`` (default: this one), zombies among them.

    Read until two readings agree: a child whose parent or sibling ends meanwhile may be in no list
    of one reading (proc_tid_children(5)).
    """
    top = os.getpid() if pid is None else pid
    found = _below(top)
    for _ in range(READINGS):
        before, found = found, _below(top)
        if found == before:
            break
    return found


def _below(pid: int) -> list[int]:
    found, waiting = list[int](), [pid]
    while waiting:
        below = children(waiting.pop())
        found += below
        waiting += below
    return found


def children(pid: int) -> list[int]:
    """Numbers of the children of ``pid``, of all its threads."""
    found: list[int] = []
    try:
        tasks = [path.name for path in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return found
    for task in tasks:
        try:
            text = Path(f"/proc/{pid}/task/{task}/children").read_bytes()
        except OSError:
            continue
        found += map(int, text.split())
    return found


def reap(pid: int) -> bool:
    """Collect the exit status of our child ``pid`` if it has ended; whether there was one."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def describe(pid: int) -> str:
    """``pid 12 (runc:[2:INIT])``: for messages."""
    fields = Path(f"/proc/{pid}/stat")
    try:
        text = fields.read_text(errors="replace")
    except OSError:
        return f"pid {pid} (gone)"
    return f"pid {pid} {text[text.find('(') : text.rfind(')') + 1]}"


@contextmanager
def numbered(pid: int, argv: Sequence[str]) -> Iterator[Process]:
    """Run ``argv``, which does not end by itself, under the process number ``pid``.

    Raises HarnessError if the number is not to be had.
    """
    try:
        started = door.execute_as(pid, argv)
    except OSError as error:
        holder = describe(pid)
        raise HarnessError(f"{holder} has the number that was asked for: {error}") from error
    found = Process.of(started)
    try:
        if found is None:
            raise HarnessError(f"{argv[0]} has ended at once")
        yield found
    finally:
        os.kill(started, signal.SIGKILL)
        os.waitpid(started, 0)


def end(pid: int, seconds: float) -> None:
    """SIGKILL a descendant and wait for its end."""
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        door.readable(pidfd, max(0.0, seconds))
    except ProcessLookupError:
        pass
    finally:
        os.close(pidfd)


def zombie(pid: int) -> bool:
    """Whether ``pid`` has ended and waits for its parent, or is gone."""
    fields = _stat(pid)
    return fields is None or fields[0] in {"Z", "X"}


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat from the third (state) on; the second may hold blanks."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    return text[text.rfind(")") + 2 :].split()
