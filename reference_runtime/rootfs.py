"""The container's root filesystem, and how a path inside it is found.

Every path of config.json that is meant inside the container is resolved by the kernel as if the
root filesystem were the root already (openat2(2), RESOLVE_IN_ROOT): no symbolic link, and none
that is swapped at the right moment, leads out of it.
"""

from __future__ import annotations

import errno
import os
import stat

from reference_runtime import mountinfo, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation

_PROPAGATION = {
    "private": syscalls.MS_PRIVATE,
    "shared": syscalls.MS_SHARED,
    "slave": syscalls.MS_SLAVE,
    "unbindable": syscalls.MS_UNBINDABLE,
}


def by_fd(fd: int) -> str:
    """Return a path that leads to what the descriptor is open on, wherever that is by now."""
    return f"/proc/self/fd/{fd}"


def open_in(root: int, path: str, flags: int = os.O_PATH) -> int:
    """Open a path inside the root.

    Any rename on the host during a step to ``..`` ends in EAGAIN: the kernel cannot tell then that
    the root was not left (openat2(2)).
    """
    for _ in range(_TRIES):
        try:
            return syscalls.openat2(root, path, flags, syscalls.RESOLVE_IN_ROOT)
        except BlockingIOError:
            continue
    return syscalls.openat2(root, path, flags, syscalls.RESOLVE_IN_ROOT)


_TRIES = 100


def make_in(root: int, path: str, *, directory: bool) -> int:
    """Open a path inside the root, first making what is missing of it: a directory or a file."""
    try:
        return open_in(root, path)
    except FileNotFoundError:
        pass
    parts = [part for part in path.split("/") if part]
    for count in range(1, len(parts)):
        _make_one(root, parts[:count], directory=True)
    _make_one(root, parts, directory=directory)
    return open_in(root, path)


def _make_one(root: int, parts: list[str], *, directory: bool) -> None:
    parent = open_in(root, "/".join(parts[:-1]) or ".")
    try:
        if directory:
            os.mkdir(parts[-1], 0o755, dir_fd=parent)
        else:
            os.close(
                os.open(parts[-1], os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=parent)
            )
    except FileExistsError:
        pass  # if it is a link to nowhere, the caller's last open says so
    finally:
        os.close(parent)


def parent_in(root: int, path: str) -> tuple[int, str]:
    """Open the directory of a path in the root, making what is missing; return the name too."""
    directory, _, name = path.rstrip("/").rpartition("/")
    return make_in(root, directory or ".", directory=True), name


def is_directory(fd: int) -> bool:
    """Say whether the descriptor is open on a directory."""
    return stat.S_ISDIR(os.fstat(fd).st_mode)


