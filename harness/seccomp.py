"""linux.seccomp as cases write it."""

from __future__ import annotations

import platform
from typing import Any

NATIVE = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}.get(platform.machine(), "")
"""libseccomp's name of this machine."""

CALLS = ("munlockall", "times", "sched_get_priority_max")
"""Calls that no runtime makes. The first takes no argument, so that it works with any."""

_OTHERS = """
    accept accept4 access add_key adjtimex alarm arch_prctl bind bpf brk cachestat capget capset
    chdir chmod chown chroot clock_adjtime clock_getres clock_gettime clock_nanosleep clock_settime
    clone clone3 close close_range connect copy_file_range creat dup dup2 dup3 epoll_create
    epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat
    exit exit_group faccessat faccessat2 fadvise64 fallocate fanotify_init fanotify_mark fchdir
    fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork
    fremovexattr fsconfig fsetxattr fsmount fsopen fspick fstat fstatfs fsync ftruncate futex
    futex_requeue futex_wait futex_waitv futex_wake futimesat get_mempolicy get_robust_list getcpu
    getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid
    getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid
    getsockname getsockopt gettid gettimeofday getuid getxattr inotify_add_watch inotify_init
    inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup
    io_submit io_uring_enter io_uring_register io_uring_setup ioctl ioprio_get ioprio_set kcmp
    keyctl kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr
    link linkat listen listxattr llistxattr lremovexattr lseek lsetxattr lstat madvise
    map_shadow_stack mbind membarrier memfd_create memfd_secret migrate_pages mincore mkdir mkdirat
    mknod mknodat mlock mlock2 mlockall mmap mount mount_setattr move_mount move_pages mprotect
    mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap msgctl msgget
    msgrcv msgsnd msync munlock munmap name_to_handle_at nanosleep newfstatat open open_by_handle_at
    open_tree openat openat2 pause perf_event_open personality pidfd_getfd pidfd_open
    pidfd_send_signal pipe pipe2 pivot_root pkey_alloc pkey_free pkey_mprotect poll ppoll prctl
    pread64 preadv preadv2 prlimit64 process_madvise process_mrelease process_vm_readv
    process_vm_writev pselect6 ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat
    readv recvfrom recvmmsg recvmsg remap_file_pages removexattr rename renameat renameat2
    request_key restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
    rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_min
    sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
    sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select
    semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto set_mempolicy
    set_mempolicy_home_node set_robust_list set_tid_address setdomainname setfsgid setfsuid setgid
    setgroups sethostname setitimer setns setpgid setpriority setregid setresgid setresuid setreuid
    setrlimit setsid setsockopt settimeofday setuid setxattr shmat shmctl shmdt shmget shutdown
    sigaltstack signalfd signalfd4 socket socketpair splice stat statfs statx symlink symlinkat sync
    sync_file_range syncfs sysinfo syslog tee tgkill time timer_create timer_delete timer_getoverrun
    timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime tkill truncate umask
    umount2 uname unlink unlinkat unshare userfaultfd utime utimensat utimes vfork vhangup vmsplice
    wait4 waitid write writev
"""

OTHERS = tuple(_OTHERS.split())
"""All others that there are, save a few that are obsolete or that programs are never granted."""


def rule(action: str, *names: str, **members: object) -> dict[str, Any]:
    """Return an entry of syscalls: ``rule("ERRNO", "times", errnoRet=13)``."""
    return {"names": [*names], "action": f"SCMP_ACT_{action}", **members}


def condition(index: int, operator: str, value: int, **members: int) -> dict[str, Any]:
    """Return an entry of args: ``condition(0, "EQ", 5)``."""
    return {"index": index, "value": value, "op": f"SCMP_CMP_{operator}", **members}


def behind(default: str, *rules: dict[str, Any], **members: object) -> dict[str, Any]:
    """Return the member of linux with a filter of these rules; what it denies is up to them.

    Where the default action is not ALLOW, all calls but CALLS are allowed first: a runtime makes
    some of its own behind the filter, and the specification does not say which.
    """
    allowed = [] if default == "ALLOW" else [rule("ALLOW", *OTHERS)]
    filter_ = {"defaultAction": f"SCMP_ACT_{default}", "syscalls": [*allowed, *rules], **members}
    return {"seccomp": filter_}


TOLD = f"{CALLS[0]},1,2"
"""A call of which an agent is to be told."""

METADATA = 'opaque "data" {}\\ \u00e4'


def notifying(path: object, **members: object) -> dict[str, Any]:
    """Return the member of linux with a filter that tells who listens at ``path`` of TOLD."""
    return behind("ALLOW", rule("NOTIFY", CALLS[0]), listenerPath=str(path), **members)
