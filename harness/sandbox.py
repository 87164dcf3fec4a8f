"""The sandbox in which cases run: what a runtime does stays in it and can be cleared.

The process that runs cases gets a mount namespace with private propagation, a /dev of its own, a
cgroup namespace whose root is a directory of this run, and becomes a child subreaper. Nothing is
mounted or made outside but ``/run/oci-conformance/ID`` (a lock and an empty directory) and one
cgroup directory per hierarchy; ``kill -9`` leaves these, and the next run clears them.

In a user namespace (rootless.py) it is the same with what an ordinary user may do: nodes of /dev
are bound, the directory is below /tmp, and there are cgroups only where one of v2 is delegated.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from pathlib import Path

from harness import cgroups, host, linux
from harness.faults import HarnessError
from harness.host import Hierarchy

RUNS = Path("/run/oci-conformance")

NODES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
}

SECONDS_TO_CLEAR = 10.0


class Sandbox:
    """The sandbox of this process. ``enter`` once, from the main thread; ``leave`` at the end."""

    def __init__(self, directory: Path, lock: int) -> None:
        self.directory = directory
        self._lock = lock
        self.work = directory / "work"
        """A tmpfs that only this process and its children see; mode 0711."""
        self.cgroup_roots: list[Path] = []
        """Root of our cgroup namespace in each hierarchy, as mounted in the sandbox."""
        self._homes: list[int] = []
        """Open cgroup.procs of the cgroups that we came from."""
        self._outside: list[Path] = []
        """Our directories through the mounts that the sandbox has detached."""

    @classmethod
    def enter(cls, view: str = "") -> Sandbox:
        """Build the sandbox around this process; HarnessError naming the step that failed.

        ``view``: the version of cgroups that is mounted in it, v1 or v2; empty for all there are.
        """
        runs = _runs()
        directory = Path(tempfile.mkdtemp(prefix="", dir=runs))
        directory.chmod(0o711)
        # Locked before it has its name: whoever finds the name finds the lock held.
        lock = os.open(directory / "locking", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        (directory / "locking").rename(directory / "lock")
        sandbox = cls(directory, lock)
        sandbox.work.mkdir()
        try:
            # What a runtime names is not the host.
            linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWUTS | _owned())
            linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
            linux.mount("tmpfs", str(sandbox.work), "tmpfs", data="mode=0711")
            if host.in_user_namespace():
                hierarchies = _delegated()
                _hide_unified()
            else:
                hierarchies = [h for h in host.hierarchies() if view in {"", _version(h)}]
                hierarchies += [] if view == "v2" else sandbox._claim()
            clear_dead_runs(hierarchies)
            if hierarchies:
                sandbox._move_into_cgroups(hierarchies)
            _private_devices(sandbox.work / "dev")
            linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
        except OSError as error:
            sandbox.leave()
            raise HarnessError(f"the sandbox could not be built: {error}") from error
        return sandbox

    def _claim(self) -> list[Hierarchy]:
        """Mount controllers that a hybrid host left unused in v2 as v1, for as long as we run.

        crun refuses a host where any controller is left in v2 beside v1.
        """
        claimed = []
        for controller in host.unclaimed_controllers():
            point = self.work / "claimed" / controller
            point.mkdir(parents=True)
            try:
                linux.mount("cgroup", str(point), "cgroup", data=controller)
            except OSError:  # busy: somebody uses it in v2 below the root
                continue
            claimed.append(Hierarchy(point, "/", controller))
        return claimed

    def _move_into_cgroups(self, hierarchies: list[Hierarchy]) -> None:
        name = f"oci-conformance-{self.directory.name}"
        # Noted before the first is made: what is written here is what a later run can clear.
        noted = (f"{h.options}\t{h.own.rstrip('/')}/{name}\n" for h in hierarchies)
        (self.directory / "cgroups").write_text("".join(noted))
        for hierarchy in hierarchies:
            home = hierarchy.directory / "cgroup.procs"
            self._homes.append(os.open(home, os.O_WRONLY | os.O_CLOEXEC))
            cgroups.make(hierarchy, name)
            # An open directory keeps a mount usable that has been detached.
            fd = os.open(hierarchy.directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            self._outside.append(Path(f"/proc/self/fd/{fd}", name))
        for directory in self._outside:
            cgroups.join(directory)
        linux.unshare(linux.CLONE_NEWCGROUP)
        self._mount_cgroups(hierarchies)

    def _mount_cgroups(self, hierarchies: list[Hierarchy]) -> None:
        """Mount every hierarchy anew: in the new namespace its root is the run's directory.

        The old mounts go first: runtimes find hierarchies in mountinfo, where a covered mount is
        still listed.
        """
        top = next((h.mount_point for h in hierarchies if h.unified), None)
        for claimed in (self.work / "claimed").glob("*"):
            linux.umount2(str(claimed), linux.MNT_DETACH)
        if len(hierarchies) == 1 and top is not None:
            top = _alone(top)
            linux.mount("cgroup2", str(top), "cgroup2")
            self.cgroup_roots = [top]
            self._leave_room(top)
            return
        fs = Path("/sys/fs/cgroup")
        linux.umount2(str(fs), linux.MNT_DETACH)
        linux.mount("tmpfs", str(fs), "tmpfs", data="mode=0755")
        for hierarchy in hierarchies:
            names = hierarchy.options.removeprefix("none,name=")
            point = fs / (names or "unified")
            point.mkdir()
            kind = "cgroup2" if hierarchy.unified else "cgroup"
            linux.mount(kind, str(point), kind, data=hierarchy.options)
            for alias in names.split(",") if "," in names else []:
                (fs / alias).symlink_to(names)
            self.cgroup_roots.append(point)

    def _leave_room(self, top: Path) -> None:
        """Go one cgroup further down: v2 enables controllers only where no process is inside."""
        harness = top / "harness"
        harness.mkdir()
        cgroups.join(harness)
        cgroups.delegate(top)

    @property
    def own_cgroup(self) -> Path | None:
        """The cgroup of the first hierarchy that this process is in; None without cgroups."""
        if not self.cgroup_roots:
            return None
        alone = _harness(self)
        return alone if alone.is_dir() else self.cgroup_roots[0]

    def leave(self) -> list[str]:
        """Go back to the cgroups that we came from and remove the run's; return what stays."""
        left = cgroups.clear(self.cgroup_roots, SECONDS_TO_CLEAR) if self.cgroup_roots else []
        left = [line for line in left if not line.startswith(f"cgroup {_harness(self)}:")]
        for home in self._homes:
            os.write(home, b"0")
            os.close(home)
        for root in self.cgroup_roots:
            with contextlib.suppress(OSError):
                (root / "harness").rmdir()
        for directory in self._outside:
            left += cgroups.remove(directory, SECONDS_TO_CLEAR)
        with contextlib.suppress(OSError):
            linux.umount2(str(self.work), linux.MNT_DETACH)
        os.close(self._lock)
        if not left:
            shutil.rmtree(self.directory, ignore_errors=True)
        return left


