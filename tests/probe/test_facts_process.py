"""What the probe says of its own process, against the kernel's word."""

import ctypes
import os
import platform
import re
import resource
import shutil
import signal
import struct
from pathlib import Path
from typing import Any

from harness.probe import build as build_module
from tests.probe.conftest import Facts, Say, Start, needs_root, proc_status


def test_all_groups_are_given_when_none_is_named(say: Say) -> None:
    (line,) = say("facts")

    source = (Path(build_module.__file__).parent / "facts.h").read_text()
    names = re.findall(r'^    \{"(\w+)", \1\},', source, re.MULTILINE)
    groups = line.data["facts"]
    assert isinstance(groups, dict)
    assert list(groups) == names
    assert len(names) == 32


def test_ids_are_those_of_the_process(live: Start) -> None:
    run = live("facts=ids", "pause")

    line = run.line()

    pid = run.process.pid
    assert line.data["facts"] == {
        "ids": {
            "pid": pid, "ppid": os.getpid(), "tid": pid, "pgid": os.getpgid(pid),
            "sid": os.getsid(pid), "uid": list(os.getresuid()), "gid": list(os.getresgid()),
            "groups": os.getgroups(), "fsuid": os.geteuid(), "fsgid": os.getegid(),
        }
    }  # fmt: skip


@needs_root
def test_ids_show_a_user_groups_and_a_session_of_their_own(probe: Path, facts: Facts) -> None:
    # The way to the probe is closed to other users; a descriptor is not.
    fd = os.open(probe, os.O_PATH)

    ids = facts(
        "ids", user=1234, group=5678, extra_groups=[7, 70_000], start_new_session=True,
        executable=f"/proc/self/fd/{fd}", pass_fds=[fd],
    )  # fmt: skip

    os.close(fd)
    assert (ids["uid"], ids["gid"]) == ([1234] * 3, [5678] * 3)
    assert (ids["fsuid"], ids["fsgid"]) == (1234, 5678)
    assert ids["groups"] == [7, 70_000]
    assert ids["sid"] == ids["pgid"] == ids["pid"]


def test_cwd_umask_and_execfn_are_as_set(facts: Facts, probe: Path, tmp_path: Path) -> None:
    assert facts("cwd", cwd=tmp_path) == str(tmp_path)
    assert facts("umask", umask=0o027) == 0o027
    assert facts("auxv_execfn") == str(probe)
    assert facts("exe") == str(probe)


def test_umask_is_put_back(say: Say) -> None:
    lines = say("facts=umask", "facts=umask", umask=0o013)

    assert [line.data["facts"] for line in lines] == [{"umask": 0o013}] * 2


def test_capabilities_are_those_of_proc(facts: Facts) -> None:
    assert facts("caps") == {
        "effective": proc_status("CapEff"),
        "permitted": proc_status("CapPrm"),
        "inheritable": proc_status("CapInh"),
        "bounding": proc_status("CapBnd"),
        "ambient": proc_status("CapAmb"),
    }


LIBC = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, *values: int) -> None:
    arguments = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    if LIBC.prctl(option, *arguments) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


@needs_root
def test_capability_sets_are_told_apart(say: Say) -> None:
    def setup() -> None:
        # CAP_CHOWN is 0, CAP_KILL 5, CAP_SETPCAP 8, CAP_AUDIT_READ 37.
        prctl(24, 37)
        prctl(28, 0x2F)
        header = struct.pack("Ii", 0x20080522, 0)
        both = 1 << 0 | 1 << 5
        data = struct.pack("6I", both, both | 1 << 8, both, 0, 0, 0)
        assert LIBC.capset(header, data) == 0
        prctl(47, 2, 5)

    (line,) = say("facts=caps,securebits", preexec_fn=setup)

    members: Any = line.data["facts"]
    assert members["securebits"] == 0x2F
    assert int(members["caps"]["ambient"], 16) == 1 << 5
    assert int(members["caps"]["inheritable"], 16) == 0x21
    assert int(members["caps"]["permitted"], 16) == 1 << 5
    assert int(members["caps"]["effective"], 16) == 1 << 5
    assert not int(members["caps"]["bounding"], 16) & 1 << 37


def test_rlimits_are_all_sixteen(facts: Facts) -> None:
    numbers = [
        "CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS",
        "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME",
    ]  # fmt: skip
    limits = {}
    for number, name in enumerate(numbers):
        values = resource.prlimit(0, number)
        limits[f"RLIMIT_{name}"] = [
            "infinity" if v == resource.RLIM_INFINITY else v for v in values
        ]

    assert facts("rlimits") == limits


