"""The run's own cgroup directory in every hierarchy: made, joined, cleared, removed.

After ``join`` and a new cgroup namespace it is the root of all that runtimes can reach: their
default path is relative to the caller's own cgroup, and an absolute one begins at the mount.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness import door, linux

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.host import Hierarchy


def make(hierarchy: Hierarchy, name: str) -> Path:
    """Make the run's directory ``name`` below our own cgroup, ready to take processes."""
    directory = hierarchy.directory / name
    directory.mkdir()
    if "cpuset" in hierarchy.options.split(","):
        # A v1 cpuset starts empty and takes no process until both files are filled.
        for file in ("cpuset.cpus", "cpuset.mems"):
            (directory / file).write_text((hierarchy.directory / file).read_text())
    return directory


def join(directory: Path) -> None:
    """Move this process into a cgroup."""
    (directory / "cgroup.procs").write_text("0")


def delegate(directory: Path) -> None:
    """Enable all controllers of a v2 cgroup for the ones below it, as far as the kernel lets us."""
    for controller in (directory / "cgroup.controllers").read_text().split():
        try:
            (directory / "cgroup.subtree_control").write_text(f"+{controller}")
        except OSError:  # busy in a v1 hierarchy, or threaded: then nobody can use it here
            continue


def is_cgroup(path: Path) -> bool:
    """Whether ``path`` lies on a cgroup file system; plain directories beside mounts do not."""
    magics = {linux.CGROUP_SUPER_MAGIC, linux.CGROUP2_SUPER_MAGIC}
    return linux.statfs_type(str(path)) in magics


def below(root: Path) -> list[Path]:
    """All cgroup directories below ``root``, parents before what is in them."""
    found: list[Path] = []
    waiting = [str(root)]
    while waiting:
        directory = waiting.pop()
        try:
            with os.scandir(directory) as entries:
                names = [e.path for e in entries if e.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            continue
        found += map(Path, names)
        waiting += names
    return found


def processes(directory: Path) -> list[int]:
    """Numbers of the processes in one cgroup."""
    try:
        return [int(word) for word in (directory / "cgroup.procs").read_text().split()]
    except OSError:  # gone, or a threaded cgroup of v2
        return []


def clear(directories: Iterable[Path], seconds: float) -> list[str]:
    """End all processes in ``directories`` and below, and remove what is below them.

    Returns what could not be removed within ``seconds``.
    """
    roots = list(directories)
    deadline = time.monotonic() + seconds
    inner = [(root, path) for root in roots for path in below(root)]
    for _, path in inner:
        thaw(path)
    for _, path in inner:
        _end(path, deadline)
    left = []
    for _, path in reversed(inner):
        try:
            path.rmdir()
        except FileNotFoundError:
            continue
        except OSError as error:
            left.append(f"cgroup {path}: {error.strerror}")
    return left


def remove(directory: Path, seconds: float) -> list[str]:
    """End all processes in a run's directory and remove it with all below."""
    deadline = time.monotonic() + seconds
    left = clear([directory], seconds)
    thaw(directory)
    _end(directory, deadline)
    try:
        directory.rmdir()
    except FileNotFoundError:
        pass
    except OSError as error:
        left.append(f"cgroup {directory}: {error.strerror}")
    return left


def thaw(directory: Path) -> None:
    """Let what is frozen in one cgroup go on: it could not even die."""
    # v1 and v2 spell it differently.
    for file, word in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
        try:
            (directory / file).write_text(word)
        except OSError:
            continue


def _end(directory: Path, deadline: float) -> None:
    """SIGKILL whatever is in one cgroup but ourselves and wait until each has ended."""
    for pid in processes(directory):
        if pid in {0, os.getpid()}:
            continue  # 0: a process of another pid namespace, which we cannot have started
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:
            continue
        try:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            door.readable(pidfd, max(0.0, deadline - time.monotonic()))
        except ProcessLookupError:
            pass
        finally:
            os.close(pidfd)
