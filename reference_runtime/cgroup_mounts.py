"""Mounts of type cgroup: the container's cgroups, made visible inside it.

config.md knows no such type beyond the kernel's, but every engine asks for it at /sys/fs/cgroup.
"""

from __future__ import annotations

import os

from reference_runtime import mount_options, mounts, rootfs, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation
    from reference_runtime.model import Json

_TMPFS = "mode=755"


def mount(creation: Creation, entry: Json, options: mount_options.Options) -> None:
    """Mount the one v2 hierarchy at the destination, or a directory with all v1 hierarchies."""
    planned = creation.cgroups
    destination = entry["destination"]
    if not planned and creation.is_rootless:
        flags = syscalls.OPEN_TREE_CLONE | syscalls.AT_RECURSIVE
        hosts = syscalls.open_tree(syscalls.AT_FDCWD, "/sys/fs/cgroup", flags)  # to look at
        mounts.attach(creation, hosts, destination, options)
        return
    if len(planned) == 1 and planned[0]["version"] == 2:  # noqa: PLR2004
        mounts.attach(creation, view(creation, planned[0]), destination, options)
        return
    names = ["nosuid", "nodev", "noexec", _TMPFS]
    writable = mount_options.Options(names)
    mounts.filesystem(creation, {**entry, "type": "tmpfs"}, writable)
    for hierarchy in planned:
        name = hierarchy["root"].rpartition("/")[2]
        mounts.attach(creation, view(creation, hierarchy), f"{destination}/{name}", options)
    directory = rootfs.open_in(creation.root_fd, destination)
    mounts.set_attributes(directory, 0, options.attributes)
    mounts.set_attributes(directory, syscalls.AT_RECURSIVE, options.recursive)
    mounts.set_propagation(directory, options)
    os.close(directory)


def view(creation: Creation, hierarchy: Json) -> int:
    """Return a detached mount of what the container may see of a hierarchy: its own cgroup."""
    if not creation.has_new_namespace("cgroup"):
        return syscalls.open_tree(syscalls.AT_FDCWD, hierarchy["leaf"], syscalls.OPEN_TREE_CLONE)
    unified = hierarchy["version"] == 2  # noqa: PLR2004
    fs = syscalls.fsopen("cgroup2" if unified else "cgroup")
    try:
        for option in () if unified else hierarchy["controllers"]:
            key, has_value, value = option.partition("=")
            command = syscalls.FSCONFIG_SET_STRING if has_value else syscalls.FSCONFIG_SET_FLAG
            syscalls.fsconfig(fs, command, key, value if has_value else None)
        syscalls.fsconfig(fs, syscalls.FSCONFIG_CMD_CREATE)
        return syscalls.fsmount(fs, 0)
    finally:
        os.close(fs)
