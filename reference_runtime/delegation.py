"""The cgroups of an ordinary user: those that were delegated to it (cgroups(7), Delegation).

Where none was, the container goes without, unless its configuration asks for one: for a limit, or
for a path. Device rules are nobody's but root's, and the user cannot open more devices by going
without them.
"""

from __future__ import annotations

import os

from reference_runtime import cgroups, errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation
    from reference_runtime.model import Json

_FOR_ROOT = "devices"


def plan(creation: Creation, mounted: list[cgroups.Hierarchy]) -> list[Json]:
    """Decide where the container's cgroups are, in the hierarchies that let the user make one."""
    wanted = creation.linux.get("cgroupsPath")
    planned: list[Json] = []
    for hierarchy in mounted:
        own = own_cgroup(hierarchy)
        path = wanted
        if wanted is None or not wanted.startswith("/"):
            path = f"{place(hierarchy, own)}/{cgroups.HOME}/{wanted or creation.container.id}"
        entries = cgroups.plan(path, creation.container.id, [hierarchy])
        planned += [entry for entry in entries if is_usable(entry, own)]
    if not planned:
        refuse_requests(creation)
    return planned


def own_cgroup(hierarchy: cgroups.Hierarchy) -> str:
    """Return the directory of the cgroup that this process is in, empty if it is not mounted."""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        for line in file:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            names = [] if hierarchy.version == 2 else sorted(hierarchy.controllers)  # noqa: PLR2004
            if sorted(filter(None, controllers.split(","))) == names:
                directory = os.path.normpath(hierarchy.mount_point + path)
                return "" if path.startswith("/..") else directory
    return ""


def place(hierarchy: cgroups.Hierarchy, own: str) -> str:
    """Return, from the mount point on, below what a container without a path of its own has one.

    A cgroup of v2 with processes has no controllers for those below it, so the own one is not it.
    """
    above = os.path.dirname(own)
    if len(own) > len(hierarchy.mount_point) and is_writable(above):
        own = above
    return own[len(hierarchy.mount_point) :]


def is_usable(entry: Json, own: str) -> bool:
    """Say whether the user may make the cgroup, and move a process into it from the own one."""
    existing = os.path.dirname(entry["made"][0]) if entry["made"] else entry["leaf"]
    if not is_writable(existing):
        return False
    # Version 2 wants the right to write in what both have above them.
    both = os.path.commonpath([own, entry["leaf"]]) if own else existing
    return entry["version"] == 1 or is_writable(both)


def is_writable(directory: str) -> bool:
    """Say whether processes can be moved, and cgroups be made, in a directory."""
    return all(
        os.access(path, os.W_OK, effective_ids=True)
        for path in (directory, f"{directory}/cgroup.procs")
    )


def refuse_requests(creation: Creation) -> None:
    """Refuse what cannot be done without a cgroup."""
    limits = [n for n, v in creation.linux.get("resources", {}).items() if v and n != _FOR_ROOT]
    names = [f"linux.resources.{name}" for name in limits]
    if "cgroupsPath" in creation.linux:
        names.append("linux.cgroupsPath")
    if names:
        message = f"{names[0]}: no cgroup is delegated to this user, who cannot make one there"
        raise errors.OperationError(message)
