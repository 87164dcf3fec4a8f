"""ID-mapped mounts (config.md#posix-platform-mounts, mount_setattr(2): MOUNT_ATTR_IDMAP).

A file that belongs to a mapping's containerID on disk shows as hostID's. The mapping is given to
the kernel as a user namespace that has it; nobody needs to live in that.
"""

from __future__ import annotations

import errno
import os

from reference_runtime import (
    channel,
    errors,
    mount_options,
    mounts,
    namespaces,
    rootfs,
    syscalls,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.channel import Channel
    from reference_runtime.creation import Creation
    from reference_runtime.model import Json

_MADE = "made"
_WHO = "the process that lends its user namespace to a mount"


def prepare(creation: Creation) -> None:
    """Open the mapped copies of bind mounts' sources, and mappings for other filesystems.

    This is the runtime's work: whoever maps a mount needs CAP_SYS_ADMIN in the user namespace that
    the filesystem was mounted in, which init, in a user namespace of its own, has not.
    """
    for index, entry in enumerate(creation.config.get("mounts", [])):
        if mount_options.is_idmapped(entry):
            with creation.naming(f"mounts[{index}] ({entry['destination']})"):
                creation.idmapped[id(entry)] = prepare_one(creation, entry)


def prepare_one(creation: Creation, entry: Json) -> int:
    """Return the mapped copy of a bind mount's source; for another mount the mapping only."""
    options = mount_options.Options(entry.get("options", []))
    userns = mapping(creation, entry)
    if not options.bind:
        return userns
    tree = mounts.open_source(creation, entry, options)
    apply(tree, userns, options.idmap)
    os.close(userns)
    return tree


def mapping(creation: Creation, entry: Json) -> int:
    """Return a user namespace with the mount's own mappings, else with the container's."""
    if entry.get("uidMappings"):
        return user_namespace(creation, entry)
    if "user" in creation.namespace_fds:
        return os.dup(creation.namespace_fds["user"])
    return user_namespace(creation, creation.linux)


def user_namespace(creation: Creation, mappings: Json) -> int:
    """Return a new user namespace that has the mappings; its only process ends at once."""
    here, there = channel.pair()
    pid = os.fork()
    if pid == 0:
        here.close()
        lend_namespace(there)
    there.close()
    try:
        here.expect(_MADE, _WHO)
        for kind in ("gid", "uid"):
            with creation.naming(f"{kind}Mappings"):
                namespaces.write_id_map(pid, kind, mappings[f"{kind}Mappings"])
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        here.close()
        os.waitpid(pid, 0)


def lend_namespace(there: Channel) -> None:
    """Be in a new user namespace until the runtime closes its end."""
    try:
        syscalls.unshare(syscalls.CLONE_NEWUSER)
        there.send(_MADE)
        there.receive()
    except BaseException as error:  # noqa: BLE001 (all of them go to the runtime)
        there.send_error(error)
    finally:
        os._exit(0)


def apply(tree: int, userns: int, flags: int) -> None:
    """Map the IDs of a detached mount; the kernel does it once, and to no attached one."""
    try:
        syscalls.mount_setattr_idmap(tree, flags, userns)
    except OSError as error:
        hints = {
            errno.EINVAL: "its filesystem, or one below it, does not support that",
            errno.EPERM: "it is ID-mapped already, or needs more privileges",
        }
        hint = hints.get(error.errno or 0, errors.reason(error))
        message = f"cannot be ID-mapped: {hint}"
        raise errors.OperationError(message) from None


def replace(creation: Creation, destination: str, mounted: int, userns: int) -> int:
    """Replace a mount by a mapped copy of itself, and return that."""
    tree = syscalls.open_tree(mounted, "", syscalls.OPEN_TREE_CLONE | syscalls.AT_EMPTY_PATH)
    apply(tree, userns, 0)
    syscalls.umount2(rootfs.by_fd(mounted), syscalls.MNT_DETACH)
    os.close(mounted)
    target = rootfs.make_in(creation.root_fd, destination, directory=True)
    syscalls.move_mount(tree, target)
    os.close(target)
    return tree
