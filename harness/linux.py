"""System calls that Python 3.11 has no function for, one tiny function each, named as in man 2."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import signal
import struct
from typing import Final

CLONE_NEWTIME: Final = 0x00000080
CLONE_NEWNS: Final = 0x00020000
CLONE_NEWCGROUP: Final = 0x02000000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000

MS_RDONLY: Final = 0x1
MS_NOSUID: Final = 0x2
MS_NODEV: Final = 0x4
MS_NOEXEC: Final = 0x8
MS_REMOUNT: Final = 0x20
MS_NOSYMFOLLOW: Final = 0x100
MS_NOATIME: Final = 0x400
MS_NODIRATIME: Final = 0x800
MS_BIND: Final = 0x1000
MS_MOVE: Final = 0x2000
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 0x40000
MS_SHARED: Final = 0x100000
MS_STRICTATIME: Final = 0x1000000

MNT_DETACH: Final = 0x2

PER_LINUX32: Final = 0x0008

PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_CAPBSET_DROP: Final = 24
PR_GET_NO_NEW_PRIVS: Final = 39
PR_SET_CHILD_SUBREAPER: Final = 36

RLIMIT_LOCKS: Final = 10
"""The one that Python's resource has no name for."""

CAPABILITIES: Final = tuple(
    f"CAP_{name}"
    for name in (
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
        "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
        "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
        "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
        "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
        "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
    )
)  # fmt: skip
"""By number: capabilities(7), linux/capability.h."""

CGROUP_SUPER_MAGIC: Final = 0x27E0EB
CGROUP2_SUPER_MAGIC: Final = 0x63677270

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, name: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
    return result


def setdomainname(name: str) -> None:
    """setdomainname(2): of the caller's uts namespace; /proc/sys is the host's root's alone."""
    text = name.encode()
    _checked(_libc.setdomainname(text, len(text)), "setdomainname")


def unshare(flags: int) -> None:
    """unshare(2): move the calling thread into new namespaces."""
    _checked(_libc.unshare(flags), "unshare")


def setns(fd: int) -> None:
    """setns(2): move the calling thread into the namespace behind ``fd``, of whatever kind."""
    _checked(_libc.setns(fd, 0), "setns")


def mount(source: str, target: str, fstype: str | None, flags: int = 0, data: str = "") -> None:
    """mount(2)."""
    kind = fstype.encode() if fstype is not None else None
    options = data.encode() if data else None
    result = _libc.mount(
        os.fsencode(source), os.fsencode(target), kind, ctypes.c_ulong(flags), options
    )
    _checked(result, target)


def umount2(target: str, flags: int = 0) -> None:
    """umount2(2)."""
    _checked(_libc.umount2(os.fsencode(target), flags), target)


def prctl(option: int, argument: int) -> int:
    """prctl(2) with one argument."""
    zero = ctypes.c_ulong(0)
    return _checked(_libc.prctl(option, ctypes.c_ulong(argument), zero, zero, zero), "prctl")


def personality(domain: int) -> int:
    """personality(2): set the execution domain of the calling thread; return the one before."""
    return _checked(_libc.personality(ctypes.c_ulong(domain)), "personality")


_CLONE3 = 435  # the same number on every architecture


def fork_as(number: int) -> int:
    """clone3(2) with set_tid: as fork(2), the child under this process number; 0 in the child.

    OSError of EEXIST if the number is taken. The child may only execute another program.
    """
    wanted = ctypes.c_int(number)
    flags = pidfd = child_tid = parent_tid = stack = stack_size = tls = cgroup = 0
    arguments = struct.pack(
        "11Q", flags, pidfd, child_tid, parent_tid, signal.SIGCHLD, stack, stack_size, tls,
        ctypes.addressof(wanted), 1, cgroup,
    )  # fmt: skip
    # PyDLL keeps the interpreter's lock: in the child nobody could give it back.
    result = ctypes.PyDLL(None, use_errno=True).syscall(_CLONE3, arguments, len(arguments))
    return _checked(result, f"process number {number}")


IPC_CREAT: Final = 0o1000
IPC_RMID: Final = 0


def shmget(key: int, size: int, flags: int) -> int:
    """shmget(2): ID of the System V shared memory segment of this key."""
    return _checked(_libc.shmget(key, ctypes.c_size_t(size), flags), "shmget")


def shmctl(segment: int, command: int) -> None:
    """shmctl(2), of those commands that take no buffer."""
    _checked(_libc.shmctl(segment, command, None), "shmctl")


def mq_open(name: str, flags: int) -> int:
    """mq_open(3), with mode 0600: a descriptor of the POSIX message queue ``/name``."""
    return _checked(_libc.mq_open(f"/{name}".encode(), flags, 0o600, None), name)


_SET_MEMPOLICY = {"x86_64": 238, "aarch64": 237}


