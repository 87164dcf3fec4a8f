"""System calls that the os module lacks: one function each, named as in man 2, raising OSError.

Numbers from 424 on are the same on every architecture; what is older goes through libc's function.
"""

from __future__ import annotations

import os

from reference_runtime import ffi

TYPE_CHECKING = False
if TYPE_CHECKING:
    import struct
else:
    import _struct as struct  # as in locks.py

# Flags of unshare(2) and setns(2).
CLONE_NEWTIME = 0x00000080
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

# Flags of mount(2).
MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_SYNCHRONOUS = 16
MS_REMOUNT = 32
MS_MANDLOCK = 64
MS_DIRSYNC = 128
MS_NOSYMFOLLOW = 256
MS_NOATIME = 1024
MS_NODIRATIME = 2048
MS_BIND = 4096
MS_MOVE = 8192
MS_REC = 16384
MS_SILENT = 32768
MS_UNBINDABLE = 1 << 17
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_SHARED = 1 << 20
MS_RELATIME = 1 << 21
MS_I_VERSION = 1 << 23
MS_STRICTATIME = 1 << 24
MS_LAZYTIME = 1 << 25
MNT_DETACH = 2

# Attributes of mount_setattr(2).
MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_NOSUID = 0x2
MOUNT_ATTR_NODEV = 0x4
MOUNT_ATTR_NOEXEC = 0x8
MOUNT_ATTR__ATIME = 0x70
MOUNT_ATTR_NOATIME = 0x10
MOUNT_ATTR_STRICTATIME = 0x20
MOUNT_ATTR_NODIRATIME = 0x80
MOUNT_ATTR_IDMAP = 0x100000
MOUNT_ATTR_NOSYMFOLLOW = 0x200000

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000
OPEN_TREE_CLONE = 1
MOVE_MOUNT_F_EMPTY_PATH = 0x04
MOVE_MOUNT_T_EMPTY_PATH = 0x40
RESOLVE_IN_ROOT = 0x10
FSCONFIG_SET_FLAG = 0
FSCONFIG_SET_STRING = 1
FSCONFIG_CMD_CREATE = 6
CLOSE_RANGE_CLOEXEC = 4

# Operation and flag of seccomp(2).
SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_NEW_LISTENER = 8

# Options of prctl(2).
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_CAPBSET_READ = 23
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
PR_CAP_AMBIENT_CLEAR_ALL = 4

_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT = 428, 429, 430, 431, 432
_CLOSE_RANGE, _OPENAT2, _PIDFD_GETFD, _MOUNT_SETATTR = 436, 437, 438, 442
_IS_X86 = os.uname().machine in {"x86_64", "i686"}  # the latter: after personality(PER_LINUX32)
_LINUX_CAPABILITY_VERSION_3 = 0x20080522
_SCHED_ATTR = "IIQiIQQQII"  # as of Linux 5.3, where the last two, of uclamp, came
_IOPRIO_WHO_PROCESS = 1
_KEYCTL_JOIN_SESSION_KEYRING = 1
_BPF_PROG_LOAD, _BPF_PROG_ATTACH = 5, 8
_BPF_PROG_TYPE_CGROUP_DEVICE, _BPF_CGROUP_DEVICE, _BPF_F_ALLOW_MULTI = 15, 6, 2


def _c(text: str | None) -> bytes | None:
    if text is not None and "\0" in text:
        message = "embedded null character"
        raise ValueError(message)
    return None if text is None else os.fsencode(text)


def _number(x86_64: int, others: int) -> int:
    # Below 424 each machine has its own numbers; those that came late to Linux share theirs.
    return x86_64 if _IS_X86 else others


def unshare(flags: int) -> None:
    """Leave namespaces for new ones."""
    ffi.call("unshare", flags)


def setns(fd: int, nstype: int) -> None:
    """Join a namespace; EINVAL when it is not of the type."""
    ffi.call("setns", fd, nstype)


def mount(
    source: str | None, target: str, fstype: str | None, flags: int, data: str | None
) -> None:
    """Mount a filesystem, remount it, or change the propagation of a mount."""
    ffi.call("mount", _c(source), _c(target), _c(fstype), flags, _c(data))


def umount2(target: str, flags: int) -> None:
    """Unmount what is mounted at target."""
    ffi.call("umount2", _c(target), flags)


def pivot_root(new_root: str, put_old: str) -> None:
    """Make new_root the root of this mount namespace."""
    ffi.call("pivot_root", _c(new_root), _c(put_old))


def open_tree(dirfd: int, path: str, flags: int) -> int:
    """Open a mount, or with OPEN_TREE_CLONE a copy of it (a bind mount not yet attached)."""
    return ffi.call("syscall", _OPEN_TREE, dirfd, _c(path), flags | os.O_CLOEXEC)


def move_mount(tree: int, onto: int) -> None:
    """Attach the detached mount `tree` onto the file that `onto` refers to."""
    flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH
    ffi.call("syscall", _MOVE_MOUNT, tree, b"", onto, b"", flags)


def mount_setattr(
    tree: int, flags: int, attr_set: int = 0, attr_clr: int = 0, propagation: int = 0
) -> None:
    """Change attributes of the mount whose root `tree` is, with AT_RECURSIVE of all below."""
    _mount_setattr(tree, flags, struct.pack("QQQQ", attr_set, attr_clr, propagation, 0))


def mount_setattr_idmap(tree: int, flags: int, userns_fd: int) -> None:
    """Map the IDs of a detached mount as a user namespace does."""
    _mount_setattr(tree, flags, struct.pack("QQQQ", MOUNT_ATTR_IDMAP, 0, 0, userns_fd))


