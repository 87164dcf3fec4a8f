"""Devices and links in the container's /dev.

config-linux.md#devices, config-linux.md#default-devices, runtime-linux.md#dev-symbolic-links.
"""

from __future__ import annotations

import os
import stat

from reference_runtime import errors, rootfs, steps, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation
    from reference_runtime.model import Json

DEFAULT_DEVICES = tuple(
    {"path": f"/dev/{name}", "type": "c", "major": major, "minor": minor, "fileMode": 0o666}
    for name, major, minor in (
        ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9),
        ("tty", 5, 0),
    )
)  # fmt: skip

# link: (what it points to, what has to exist for it)
LINKS = {
    "/dev/fd": ("/proc/self/fd", "/proc/self/fd"),
    "/dev/stdin": ("/proc/self/fd/0", "/proc/self/fd/0"),
    "/dev/stdout": ("/proc/self/fd/1", "/proc/self/fd/1"),
    "/dev/stderr": ("/proc/self/fd/2", "/proc/self/fd/2"),
    "/dev/ptmx": ("pts/ptmx", "/dev/pts/ptmx"),
}
_NULL = os.makedev(1, 3)
_TYPES = {"c": stat.S_IFCHR, "u": stat.S_IFCHR, "b": stat.S_IFBLK, "p": stat.S_IFIFO}


class MakeDevices(steps.Step):
    """Make devices and the links of /dev."""

    describe = "make devices and the links of /dev"

    def run(self, creation: Creation) -> None:
        """Make them in the root to be."""
        make_all(creation)


def make_all(creation: Creation) -> None:
    """Make the configured devices, then the default ones, then the links."""
    for index, device in enumerate(creation.linux.get("devices", [])):
        with creation.naming(f"linux.devices[{index}] ({device['path']})"):
            make_one(creation, device)
    for device in DEFAULT_DEVICES:
        with creation.naming(f"linux.devices: the default device {device['path']}"):
            make_one(creation, device)
    for path, (target, needed) in LINKS.items():
        with creation.naming(f"root: the link {path}"):
            link(creation, path, target, needed)


def make_one(creation: Creation, device: Json) -> None:
    """Make a device node, or find that it is there; a file of another kind is an error."""
    parent, name = rootfs.parent_in(creation.root_fd, device["path"])
    try:
        found = _lstat(parent, name)
        if found is not None:
            if not matches(found, device):
                message = "a file that is not this device exists already"
                raise errors.OperationError(message)
        elif creation.is_unprivileged and device["type"] != "p":
            bind_from_host(creation, device)  # the kernel lets no user namespace make devices
        else:
            mode = device.get("fileMode", 0o666) & 0o7777  # engines leave the file type in it
            numbers = os.makedev(device.get("major", 0), device.get("minor", 0))
            os.mknod(name, _TYPES[device["type"]] | mode, numbers, dir_fd=parent)
            owner = device.get("uid", 0), device.get("gid", 0)
            os.chown(name, *owner, dir_fd=parent, follow_symlinks=False)
    finally:
        os.close(parent)


def matches(found: os.stat_result, device: Json) -> bool:
    """Say whether a file is the device asked for."""
    if stat.S_IFMT(found.st_mode) != _TYPES[device["type"]]:
        return False
    if device["type"] == "p":
        return True
    return found.st_rdev == os.makedev(device["major"], device["minor"])


def bind_from_host(creation: Creation, device: Json) -> None:
    """Supply a device by a bind mount of the host's node at the same path."""
    tree = syscalls.open_tree(syscalls.AT_FDCWD, device["path"], syscalls.OPEN_TREE_CLONE)
    found = os.fstat(tree)
    if not matches(found, device):
        message = f"the host has another file at {device['path']}"
        raise errors.OperationError(message)
    for name, owner in (("uid", found.st_uid), ("gid", found.st_gid)):
        if device.get(name, owner) != owner:
            message = f"{name}: the host's node cannot be given to {device[name]} in here"
            raise errors.OperationError(message)
    target = rootfs.make_in(creation.root_fd, device["path"], directory=False)
    syscalls.move_mount(tree, target)
    os.close(target)
    os.close(tree)


def link(creation: Creation, path: str, target: str, needed: str) -> None:
    """Make a symbolic link if what it leads to exists and nothing is in its place."""
    try:
        os.close(rootfs.open_in(creation.root_fd, needed, os.O_PATH | os.O_NOFOLLOW))
    except OSError:
        return
    parent, name = rootfs.parent_in(creation.root_fd, path)
    try:
        if _lstat(parent, name) is None:
            os.symlink(target, name, dir_fd=parent)
        elif needed.startswith("/proc") and not _leads_to(parent, name, target):
            message = f"it exists already and does not lead to {target}"
            raise errors.OperationError(message)
    finally:
        os.close(parent)


def _leads_to(parent: int, name: str, target: str) -> bool:
    # A host's /dev, bound into the container, may say fd/0 for /proc/self/fd/0.
    found = _lstat(parent, name)
    if found is None or not stat.S_ISLNK(found.st_mode):
        return False
    return os.readlink(name, dir_fd=parent) in {target, target.removeprefix("/proc/self/")}


def _lstat(parent: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


class OwnNull(steps.Step):
    """Use the container's /dev/null: engines pass the host's, even open for reading only."""

    describe = "replace the host's /dev/null among stdin, stdout and stderr by the container's"
    lifecycle = 5

    def run(self, _creation: Creation) -> None:
        """Replace what is the null device, if the container has one and may open it."""
        theirs = [fd for fd in (0, 1, 2) if _is_null(os.fstat(fd))]
        try:
            if not theirs or not _is_null(os.lstat("/dev/null")):
                return  # any other device could have effects when it is opened
            own = os.open("/dev/null", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return
        if _is_null(os.fstat(own)):
            for fd in theirs:
                os.dup2(own, fd)
        os.close(own)


def _is_null(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == _NULL
