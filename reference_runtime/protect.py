"""Keep the host's interpreter out of the container's reach (CVE-2019-5736).

Until the program is executed, init is this interpreter: a program `#!/proc/self/exe` in the
container would be the host's file, open to be written by the container's root. So create and exec
run from a detached, read-only copy of the mount that the interpreter lies on. An ordinary user can
make no mount: then they run from a copy of the file in memory, sealed against writing (memfd).
"""

from __future__ import annotations

import errno
import os
import sys

from reference_runtime import errors, syscalls

_SELF = "/proc/self/exe"
_MFD_EXEC = 0x10  # Linux 6.3: may be executed; older ones know no other
_F_ADD_SEALS, _F_GET_SEALS = 1033, 1034
_SEALS = 0x0F  # F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE


def is_protected() -> bool:
    """Say whether the executable of this process is on a read-only mount, or is a sealed copy."""
    return bool(os.statvfs(_SELF).f_flag & os.ST_RDONLY) or is_sealed()


def is_sealed() -> bool:
    """Say whether it is a file in memory that nobody can write."""
    import fcntl

    fd = os.open(_SELF, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return fcntl.fcntl(fd, _F_GET_SEALS) & _SEALS == _SEALS
    except OSError:
        return False  # an ordinary file
    finally:
        os.close(fd)


def run_from_readonly_mount() -> None:
    """Execute this very command again, from what nobody can write and only this process has."""
    if is_protected():
        return
    try:
        try:
            fd = readonly_mount()
        except PermissionError:
            fd = sealed_copy()
        os.execv(f"/proc/self/fd/{fd}", sys.orig_argv)  # noqa: S606 (no shell is wanted)
    except OSError as error:
        message = f"cannot protect the host's interpreter: {errors.reason(error)}"
        raise errors.OperationError(message) from None


def readonly_mount() -> int:
    """Return a read-only mount of the interpreter's file, attached nowhere."""
    tree = syscalls.open_tree(syscalls.AT_FDCWD, _SELF, syscalls.OPEN_TREE_CLONE)
    syscalls.mount_setattr(tree, 0, attr_set=syscalls.MOUNT_ATTR_RDONLY)
    return tree


def sealed_copy() -> int:
    """Return a copy of the interpreter's file in memory (memfd_create(2), F_ADD_SEALS)."""
    import fcntl

    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        copy = os.memfd_create("reference-runtime", flags | _MFD_EXEC)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        copy = os.memfd_create("reference-runtime", flags)
    original = os.open(_SELF, os.O_RDONLY | os.O_CLOEXEC)
    offset, size = 0, os.fstat(original).st_size
    while offset < size:
        offset += os.sendfile(copy, original, offset, size - offset)
    os.close(original)
    fcntl.fcntl(copy, _F_ADD_SEALS, _SEALS)
    return copy
