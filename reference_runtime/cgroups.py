"""The container's cgroups (config-linux.md#control-groups): one directory in every hierarchy.

What will be made is planned and recorded before it is made, so that delete removes that and
nothing else, even after a create that was killed. The plan is a list of
{"leaf": directory, "made": [directories that did not exist, from the top], "controllers": [...]}.
"""

from __future__ import annotations

import errno
import os
import time

from reference_runtime import errors, freezer, processes, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal

    from reference_runtime import mountinfo
    from reference_runtime.model import Json
else:
    import _signal as signal

HOME = "reference-runtime"  # where containers without an absolute cgroupsPath live
_NO_CONTROLLER = frozenset(("rw", "ro", "xattr", "clone_children", "noprefix", "release_agent"))
_BUSY_SECONDS = 10.0
_NO_LONGER = "memory.kmem.limit_in_bytes"  # since Linux 5.16; Docker may still ask for it


class Hierarchy:
    """A mounted cgroup hierarchy; version 2 has the controllers that its root offers."""

    def __init__(self, mount: mountinfo.Mount) -> None:
        """Find out its version and controllers."""
        self.mount_point = mount.mount_point
        self.version = 2 if mount.type == "cgroup2" else 1
        if self.version == 2:  # noqa: PLR2004
            # The files of cgroup v2 itself are there whatever its controllers are.
            self.controllers = [*read(f"{self.mount_point}/cgroup.controllers").split(), "cgroup"]
        else:
            names = (o for o in mount.super_options if o.split("=")[0] not in _NO_CONTROLLER)
            self.controllers = list(names)


def hierarchies() -> list[Hierarchy]:
    """Return the hierarchies mounted here, leaving out mounts that others lie on top of."""
    from reference_runtime import mountinfo  # create alone needs it

    found: dict[str, mountinfo.Mount] = {}
    for mount in mountinfo.mounts():
        if (
            mount.type in {"cgroup", "cgroup2"}
            and mountinfo.mount_id(mount.mount_point) == mount.id
        ):
            found.setdefault(f"{mount.type} {','.join(sorted(mount.super_options))}", mount)
    return [Hierarchy(mount) for mount in found.values()]


def is_unified(planned: list[Json]) -> bool:
    """Say whether cgroup v2 is alone here: hybrid hosts have their limits in v1."""
    return all(entry["version"] == 2 for entry in planned)  # noqa: PLR2004


def plan(cgroups_path: str | None, identifier: str, mounted: list[Hierarchy]) -> list[Json]:
    """Decide where the container's cgroups are (config-linux.md#cgroups-path)."""
    relative = cgroups_path if cgroups_path is not None else identifier
    if not relative.startswith("/"):
        relative = f"/{HOME}/{relative}"
    relative = os.path.normpath(relative)
    planned = []
    for hierarchy in mounted:
        leaf = hierarchy.mount_point + relative
        made: list[str] = []
        directory = leaf
        while not os.path.isdir(directory):
            made.insert(0, directory)
            directory = os.path.dirname(directory)
        refuse_frozen(leaf)
        planned.append({
            "version": hierarchy.version,
            "controllers": hierarchy.controllers,
            "root": hierarchy.mount_point,
            "leaf": leaf,
            "made": made,
        })  # fmt: skip
    return planned


def refuse_frozen(leaf: str) -> None:
    """Refuse a frozen cgroup: a process that joined it would never come to run."""
    for file, frozen in (("freezer.state", ("FROZEN", "FREEZING")), ("cgroup.freeze", ("1",))):
        if os.path.exists(f"{leaf}/{file}") and read(f"{leaf}/{file}") in frozen:
            message = f"linux.cgroupsPath: the cgroup {leaf} is frozen"
            raise errors.OperationError(message)


def make(planned: list[Json]) -> None:
    """Make the directories of the plan."""
    for entry in planned:
        is_cpuset = entry["version"] == 1 and "cpuset" in entry["controllers"]
        for directory in entry["made"] or [entry["leaf"]]:
            try:
                _make_one(directory, is_cpuset=is_cpuset)
            except OSError as error:
                message = f"linux.cgroupsPath: {errors.reason(error)}"
                raise errors.OperationError(message) from None


def _make_one(directory: str, *, is_cpuset: bool) -> None:
    while True:
        try:
            os.mkdir(directory, 0o755)
        except FileExistsError:
            pass  # a parent that another container has made meanwhile, or the leaf was there
        except FileNotFoundError:  # a parent that another container's delete has removed meanwhile
            _make_one(os.path.dirname(directory), is_cpuset=is_cpuset)
            continue
        if is_cpuset:
            inherit_cpuset(directory)
        return


