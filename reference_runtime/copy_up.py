"""The mount option tmpcopyup: a tmpfs that begins with what it covers (config.md#mounts, MAY).

Only init does this, and only with descriptors: no name of the container's is resolved twice. What
another filesystem is mounted on stays empty; of a hard link each name becomes a file.
"""

from __future__ import annotations

import errno
import os
import stat

from reference_runtime import mount_options, syscalls

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BLOCK = 1 << 20  # bytes that sendfile(2) is asked for at a time


def copy_to_mount(covered: int, mounted: int, options: mount_options.Options) -> None:
    """Copy what the new mount covers into it; what its options do not say of it is copied too."""
    # "." does not cross a mount: it is the covered directory, not what lies on it by now.
    source, target = (os.open(".", _DIRECTORY, dir_fd=fd) for fd in (covered, mounted))
    given = {option.partition("=")[0] for option in options.data.split(",")}
    info = os.fstat(source)
    _copy_entries(source, target, info.st_dev)
    os.fchown(target, -1 if "uid" in given else info.st_uid, -1 if "gid" in given else info.st_gid)
    if "mode" not in given:
        os.fchmod(target, stat.S_IMODE(info.st_mode))
    os.close(source)
    os.close(target)
    if options.flags & syscalls.MS_RDONLY:
        syscalls.mount_setattr(mounted, 0, attr_set=syscalls.MOUNT_ATTR_RDONLY)


def _copy_entries(source: int, target: int, device: int) -> None:
    for name in os.listdir(source):
        info = os.stat(name, dir_fd=source, follow_symlinks=False)
        if stat.S_ISDIR(info.st_mode):
            os.mkdir(name, 0o700, dir_fd=target)
            read, write = (os.open(name, _DIRECTORY, dir_fd=fd) for fd in (source, target))
            if os.fstat(read).st_dev == device:
                _copy_entries(read, write, device)
            _finish(read, write)
        elif stat.S_ISREG(info.st_mode):
            _copy_file(name, source, target)
        else:
            if stat.S_ISLNK(info.st_mode):
                os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
            else:
                os.mknod(name, info.st_mode, info.st_rdev, dir_fd=target)
            os.chown(name, info.st_uid, info.st_gid, dir_fd=target, follow_symlinks=False)
            times = (info.st_atime_ns, info.st_mtime_ns)
            os.utime(name, ns=times, dir_fd=target, follow_symlinks=False)


def _copy_file(name: str, source: int, target: int) -> None:
    flags = os.O_NOFOLLOW | os.O_CLOEXEC
    read = os.open(name, os.O_RDONLY | os.O_NONBLOCK | flags, dir_fd=source)
    write = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | flags, 0o600, dir_fd=target)
    offset = 0
    while sent := os.sendfile(write, read, offset, _BLOCK):
        offset += sent
    _finish(read, write)


def _finish(source: int, target: int) -> None:
    """Copy owner, mode, extended attributes and times, and close both."""
    info = os.fstat(source)
    os.fchown(target, info.st_uid, info.st_gid)
    os.fchmod(target, stat.S_IMODE(info.st_mode))  # after the owner: a change of that clears bits
    for name in os.listxattr(source):
        try:
            os.setxattr(target, name, os.getxattr(source, name))
        except OSError as error:
            if error.errno != errno.ENOTSUP:  # tmpfs(5) takes user.* since Linux 6.6 only
                raise
    os.utime(target, ns=(info.st_atime_ns, info.st_mtime_ns))
    os.close(source)
    os.close(target)
