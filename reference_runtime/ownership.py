"""The owner of the container's cgroup (config-linux.md#cgroup-ownership), on cgroup v2 alone.

Who may write to its directory and to the files that the kernel lists can make cgroups below it.
"""

from __future__ import annotations

import os

from reference_runtime import cgroups

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation
    from reference_runtime.model import Json

LIST = "/sys/kernel/cgroup/delegate"
_CORE = ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"]


def change(creation: Creation) -> None:
    """Give the cgroup to the user of the process, where the configuration has it writable."""
    if is_asked(creation):
        give(creation.cgroups[0]["leaf"], owner(creation))


def is_asked(creation: Creation) -> bool:
    """Say whether the container sees its own cgroup alone, and may write to it."""
    return (
        bool(creation.cgroups)
        and cgroups.is_unified(creation.cgroups)
        and not creation.is_rootless  # it belongs to that user already
        and creation.has_new_namespace("cgroup")
        and any(map(is_writable_view, creation.config.get("mounts", [])))
    )


def is_writable_view(entry: Json) -> bool:
    """Say whether an entry of mounts is the one that the specification describes."""
    place = entry.get("source"), entry["destination"]
    return place == ("cgroup", "/sys/fs/cgroup") and "ro" not in entry.get("options", [])


def owner(creation: Creation) -> int:
    """Return the host's ID of the user of the process; -1, which changes nothing, without one."""
    uid = int(creation.process.get("user", {}).get("uid", 0))
    if not creation.in_user_namespace:
        return uid
    for row in creation.linux.get("uidMappings", []):
        if row["containerID"] <= uid < row["containerID"] + row["size"]:
            return int(row["hostID"] + uid - row["containerID"])
    return -1


def give(directory: str, uid: int) -> None:
    """Change the owner of the directory, and of the listed files that are in it."""
    os.chown(directory, uid, -1)
    for name in files():
        try:
            os.chown(f"{directory}/{name}", uid, -1)
        except FileNotFoundError:
            pass  # not every cgroup has all of them


def files() -> list[str]:
    """Return the names that the kernel lists; old ones list none."""
    try:
        with open(LIST, encoding="utf-8") as file:
            return file.read().split()
    except FileNotFoundError:
        return _CORE