def _runs() -> Path:
    """Return the directory of all runs of this user, made if it is not there."""
    if not host.in_user_namespace():
        RUNS.mkdir(mode=0o711, exist_ok=True)
        return RUNS
    return host.user_directory()


def _owned() -> int:
    """The further namespaces that an ordinary user has to own: nobody else may come back to one.

    Cases leave the caller's namespaces for a while, and look into them.
    """
    if not host.in_user_namespace():
        return 0
    return linux.CLONE_NEWNET | linux.CLONE_NEWIPC


def _version(hierarchy: Hierarchy) -> str:
    return "v2" if hierarchy.unified else "v1"


def _alone(top: Path) -> Path:
    """Make room for a mount of v2 alone; returns where."""
    if host.in_user_namespace():  # where the old mounts are locked: covered, then
        return top
    if host.layout() == "hybrid":
        top = top.parent
    linux.umount2(str(top), linux.MNT_DETACH)
    return top


def _delegated() -> list[Hierarchy]:
    """The hierarchies in which an ordinary user may make cgroups: v2, if it was delegated.

    Mounts of v1 cannot be made anew by one.
    """
    mounted = host.hierarchies()
    if len(mounted) != 1 or not mounted[0].unified or host.cgroups():
        return []
    return mounted


def _hide_unified() -> None:
    """On a hybrid host cover the mount of v2, of which an ordinary user can use nothing.

    crun refuses a host where any controller is left in v2 beside v1.
    """
    unified = next((h for h in host.hierarchies() if h.unified), None)
    if unified is not None and host.layout() == "hybrid":
        linux.mount("tmpfs", str(unified.mount_point), "tmpfs", linux.MS_RDONLY, "mode=0555")


def _harness(sandbox: Sandbox) -> Path:
    return sandbox.cgroup_roots[0] / "harness"


def _private_devices(staging: Path) -> None:
    """Cover /dev: a runtime that changes a node of it changes ours (crun chowns /dev/null)."""
    staging.mkdir()
    linux.mount("tmpfs", str(staging), "tmpfs", linux.MS_NOSUID, "mode=0755")
    for name, (major, minor) in NODES.items():
        _node(staging, name, os.makedev(major, minor))
    for name in ("fuse", "net/tun"):
        source = Path("/dev", name)
        if source.exists():
            (staging / name).parent.mkdir(exist_ok=True)
            _node(staging, name, source.stat().st_rdev)
    for name, target in {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}.items():
        (staging / name).symlink_to(f"/proc/self/fd{target}")
    (staging / "pts").mkdir()
    linux.mount("devpts", str(staging / "pts"), "devpts", data="newinstance,ptmxmode=0666,mode=620")
    (staging / "ptmx").symlink_to("pts/ptmx")
    (staging / "shm").mkdir()
    linux.mount("tmpfs", str(staging / "shm"), "tmpfs", data="mode=1777")
    linux.mount(str(staging), "/dev", None, linux.MS_MOVE)


def _node(staging: Path, name: str, device: int) -> None:
    path = staging / name
    if host.in_user_namespace():  # only root of the host makes devices
        path.touch()
        linux.mount(f"/dev/{name}", str(path), None, linux.MS_BIND)
        return
    os.mknod(path, stat.S_IFCHR | 0o666, device)
    path.chmod(0o666)  # the umask took its share


def clear_dead_runs(hierarchies: list[Hierarchy]) -> None:
    """Clear what runs left that were killed: a lock that can be taken has no living owner."""
    for directory in _runs().glob("*"):
        try:
            lock = os.open(directory / "lock", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            _clear_dead_run(directory, {h.options: h.mount_point for h in hierarchies})
        finally:
            os.close(lock)


def _clear_dead_run(directory: Path, mounted: dict[str, Path]) -> None:
    try:
        lines = (directory / "cgroups").read_text().splitlines()
    except OSError:
        lines = []
    left = []
    for line in lines:
        options, _, path = line.partition("\t")
        if options in mounted:
            left += cgroups.remove(mounted[options] / path.lstrip("/"), SECONDS_TO_CLEAR)
    if left:
        raise HarnessError(f"a dead run could not be cleared: {'; '.join(left)}")
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":  # clears what runs left that were killed: entering does
    Sandbox.enter().leave()
