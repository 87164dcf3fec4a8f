"""Scheduling, I/O priority, personality, memory policy: what the program starts with."""

from __future__ import annotations

import json
import os
import platform
import struct
import uuid
from pathlib import Path
from typing import Any

import pytest

from reference_runtime import attributes, errors, ffi, validate

X86_64 = platform.machine() == "x86_64"
MILLISECOND = 1_000_000


def running(runtime, bundle: Path) -> int:
    """Start a container and return its pid."""
    identifier = runtime.create(bundle)
    started = runtime("start", identifier)
    assert started.ok, started.stderr
    pid: int = runtime.state(identifier)["pid"]
    return pid


def allow_realtime(config: dict[str, Any]) -> None:
    """Give the cgroup realtime: with RT_GROUP_SCHED and v1 a new one has none (sched(7))."""
    if Path("/sys/fs/cgroup/cpu/cpu.rt_runtime_us").exists():
        config["linux"]["cgroupsPath"] = f"/reference-runtime-tests-{uuid.uuid4().hex}"
        config["linux"]["resources"] = {"cpu": {"realtimeRuntime": 2000}}


def scheduling_of(pid: int) -> tuple[int, ...]:
    """Policy, flags, nice, priority, runtime, deadline, period by sched_getattr(2)."""
    buffer = bytes(bytearray(48))
    ffi.call("syscall", 315 if X86_64 else 275, pid, buffer, len(buffer), 0)
    return struct.unpack("IIQiIQQQ", buffer)[1:]


def io_priority_of(pid: int) -> int:
    return ffi.call("syscall", 252 if X86_64 else 31, 1, pid)


@pytest.mark.parametrize("limit", [0, 1])
def test_no_room_for_a_child_is_no_error(runtime, config, make_bundle, cgroups, limit):
    """Create tries them in a child that pids.max may forbid, which is no fault of theirs."""
    config["process"]["ioPriority"] = {"class": "IOPRIO_CLASS_BE", "priority": 7}
    config["linux"]["resources"] = {"pids": {"limit": limit}}

    pid = running(runtime, make_bundle(config))

    assert io_priority_of(pid) == 2 << 13 | 7
    assert cgroups()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"policy": "SCHED_OTHER", "nice": 5}, (0, 0, 5, 0)),
        ({"policy": "SCHED_OTHER", "nice": -5}, (0, 0, -5, 0)),
        ({"policy": "SCHED_BATCH", "nice": 19}, (3, 0, 19, 0)),
        ({"policy": "SCHED_IDLE"}, (5, 0, 0, 0)),
        ({"policy": "SCHED_FIFO", "priority": 3}, (1, 0, 0, 3)),
        (
            {"policy": "SCHED_RR", "priority": 99, "flags": ["SCHED_FLAG_RESET_ON_FORK"]},
            (2, 1, 0, 99),
        ),
    ],
    ids=lambda value: value.get("policy") if isinstance(value, dict) else "",
)
def test_the_scheduler(runtime, config, make_bundle, wanted, found):
    config["process"]["scheduler"] = wanted
    if "priority" in wanted:
        allow_realtime(config)
    config["process"]["user"] = {"uid": 1000, "gid": 1000}  # who could not set it any more

    pid = running(runtime, make_bundle(config))

    assert scheduling_of(pid)[:4] == found


def test_the_deadline_scheduler(runtime, config, make_bundle):
    times = (10 * MILLISECOND, 50 * MILLISECOND, 100 * MILLISECOND)
    wanted = dict(zip(("runtime", "deadline", "period"), times, strict=True))
    flags = ["SCHED_FLAG_RECLAIM", "SCHED_FLAG_RESET_ON_FORK"]
    config["process"]["scheduler"] = {"policy": "SCHED_DEADLINE", "flags": flags, **wanted}

    pid = running(runtime, make_bundle(config))

    assert scheduling_of(pid) == (6, 3, 0, 0, *times)


def test_a_realtime_process_keeps_its_nice_value(runtime, config, make_bundle):
    config["process"]["scheduler"] = {"policy": "SCHED_FIFO", "priority": 1, "nice": 7}
    allow_realtime(config)

    pid = running(runtime, make_bundle(config))

    assert os.getpriority(os.PRIO_PROCESS, pid) == 7


@pytest.mark.parametrize("kind", attributes.IO_CLASSES)
def test_the_io_priority(runtime, config, make_bundle, kind):
    config["process"]["ioPriority"] = {"class": kind, "priority": 6}
    before = io_priority_of(0)

    pid = running(runtime, make_bundle(config))

    assert io_priority_of(pid) == attributes.IO_CLASSES[kind] << 13 | 6
    assert io_priority_of(0) == before