def test_rlimits_show_a_soft_limit_of_their_own(facts: Facts) -> None:
    limits = facts(
        "rlimits", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 4096))
    )

    assert limits["RLIMIT_CORE"] == [0, 4096]


def test_oom_score_adj_is_as_written(facts: Facts) -> None:
    def setup() -> None:
        Path("/proc/self/oom_score_adj").write_text("321")

    assert facts("oom_score_adj", preexec_fn=setup) == 321


@needs_root
def test_oom_score_adj_may_be_negative(facts: Facts, probe: Path, tmp_path: Path) -> None:
    # Without CAP_SYS_RESOURCE nobody may lower the real one.
    shutil.copy(probe, tmp_path / "probe")
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/oom_score_adj").write_text("-7\n")

    value = facts("oom_score_adj", executable="/probe", preexec_fn=lambda: os.chroot(tmp_path))

    assert value == -7


def test_no_new_privs_and_dumpable_are_as_set(facts: Facts) -> None:
    assert facts("no_new_privs") == int(proc_status("NoNewPrivs"))
    assert facts("no_new_privs", preexec_fn=lambda: prctl(38, 1)) == 1
    assert facts("dumpable") == 1


def test_seccomp_is_that_of_proc(facts: Facts) -> None:
    assert facts("seccomp") == int(proc_status("Seccomp"))


def test_signals_tell_blocked_ignored_and_caught(say: Say) -> None:
    def setup() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGUSR2, 40])
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        # A shell starts what runs in its background with these two ignored.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)

    (line,) = say(
        "ignore=64", "facts=signals,status", preexec_fn=setup, restore_signals=True
    )  # fmt: skip

    members: Any = line.data["facts"]
    bits = {name: int(value, 16) for name, value in members["signals"].items()}
    # posix_spawn(3) of the C library leaves its own 32 ignored: so it arrives from under make.
    bits["ignored"] &= ~(1 << 31)
    assert bits == {"blocked": 1 << 11 | 1 << 39, "ignored": 1 << 0 | 1 << 63, "caught": 0}
    for name, field in (("blocked", "SigBlk"), ("ignored", "SigIgn"), ("caught", "SigCgt")):
        assert f"{field}:\t{members['signals'][name]}\n" in members["status"]


def test_caught_signals_are_seen_after_catch(say: Say) -> None:
    (line,) = say("catch", "facts=signals")

    members: Any = line.data["facts"]
    assert int(members["signals"]["caught"], 16) == (1 << 64) - 1 - (1 << 8) - (1 << 18)


@needs_root
def test_scheduler_affinity_and_ioprio_are_as_set(say: Say) -> None:
    processor = max(os.sched_getaffinity(0))

    def setup() -> None:
        os.nice(3)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        os.sched_setaffinity(0, [processor])
        number = {"x86_64": 251, "aarch64": 30}[platform.machine()]
        assert LIBC.syscall(number, 1, 0, 2 << 13 | 5) == 0

    (line,) = say("facts=scheduler,affinity,ioprio", preexec_fn=setup)

    members: Any = line.data["facts"]
    scheduler = members["scheduler"]
    assert (scheduler["policy"], scheduler["nice"], scheduler["priority"]) == (3, os.nice(0) + 3, 0)
    assert list(scheduler) == [
        "policy", "priority", "nice", "flags", "runtime", "deadline", "period",
        "util_min", "util_max",
    ]  # fmt: skip
    assert int(members["affinity"], 16) == 1 << processor
    assert members["ioprio"] == 2 << 13 | 5


@needs_root
def test_scheduler_shows_a_real_time_priority(facts: Facts) -> None:
    def setup() -> None:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(7))

    scheduler = facts("scheduler", preexec_fn=setup)

    assert (scheduler["policy"], scheduler["priority"], scheduler["flags"]) == (os.SCHED_FIFO, 7, 1)


def test_affinity_is_the_mask_of_the_processors(facts: Facts) -> None:
    assert int(facts("affinity"), 16) == sum(1 << cpu for cpu in os.sched_getaffinity(0))


def test_personality_is_as_set(facts: Facts) -> None:
    address_no_randomize = 0x0040000

    assert facts("personality", preexec_fn=lambda: LIBC.personality(address_no_randomize)) == (
        address_no_randomize
    )


def test_mempolicy_is_that_of_the_process(facts: Facts) -> None:
    bind = 2
    number = {"x86_64": 238, "aarch64": 237}[platform.machine()]

    def setup() -> None:
        assert LIBC.syscall(number, bind, ctypes.byref(ctypes.c_ulong(1)), ctypes.c_ulong(64)) == 0

    assert facts("mempolicy") == {"mode": 0, "nodes": []}
    assert facts("mempolicy", preexec_fn=setup) == {"mode": bind, "nodes": [0]}