def inherit_cpuset(directory: str) -> None:
    """Fill a new cpuset from its parent's: the kernel lets nobody join an empty one (cpuset(7))."""
    for file in ("cpuset.cpus", "cpuset.mems"):
        if not read(f"{directory}/{file}"):
            write(f"{directory}/{file}", read(f"{os.path.dirname(directory)}/{file}"))


def attach(planned: list[Json], pid: int) -> None:
    """Move the container's first process into its cgroups; its children will be there too."""
    for entry in planned:
        try:
            write(f"{entry['leaf']}/cgroup.procs", str(pid))
        except OSError as error:
            message = f"linux.cgroupsPath: cannot join {entry['leaf']}: {errors.reason(error)}"
            raise errors.OperationError(message) from None


def apply(planned: list[Json], settings: list[tuple[str, str, str, str]]) -> None:
    """Write settings: (property of config.json, controller, file, value)."""
    for name, controller, file, value in settings:
        leaf = next((e["leaf"] for e in planned if controller in e["controllers"]), None)
        if leaf is None:
            message = f"{name}: this host has no {controller} cgroup controller"
            raise errors.OperationError(message)
        try:
            write(f"{leaf}/{file}", value)
        except OSError as error:
            if file == _NO_LONGER and error.errno in {errno.ENOENT, errno.EOPNOTSUPP}:
                report.warning(f"{name}: this kernel has no such limit any more")
                continue
            message = f"{name}: cannot write {value!r} to {leaf}/{file}: {error.strerror}"
            raise errors.OperationError(message) from None


def remove(planned: list[Json]) -> None:
    """Remove what create has made, and end the processes that the container has left in it."""
    freezer.thaw([entry for entry in planned if entry["leaf"] not in entry["made"]])  # they stay
    for entry in planned:
        made = entry["made"]
        if made and made[-1] == entry["leaf"]:
            try:
                os.rmdir(entry["leaf"])  # most are empty by now
            except FileNotFoundError:
                pass
            except OSError:
                kill_all([entry])
                _remove_tree(entry["leaf"])
        for parent in reversed(made[:-1]):
            try:
                os.rmdir(parent)
            except FileNotFoundError:
                pass  # a delete that was killed has come so far
            except OSError:
                break  # others use it by now


def members(planned: list[Json]) -> list[int]:
    """Return the processes in the cgroups that create has made: in others there may be anybody."""
    leaves = [entry["leaf"] for entry in planned if entry["leaf"] in entry["made"]]
    found = {pid for leaf in leaves for each in _tree(leaf) for pid in _members(each)}
    return sorted(found)


def kill_all(planned: list[Json]) -> None:
    """End the processes in the cgroups that create has made, and what they fork meanwhile."""
    while pids := members(planned):
        freezer.thaw(planned)
        for pid in pids:
            try:
                pidfd = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            processes.send_signal(pidfd, signal.SIGKILL)
            processes.wait_for_end(pid, pidfd, _BUSY_SECONDS)
            os.close(pidfd)


def _members(directory: str) -> list[int]:
    # 0 stands for a process of a foreign pid namespace: not the container's.
    try:
        return [int(pid) for pid in read(f"{directory}/cgroup.procs").split() if pid != "0"]
    except FileNotFoundError:
        return []  # gone meanwhile


def _tree(top: str) -> list[str]:
    """Return the directory and all below it, the deepest first."""
    return [directory for directory, _, _ in os.walk(top, topdown=False)]


def _remove_tree(top: str) -> None:
    deadline = time.monotonic() + _BUSY_SECONDS
    for directory in _tree(top):
        while True:
            try:
                os.rmdir(directory)
            except FileNotFoundError:
                pass
            except OSError as error:
                # The kernel lets go of the last process a little after its pidfd says so.
                if error.errno != errno.EBUSY or time.monotonic() > deadline:
                    message = f"cannot remove the cgroup {directory}: {errors.reason(error)}"
                    raise errors.OperationError(message) from None
                time.sleep(0.001)
                continue
            break


def read(path: str) -> str:
    """Read a control file."""
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def write(path: str, value: str) -> None:
    """Write a control file in one write(2); one that is missing is an error, not made."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, value.encode())
    finally:
        os.close(fd)