def _mount_setattr(tree: int, flags: int, attributes: bytes) -> None:
    flags |= AT_EMPTY_PATH
    ffi.call("syscall", _MOUNT_SETATTR, tree, b"", flags, attributes, len(attributes))


def fsopen(fstype: str) -> int:
    """Begin the configuration of a filesystem."""
    return ffi.call("syscall", _FSOPEN, _c(fstype), 1)


def fsconfig(fs: int, command: int, key: str | None = None, value: str | None = None) -> None:
    """Set a parameter of the filesystem, or create it."""
    ffi.call("syscall", _FSCONFIG, fs, command, _c(key), _c(value), 0)


def fsmount(fs: int, attributes: int) -> int:
    """Make a detached mount of the configured filesystem."""
    return ffi.call("syscall", _FSMOUNT, fs, 1, attributes)


def openat2(dirfd: int, path: str, flags: int, resolve: int) -> int:
    """Open a file, with rules for how its path may be resolved."""
    how = struct.pack("QQQ", flags | os.O_CLOEXEC, 0, resolve)
    return ffi.call("syscall", _OPENAT2, dirfd, _c(path), how, len(how))


def pidfd_getfd(pidfd: int, fd: int) -> int:
    """Return a copy of another process's descriptor."""
    return ffi.call("syscall", _PIDFD_GETFD, pidfd, fd, 0)


def close_range(first: int, last: int, flags: int) -> None:
    """Close descriptors, or mark them to be closed by execve(2)."""
    ffi.call("syscall", _CLOSE_RANGE, first, last, flags)


def default_action(signum: int) -> None:
    """Give a signal its default action by rt_sigaction(2) itself.

    The C library refuses 32 and 33, which are its own, and its posix_spawn(3) leaves 32 ignored.
    """
    ffi.call("syscall", _number(13, 134), signum, bytes(32), None, 8)


def seccomp_call(operation: int, flags: int, args: bytes | None) -> ffi.Call:
    """Prepare a change of this process's seccomp state."""
    return ffi.Call("syscall", _number(317, 277), operation, flags, args)


def execve_calls(paths: list[str], args: list[bytes], env: list[bytes]) -> list[ffi.Call]:
    """Prepare the execution of each path, all with the same arguments and environment."""
    argv, envp = ffi.texts(args), ffi.texts(env)
    return [ffi.Call("execve", _c(path), argv, envp) for path in paths]


def sethostname(name: str) -> None:
    """Set the hostname of this UTS namespace."""
    encoded = os.fsencode(name)
    ffi.call("sethostname", encoded, len(encoded))


def setdomainname(name: str) -> None:
    """Set the NIS domain name of this UTS namespace."""
    encoded = os.fsencode(name)
    ffi.call("setdomainname", encoded, len(encoded))


def prctl(option: int, argument: int, argument2: int = 0) -> int:
    """Change or ask for a property of this process."""
    return ffi.call("prctl", option, argument, argument2, 0, 0)


def sched_setattr(
    policy: int, flags: int, *, nice: int, priority: int, times: tuple[int, ...]
) -> None:
    """Set policy and parameters of this process; times: runtime, deadline, period."""
    size = struct.calcsize(_SCHED_ATTR)
    attributes = struct.pack(_SCHED_ATTR, size, policy, flags, nice, priority, *times, 0, 0)
    ffi.call("syscall", _number(314, 274), 0, attributes, 0)


def ioprio_set(priority: int) -> None:
    """Set class and level of this process's I/O priority."""
    ffi.call("syscall", _number(251, 30), _IOPRIO_WHO_PROCESS, 0, priority)


def personality(persona: int) -> None:
    """Set the execution domain of this process."""
    ffi.call("personality", persona)


def set_mempolicy(mode: int, nodemask: bytes) -> None:
    """Set the memory policy of this process; the kernel reads one bit less than it is told."""
    ffi.call("syscall", _number(238, 237), mode, nodemask, 8 * len(nodemask) + 1)


def join_session_keyring() -> None:
    """Begin a session keyring of one's own, without a name (keyctl(2), session-keyring(7))."""
    ffi.call("syscall", _number(250, 219), _KEYCTL_JOIN_SESSION_KEYRING, None)


def bpf_prog_load(program: bytes) -> int:
    """Load a program that decides on the devices of a cgroup; EACCES when it is not verifiable."""
    code, licence = ffi.array(program), ffi.array(b"Apache-2.0\0")
    attributes = struct.pack(
        "IIQQIIQII16s", _BPF_PROG_TYPE_CGROUP_DEVICE, len(program) // 8, ffi.address(code),
        ffi.address(licence), 0, 0, 0, 0, 0, b"devices",
    )  # fmt: skip
    return ffi.call("syscall", _number(321, 280), _BPF_PROG_LOAD, attributes, len(attributes))


def bpf_prog_attach(cgroup: int, program: int) -> None:
    """Attach the program to a cgroup, besides those that decide already: all must agree."""
    kind, flags = _BPF_CGROUP_DEVICE, _BPF_F_ALLOW_MULTI
    attributes = struct.pack("IIIII", cgroup, program, kind, flags, 0)
    ffi.call("syscall", _number(321, 280), _BPF_PROG_ATTACH, attributes, len(attributes))


def capset(effective: int, permitted: int, inheritable: int) -> None:
    """Set the three capability sets that capset(2) sets, each a mask of 64 bits."""
    low, high = 0xFFFFFFFF, 32
    header = struct.pack("II", _LINUX_CAPABILITY_VERSION_3, 0)
    data = struct.pack(
        "IIIIII",
        effective & low, permitted & low, inheritable & low,
        effective >> high, permitted >> high, inheritable >> high,
    )  # fmt: skip
    ffi.call("capset", header, data)
