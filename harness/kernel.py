"""What the kernel, and our own privileges, allow a process here: conditions as in host.py."""

from __future__ import annotations

import errno
import os
import platform
import resource
import shutil
import sys
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from harness import door, host, linux
from harness.audit import AuditLog

if TYPE_CHECKING:
    from collections.abc import Callable


def capability(name: str) -> Callable[[], str]:
    """Return the condition that the caller has this capability, so that it can be granted."""

    def held() -> str:
        return "" if host.has_capability(name) else f"the caller lacks {name}"

    return held


def limit(name: str, hard: int) -> Callable[[], str]:
    """Return the condition that the hard limit ``name`` can be set to this value."""

    def allowed() -> str:
        _, own = resource.getrlimit(getattr(resource, name, linux.RLIMIT_LOCKS))
        if (
            own in {resource.RLIM_INFINITY, -1}
            or own >= hard
            or host.has_capability("CAP_SYS_RESOURCE")
        ):
            return ""
        return f"the caller's hard {name} is {own}, and it lacks CAP_SYS_RESOURCE"

    return allowed


def privileges_can_be_gained() -> str:
    """no_new_privs, which is inherited, is not set for the harness itself."""
    is_set = linux.prctl(linux.PR_GET_NO_NEW_PRIVS, 0)
    return "the harness runs under no_new_privs; start it otherwise" if is_set else ""


def neutral_oom_score() -> str:
    """oom_score_adj 0, and so any above it: who has more may not be able to go back to it."""
    file = Path("/proc/self/oom_score_adj")
    own = file.read_text()
    try:
        file.write_text("0")
    except OSError:
        return f"the caller's oom_score_adj is {own.strip()} and cannot be set to 0"
    file.write_text(own)
    return ""


def several_processors() -> str:
    """More than one processor to run on."""
    count = len(os.sched_getaffinity(0))
    return "" if count > 1 else "only one processor"


@cache
def realtime_scheduling() -> str:
    """SCHED_FIFO and SCHED_RR; where cgroups have to be given time for them they can be."""
    if reason := host.real_root() or capability("CAP_SYS_NICE")():
        return reason
    if any(
        (h.directory / "cpu.rt_runtime_us").exists() for h in host.hierarchies() if not h.unified
    ):
        return ""
    return _refused("SCHED_FIFO", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, _LOWEST))


@cache
def deadline_scheduling() -> str:
    """SCHED_DEADLINE."""
    times = (10_000_000, 30_000_000, 50_000_000)
    return _refused(
        "SCHED_DEADLINE", lambda: linux.sched_setattr(linux.SCHED_DEADLINE, times=times)
    )


@cache
def utilization_clamping() -> str:
    """Clamping of the utilization: CONFIG_UCLAMP_TASK."""
    flags = linux.SCHED_FLAG_KEEP_ALL | linux.SCHED_FLAG_UTIL_CLAMP_MIN
    return _refused("utilization clamping", lambda: linux.sched_setattr(0, flags=flags))


_LOWEST = os.sched_param(1)


def _refused(what: str, attempt: Callable[[], None]) -> str:
    """Try what a thread has for itself; return that and why the kernel refuses it, or nothing."""
    reasons: list[str] = []

    def run() -> None:
        try:
            attempt()
        except OSError as error:
            reasons.append(f"the kernel refuses {what}: {error.strerror}")

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return "".join(reasons)


def memory_policy(mode: int, nodes: int = 1) -> Callable[[], str]:
    """Return the condition that set_mempolicy(2) takes this mode, for the nodes of a mask."""

    def taken() -> str:
        return _refused(f"memory policy {mode:#x}", lambda: linux.set_mempolicy(mode, nodes))

    return taken


def seccomp_notify() -> str:
    """SECCOMP_RET_USER_NOTIF: Linux 5.0."""
    try:
        actions = Path("/proc/sys/kernel/seccomp/actions_avail").read_text().split()
    except OSError:
        return "the kernel has no seccomp filters"
    return "" if "user_notif" in actions else "no notifications of seccomp: the kernel is below 5.0"


def seccomp_wait_killable() -> str:
    """SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: Linux 5.19."""
    listener = linux.SECCOMP_FILTER_FLAG_NEW_LISTENER
    known = linux.has_seccomp_flags(listener | linux.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
    return "" if known else "no WAIT_KILLABLE_RECV of seccomp: the kernel is below 5.19"


@cache
def seccomp_audit() -> str:
    """Seccomp logs calls, those that are denied among them, and the log can be read."""
    try:
        actions = Path("/proc/sys/kernel/seccomp/actions_logged").read_text().split()
        log = AuditLog()
    except OSError as error:
        return f"the audit log cannot be read: {error.strerror}"
    if not {"log", "errno"} <= set(actions):
        return "kernel.seccomp.actions_logged lacks log or errno; add them by sysctl"

    def call() -> None:
        linux.seccomp_filter(linux.SECCOMP_RET_LOG)
        os.getppid()

    # The filter is on the thread only.
    refused = _refused("seccomp filters", call)
    number = {"x86_64": 110}.get(platform.machine(), 173)
    said = not refused and log.has(os.getpid(), number, seconds=1)
    log.close()
    return refused or ("" if said else "seccomp logs nothing: boot without audit=0")


@cache
def seccomp_mitigations() -> str:
    """Seccomp filters force the mitigation of Speculative Store Bypass on processes."""

    def look() -> None:
        linux.seccomp_filter(linux.SECCOMP_RET_ALLOW)
        if "force mitigated" not in Path("/proc/thread-self/status").read_text():
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    refused = _refused("mitigations by seccomp", look)
    return f"{refused}; boot with spec_store_bypass_disable=seccomp" if refused else ""


@cache
def ia32_emulation() -> str:
    """System calls of i386 on x86_64: CONFIG_IA32_EMULATION."""
    if platform.machine() != "x86_64":
        return f"{platform.machine()} has no calls of i386"
    # In a process of its own, which a kernel without them ends by a signal.
    script = "import os; from harness import linux; assert linux.int80_getpid() == os.getpid()"
    said = door.tool([sys.executable, "-c", script])
    return "" if said.exit_status == 0 else "no calls of i386: CONFIG_IA32_EMULATION is not set"


def _has_apparmor() -> bool:
    try:
        return Path("/sys/module/apparmor/parameters/enabled").read_text().startswith("Y")
    except OSError:
        return False


def apparmor() -> str:
    """AppArmor, and the tool that loads profiles."""
    if reason := host.real_root():
        return reason
    if not _has_apparmor():
        return "AppArmor is not enabled; boot with lsm=...,apparmor"
    return "" if shutil.which("apparmor_parser") else "no apparmor_parser; install apparmor"


def no_apparmor() -> str:
    """A kernel without AppArmor, or with it disabled."""
    return "AppArmor is enabled" if _has_apparmor() else ""


def _has_selinux() -> bool:
    return "selinuxfs" in Path("/proc/filesystems").read_text().split()


def selinux() -> str:
    """SELinux with a policy."""
    if reason := host.real_root():
        return reason
    if not _has_selinux():
        return "SELinux is not enabled; boot with security=selinux selinux=1"
    loaded = Path("/sys/fs/selinux/context").exists()
    return "" if loaded else "selinuxfs is not mounted at /sys/fs/selinux"


def no_selinux() -> str:
    """A kernel without SELinux, or with it disabled."""
    return "SELinux is enabled" if _has_selinux() else ""
