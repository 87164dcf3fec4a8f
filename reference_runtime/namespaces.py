"""Namespaces: joined by path, new, or inherited (config-linux.md#namespaces, namespaces(7))."""

from __future__ import annotations

import os

from reference_runtime import errors, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation
    from reference_runtime.model import Json

FLAGS = {
    "user": syscalls.CLONE_NEWUSER,
    "ipc": syscalls.CLONE_NEWIPC,
    "uts": syscalls.CLONE_NEWUTS,
    "network": syscalls.CLONE_NEWNET,
    "pid": syscalls.CLONE_NEWPID,
    "time": syscalls.CLONE_NEWTIME,
    "cgroup": syscalls.CLONE_NEWCGROUP,
    "mount": syscalls.CLONE_NEWNS,  # the last to be joined: it changes what paths mean
}


def open_paths(creation: Creation) -> None:
    """Open the namespaces to join while paths still mean what the runtime's caller means."""
    for index, namespace in enumerate(creation.linux.get("namespaces", [])):
        if "path" in namespace:
            with creation.naming(f"linux.namespaces[{index}].path ({namespace['path']})"):
                fd = os.open(namespace["path"], os.O_RDONLY | os.O_CLOEXEC)
                creation.namespace_fds[namespace["type"]] = fd


def enter_user_namespace(creation: Creation) -> None:
    """Join or make the user namespace: it is to own the other new ones."""
    if "user" in creation.namespace_fds:
        _join(creation, "user")
    elif creation.has_new_namespace("user"):
        _unshare(syscalls.CLONE_NEWUSER, "user")


def become_root() -> None:
    """Become the root of the user namespace, else the first ID that is mapped into it."""
    gid, uid = (_first_mapped(f"/proc/self/{kind}_map") for kind in ("gid", "uid"))
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    # Changed IDs make /proc/self root's, who is a stranger here; stage.py takes it back.
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)
    try:
        os.setgroups([])
    except PermissionError:
        pass  # denied for good in this namespace (user_namespaces(7))


def _first_mapped(path: str) -> int:
    with open(path, encoding="utf-8") as rows:
        firsts = [int(row.split()[0]) for row in rows]
    if not firsts:
        message = "linux.namespaces: no IDs are mapped into the user namespace"
        raise errors.OperationError(message)
    return min(firsts)


def enter_others(creation: Creation) -> None:
    """Join the other namespaces, make the new ones; the cgroup namespace waits for the cgroups."""
    for kind in FLAGS:
        if kind in creation.namespace_fds and kind != "user":
            _join(creation, kind)
    new = 0
    for kind, flag in FLAGS.items():
        if kind not in {"user", "cgroup"} and creation.has_new_namespace(kind):
            new |= flag
    if new:
        _unshare(new, "namespaces")


def enter_new_cgroup_namespace(creation: Creation) -> None:
    """Make the cgroup namespace: its root is where the process is (cgroup_namespaces(7))."""
    if creation.has_new_namespace("cgroup"):
        _unshare(syscalls.CLONE_NEWCGROUP, "cgroup")


def set_time_offsets(creation: Creation) -> None:
    """Set the offsets of the new time namespace, before a process is in it (time_namespaces(7))."""
    for clock, offset in creation.linux.get("timeOffsets", {}).items():
        line = f"{clock} {offset.get('secs', 0)} {offset.get('nanosecs', 0)}"
        try:
            with open("/proc/self/timens_offsets", "w", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            message = f"linux.timeOffsets.{clock}: {errors.reason(error)}"
            raise errors.OperationError(message) from None


def write_id_maps(creation: Creation, pid: int) -> None:
    """Map the IDs of a new user namespace from outside (user_namespaces(7))."""
    for kind in ("gid", "uid"):
        rows = creation.linux[f"{kind}Mappings"]
        with creation.naming(f"linux.{kind}Mappings"):
            write_id_map(pid, kind, rows)


def write_id_map(pid: int, kind: str, rows: list[Json]) -> None:
    """Write one map; kind is uid or gid."""
    if os.geteuid() != 0:
        from reference_runtime import id_maps  # what an ordinary user needs alone

        id_maps.write(pid, kind, rows)
        return
    text = "".join(f"{row['containerID']} {row['hostID']} {row['size']}\n" for row in rows)
    _write(f"/proc/{pid}/{kind}_map", text)


def _join(creation: Creation, kind: str) -> None:
    try:
        syscalls.setns(creation.namespace_fds[kind], FLAGS[kind])
    except OSError as error:
        message = f"linux.namespaces: cannot join the {kind} namespace: {errors.reason(error)}"
        raise errors.OperationError(message) from None


def _unshare(flags: int, name: str) -> None:
    try:
        syscalls.unshare(flags)
    except OSError as error:
        message = f"linux.namespaces: cannot make new {name}: {errors.reason(error)}"
        raise errors.OperationError(message) from None


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())  # the kernel takes a map in one write(2) only
    finally:
        os.close(fd)