def prepare(creation: Creation) -> None:
    """Make the root filesystem a mount of its own, which no mount of the host's propagates from."""
    propagation = creation.linux.get("rootfsPropagation", "").removeprefix("r")
    if creation.has_namespace("mount"):
        if propagation == "shared":
            _unshare_parent(creation.rootfs)
        else:
            # Slave: nothing that is mounted here reaches the host; what the host mounts arrives.
            syscalls.mount(None, "/", None, syscalls.MS_SLAVE | syscalls.MS_REC, None)
    try:
        target = os.open(creation.rootfs, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        creation.root_fd = syscalls.open_tree(
            target, "", syscalls.OPEN_TREE_CLONE | syscalls.AT_RECURSIVE | syscalls.AT_EMPTY_PATH
        )
    except OSError as error:
        raise type(error)(error.errno, f"root.path: {creation.rootfs}: {error.strerror}") from None
    if propagation != "slave":
        syscalls.mount_setattr(
            creation.root_fd, syscalls.AT_RECURSIVE, propagation=syscalls.MS_PRIVATE
        )
    syscalls.move_mount(creation.root_fd, target)
    os.close(target)


def _unshare_parent(path: str) -> None:
    """Keep the mount of the root filesystem from propagating to the host, when all else may."""
    identifier = mountinfo.mount_id(path)
    for mount in mountinfo.mounts():
        if mount.id == identifier:
            syscalls.mount(None, mount.mount_point, None, syscalls.MS_PRIVATE, None)


def set_propagation(creation: Creation) -> None:
    """Give the root its propagation (config-linux.md#rootfs-mount-propagation)."""
    wanted = creation.linux.get("rootfsPropagation", "")
    if wanted:
        recursive = syscalls.AT_RECURSIVE if wanted.startswith("r") else 0
        kind = _PROPAGATION[wanted.removeprefix("r")]
        syscalls.mount_setattr(creation.root_fd, recursive, propagation=kind)


def pivot(creation: Creation) -> None:
    """Make the root filesystem the root: pivot_root(2) where the mount namespace is our own."""
    old_root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    os.fchdir(creation.root_fd)
    if creation.no_pivot and creation.has_namespace("mount"):
        _move_root()
    elif creation.has_namespace("mount"):
        syscalls.pivot_root(".", ".")  # the old root now lies on top of the new one
        os.fchdir(old_root)
        syscalls.mount(None, ".", None, syscalls.MS_SLAVE | syscalls.MS_REC, None)
        syscalls.umount2(".", syscalls.MNT_DETACH)  # here only: not on the host
    else:
        os.chroot(".")
    os.close(old_root)
    os.chdir("/")


def _move_root() -> None:
    """Move the current directory's mount onto the root: a ramdisk's root cannot be pivoted away.

    What the old root had mounted on it stays beneath. A procfs or sysfs there would let a user
    namespace mount another one, unmasked (user_namespaces(7)): so these go first.
    """
    root = os.getcwd()
    for mount in reversed(mountinfo.mounts()):
        inside = f"{mount.mount_point}/".startswith(f"{root}/")
        if mount.type in {"proc", "sysfs"} and not inside:
            syscalls.umount2(mount.mount_point, syscalls.MNT_DETACH)
    syscalls.mount(".", "/", None, syscalls.MS_MOVE, None)
    os.chroot(".")


def make_readonly(creation: Creation) -> None:
    """Make the root filesystem read-only, not the mounts on it (config.md#root)."""
    if creation.config["root"].get("readonly"):
        syscalls.mount_setattr(creation.root_fd, 0, attr_set=syscalls.MOUNT_ATTR_RDONLY)


def protect_readonly_paths(creation: Creation) -> None:
    """Make paths read-only by mounting them onto themselves (config-linux.md#readonly-paths)."""
    for index, path in enumerate(creation.linux.get("readonlyPaths", [])):
        with creation.naming(f"linux.readonlyPaths[{index}]"):
            target = _open_existing(creation.root_fd, path)
            if target is None:
                continue
            flags = syscalls.OPEN_TREE_CLONE | syscalls.AT_RECURSIVE | syscalls.AT_EMPTY_PATH
            tree = syscalls.open_tree(target, "", flags)
            syscalls.mount_setattr(tree, 0, attr_set=syscalls.MOUNT_ATTR_RDONLY)
            syscalls.move_mount(tree, target)
            os.close(tree)
            os.close(target)


def mask_paths(creation: Creation) -> None:
    """Hide files behind /dev/null, directories behind an empty one (#masked-paths)."""
    for index, path in enumerate(creation.linux.get("maskedPaths", [])):
        with creation.naming(f"linux.maskedPaths[{index}]"):
            target = _open_existing(creation.root_fd, path)
            if target is None:
                continue
            mask = _empty_directory() if is_directory(target) else _null_device(creation.null_fd)
            syscalls.move_mount(mask, target)
            os.close(mask)
            os.close(target)


def _open_existing(root: int, path: str) -> int | None:
    try:
        return open_in(root, path)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR}:
            return None  # nothing there: nothing to protect
        raise


def _empty_directory() -> int:
    fs = syscalls.fsopen("tmpfs")
    try:
        syscalls.fsconfig(fs, syscalls.FSCONFIG_SET_STRING, "nr_inodes", "1")
        syscalls.fsconfig(fs, syscalls.FSCONFIG_CMD_CREATE)
        return syscalls.fsmount(fs, syscalls.MOUNT_ATTR_RDONLY)
    finally:
        os.close(fs)


def _null_device(null_fd: int) -> int:
    flags = syscalls.OPEN_TREE_CLONE | syscalls.AT_EMPTY_PATH
    return syscalls.open_tree(null_fd, "", flags)
