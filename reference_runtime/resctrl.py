"""Intel Resource Director Technology (config-linux.md#intelrdt): a group of the resctrl filesystem.

A group is a directory; its tasks file takes pids, its schemata file what they may use of caches
and memory bandwidth (the kernel's Documentation/filesystems/resctrl.rst).
"""

from __future__ import annotations

import os

from reference_runtime import errors, mountinfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation
    from reference_runtime.model import Json

ROOT_GROUP = "/"  # as closID: the group that all tasks begin in
_WHERE = "linux.intelRdt"


def mount_point() -> str:
    """Return where the filesystem is mounted; without one there is nothing to be applied to."""
    for mount in mountinfo.mounts():
        if mount.type == "resctrl":
            return mount.mount_point
    message = f"{_WHERE}: this host has no resctrl filesystem mounted"
    raise errors.OperationError(message)


def plan(creation: Creation) -> Json:
    """Decide on the groups; return what is to be removed when create fails, and by delete."""
    wanted, identifier = creation.linux["intelRdt"], creation.container.id
    top = mount_point()
    clos = wanted.get("closID", identifier)
    group = top if clos == ROOT_GROUP else f"{top}/{clos}"
    is_new = not os.path.isdir(group)
    if is_new and "closID" in wanted and not lines(wanted):
        message = f"{_WHERE}.closID: there is no group {clos}, and nothing is said of what it is"
        raise errors.OperationError(message)
    monitoring = f"{group}/mon_groups/{identifier}" if wanted.get("enableMonitoring") else ""
    if monitoring and os.path.lexists(monitoring):
        message = f"{_WHERE}.enableMonitoring: there is a group {monitoring} already"
        raise errors.OperationError(message)
    made = [group] if is_new else []
    return {
        "group": group,
        "monitoring": monitoring,
        "onFailure": [monitoring] * bool(monitoring) + made,
        "onDelete": [monitoring] * bool(monitoring) + ([] if "closID" in wanted else made),
    }


def apply(creation: Creation, planned: Json) -> None:
    """Make what is missing, and assign the container process."""
    wanted, group = creation.linux["intelRdt"], planned["group"]
    with creation.naming(_WHERE):
        if group in planned["onFailure"]:
            make_directory(group)
        elif "closID" in wanted:
            refuse_other_schemata(wanted, group)
        if lines(wanted):
            write(f"{group}/schemata", *(f"{line}\n" for line in lines(wanted)))
        if planned["monitoring"]:
            make_directory(planned["monitoring"])
        assign(planned, creation.init_pid)


def assign(planned: Json, pid: int) -> None:
    """Put a process into the group, then into the group below it that only monitors."""
    write(f"{planned['group']}/tasks", str(pid))
    if planned["monitoring"]:
        write(f"{planned['monitoring']}/tasks", str(pid))


def lines(wanted: Json) -> list[str]:
    """Return what is to be written to schemata, in the order that the specification gives it."""
    both = [wanted[name] for name in ("l3CacheSchema", "memBwSchema") if wanted.get(name)]
    return [*both, *wanted.get("schemata", [])]


def refuse_other_schemata(wanted: Json, group: str) -> None:
    """Refuse a group that exists and has other values than the two older properties say."""
    with open(f"{group}/schemata", encoding="ascii", errors="replace") as file:
        present = values(file.read())
    for name in ("l3CacheSchema", "memBwSchema"):
        for key, value in values(wanted.get(name, "")).items():
            if present.get(key) != value:
                message = f"{name}: the group {group} exists and has other schemata"
                raise errors.OperationError(message)


def values(text: str) -> dict[tuple[str, str], str]:
    """Take lines such as "L3:0=7f0;1=1f" apart; leading zeros and case say nothing."""
    found = {}
    for line in text.splitlines():
        resource, _, rest = line.partition(":")
        for part in filter(None, rest.split(";")):
            identifier, _, value = part.partition("=")
            key = resource.strip(), identifier.strip()
            found[key] = value.strip().lower().lstrip("0") or "0"
    return found


def remove(record: Json, *, is_complete: bool) -> None:
    """Remove the groups: those of a complete container, or all that a failed create has made."""
    for path in record["onDelete" if is_complete else "onFailure"]:
        try:
            remove_directory(path)
        except FileNotFoundError:
            pass


def make_directory(path: str) -> None:
    """Make a group; ENOSPC when the hardware has no room for one more."""
    os.mkdir(path, 0o755)


def remove_directory(path: str) -> None:
    """Remove a group; tasks that are left go back to the group above."""
    os.rmdir(path)


def write(path: str, *texts: str) -> None:
    """Write a file of the filesystem, of which the kernel makes all there are, text by text.

    One write that has a domain twice is refused; of several writes the last counts.
    """
    fd = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
    text = ""
    try:
        for text in texts:
            os.write(fd, text.encode())
    except OSError as error:
        reason = errors.reason(error)
        message = f"{path}: {text.strip()!r}: {reason}{last_status(path)}"
        raise errors.OperationError(message) from None
    finally:
        os.close(fd)


def last_status(path: str) -> str:
    """Return what the kernel has to say about a schemata file that it has refused."""
    try:
        with open(f"{mount_point()}/info/last_cmd_status", encoding="utf-8") as file:
            return f" ({file.read().strip()})" if path.endswith("/schemata") else ""
    except OSError:
        return ""