@pytest.mark.parametrize(("domain", "found"), [("LINUX", "00000000"), ("LINUX32", "00000008")])
def test_the_personality(runtime, config, make_bundle, domain, found):
    config["linux"]["personality"] = {"domain": domain, "flags": []}

    pid = running(runtime, make_bundle(config))

    assert Path(f"/proc/{pid}/personality").read_text() == f"{found}\n"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"mode": "MPOL_DEFAULT"}, "default"),
        ({"mode": "MPOL_LOCAL"}, "local"),
        ({"mode": "MPOL_BIND", "nodes": "0"}, "bind:0"),
        ({"mode": "MPOL_PREFERRED", "nodes": "0"}, "prefer:0"),
        ({"mode": "MPOL_PREFERRED_MANY", "nodes": "0"}, "prefer (many):0"),
        ({"mode": "MPOL_INTERLEAVE", "nodes": "0-0,0"}, "interleave:0"),
        ({"mode": "MPOL_WEIGHTED_INTERLEAVE", "nodes": "0"}, "weighted interleave:0"),
        (
            {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]},
            "bind=static:0",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_memory_policy(runtime, config, make_bundle, wanted, found):
    config["linux"]["memoryPolicy"] = wanted

    pid = running(runtime, make_bundle(config))

    stack = next(
        line for line in Path(f"/proc/{pid}/numa_maps").read_text().splitlines() if "stack" in line
    )
    assert stack.split(maxsplit=1)[1].startswith(found + " ")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("process.scheduler", {"policy": "SCHED_ISO"}),
        ("process.scheduler", {"policy": "SCHED_DEADLINE"}),
        ("linux.memoryPolicy", {"mode": "MPOL_BIND", "nodes": "1023"}),
    ],
    ids=str,
)
def test_what_the_kernel_refuses_is_an_error_of_create(runtime, config, make_bundle, path, value):
    group, name = path.split(".")
    config[group][name] = value

    result = runtime("create", "-b", str(make_bundle(config)), runtime.new_id())

    assert not result.ok
    assert path in result.stderr
    assert "invalid argument" in result.stderr
    assert list(runtime.root.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("process.scheduler.policy", {}),
        ("process.scheduler.policy", {"policy": "SCHED_NORMAL"}),
        ("process.scheduler.nice", {"policy": "SCHED_OTHER", "nice": 20}),
        ("process.scheduler.priority", {"policy": "SCHED_FIFO"}),
        ("process.scheduler.priority", {"policy": "SCHED_FIFO", "priority": 100}),
        ("process.scheduler.priority", {"policy": "SCHED_BATCH", "priority": 1}),
        ("process.scheduler.flags[0]", {"policy": "SCHED_RR", "priority": 1, "flags": ["X"]}),
        ("process.scheduler.period", {"policy": "SCHED_IDLE", "period": 1}),
        ("process.ioPriority.class", {"class": "IOPRIO_CLASS_NONE", "priority": 0}),
        ("process.ioPriority.priority", {"class": "IOPRIO_CLASS_BE", "priority": 8}),
        ("process.ioPriority.priority", {"class": "IOPRIO_CLASS_BE"}),
        ("linux.personality.domain", {"domain": "SVR4"}),
        ("linux.personality.flags", {"domain": "LINUX", "flags": ["ADDR_NO_RANDOMIZE"]}),
        ("linux.memoryPolicy.mode", {"nodes": "0"}),
        ("linux.memoryPolicy.nodes", {"mode": "MPOL_DEFAULT", "nodes": "0"}),
        ("linux.memoryPolicy.nodes", {"mode": "MPOL_BIND"}),
        ("linux.memoryPolicy.nodes", {"mode": "MPOL_BIND", "nodes": "1-0"}),
        ("linux.memoryPolicy.nodes", {"mode": "MPOL_BIND", "nodes": "0,"}),
        ("linux.memoryPolicy.nodes", {"mode": "MPOL_BIND", "nodes": "0-99999999999"}),
        (
            "linux.memoryPolicy.flags",
            {
                "mode": "MPOL_BIND",
                "nodes": "0",
                "flags": ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"],
            },
        ),
    ],
    ids=str,
)
def test_an_invalid_value_errors_with_its_path(config: dict[str, Any], path, value):
    group, name = path.split(".")[:2]
    config[group][name] = value

    with pytest.raises(errors.OperationError) as raised:
        validate.configuration(config)

    assert str(raised.value).startswith(f"{path}: ")


@pytest.mark.skipif(
    not Path("/sys/fs/cgroup/cpu/cpu.rt_runtime_us").exists(), reason="needs RT_GROUP_SCHED on v1"
)
def test_what_the_cgroup_forbids_is_an_error_of_create(runtime, config, make_bundle):
    config["process"]["scheduler"] = {"policy": "SCHED_FIFO", "priority": 1}

    result = runtime("create", "-b", str(make_bundle(config)), runtime.new_id())

    assert not result.ok
    assert "process.scheduler (SCHED_FIFO): operation not permitted" in result.stderr


def test_features_list_the_memory_policies(runtime):
    policy = json.loads(runtime("features").stdout)["linux"]["memoryPolicy"]

    assert policy == {
        "modes": list(attributes.MEMORY_MODES),
        "flags": list(attributes.MEMORY_FLAGS),
    }