def set_mempolicy(mode: int, nodes: int) -> None:
    """set_mempolicy(2) of the calling thread; ``nodes`` is a mask."""
    mask = ctypes.c_ulong(nodes)
    # The kernel takes one bit less than it is told of.
    bits = ctypes.sizeof(mask) * 8 + 1
    number = _SET_MEMPOLICY[os.uname().machine]
    _checked(_libc.syscall(number, mode, ctypes.byref(mask), bits), "set_mempolicy")


SCHED_DEADLINE: Final = 6
SCHED_FLAG_KEEP_ALL: Final = 0x18
SCHED_FLAG_UTIL_CLAMP_MIN: Final = 0x20

_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}


def sched_setattr(policy: int, *, flags: int = 0, times: tuple[int, int, int] = (0, 0, 0)) -> None:
    """sched_setattr(2) of the calling thread; ``times`` are runtime, deadline and period."""
    attributes = struct.pack("IIQiIQQQII", 56, policy, flags, 0, 0, *times, 0, 0)
    number = _SCHED_SETATTR[os.uname().machine]
    _checked(_libc.syscall(number, 0, attributes, 0), "sched_setattr")


def has_mount_setattr() -> bool:
    """Whether the kernel has mount_setattr(2), which is given nothing to do here."""
    # The number is the same on every machine; without any structure it is EINVAL, not ENOSYS.
    _libc.syscall(442, -1, b"", 0, None, ctypes.c_size_t(0))
    return ctypes.get_errno() != errno.ENOSYS


PTRACE_O_TRACEEXIT: Final = 0x40
PTRACE_O_TRACESECCOMP: Final = 0x80
PTRACE_EVENT_SECCOMP: Final = 7


def _ptrace(request: int, pid: int, data: object) -> None:
    zero = ctypes.c_void_p(0)
    _checked(_libc.ptrace(ctypes.c_long(request), pid, zero, data), "ptrace")


def ptrace_seize(pid: int, options: int) -> None:
    """ptrace(2), PTRACE_SEIZE: trace a process without stopping it."""
    _ptrace(0x4206, pid, ctypes.c_void_p(options))


def ptrace_geteventmsg(pid: int) -> int:
    """ptrace(2), PTRACE_GETEVENTMSG: what came with the event that the process has stopped for."""
    message = ctypes.c_ulong()
    _ptrace(0x4201, pid, ctypes.byref(message))
    return message.value


def ptrace_detach(pid: int) -> None:
    """ptrace(2), PTRACE_DETACH: let a process that has stopped go on untraced."""
    _ptrace(17, pid, ctypes.c_void_p(0))


SECCOMP_FILTER_FLAG_LOG: Final = 2
SECCOMP_FILTER_FLAG_NEW_LISTENER: Final = 8
SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: Final = 32
SECCOMP_RET_LOG: Final = 0x7FFC0000
SECCOMP_RET_ALLOW: Final = 0x7FFF0000

_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER = 1
_RETURN = 0x06
"""The instruction of classic BPF: return a constant."""


def seccomp_filter(answer: int, flags: int = 0) -> None:
    """seccomp(2): load a filter with one answer for all calls; for who has CAP_SYS_ADMIN."""
    instruction = ctypes.create_string_buffer(struct.pack("HBBI", _RETURN, 0, 0, answer))
    program = struct.pack("HP", 1, ctypes.addressof(instruction))
    number = _SECCOMP[os.uname().machine]
    _checked(_libc.syscall(number, _SET_MODE_FILTER, flags, program), "seccomp")


def has_seccomp_flags(flags: int) -> bool:
    """Whether the kernel knows these flags of seccomp(2), which is given no filter here."""
    number = _SECCOMP[os.uname().machine]
    _libc.syscall(number, _SET_MODE_FILTER, flags, None)
    return ctypes.get_errno() == errno.EFAULT


def int80_getpid() -> int:
    """getpid(2) of i386, by the entry for 32-bit programs, which a 64-bit one may use as well."""
    # mov $20, %eax; push %rbx; int $0x80; pop %rbx; ret
    code = b"\xb8\x14\x00\x00\x00\x53\xcd\x80\x5b\xc3"
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    return int(call())


def statfs_type(path: str) -> int:
    """f_type of statfs(2): which kind of file system ``path`` lies on."""
    # struct statfs begins with f_type, a machine word on every 64-bit Linux; 120 bytes in all.
    buffer = (ctypes.c_long * 16)()
    _checked(_libc.statfs(os.fsencode(path), buffer), path)
    return int(buffer[0])


IN_MODIFY: Final = 0x2
IN_CREATE: Final = 0x100


def inotify_init1(flags: int = os.O_CLOEXEC | os.O_NONBLOCK) -> int:
    """inotify_init1(2): a file descriptor that becomes readable with the watched events."""
    return _checked(_libc.inotify_init1(flags), "inotify_init1")


def inotify_add_watch(fd: int, path: str, mask: int) -> int:
    """inotify_add_watch(2)."""
    return _checked(_libc.inotify_add_watch(fd, os.fsencode(path), mask), path)


def inotify_rm_watch(fd: int, watch: int) -> None:
    """inotify_rm_watch(2)."""
    _checked(_libc.inotify_rm_watch(fd, watch), "inotify_rm_watch")
