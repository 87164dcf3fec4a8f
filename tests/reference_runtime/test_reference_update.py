"""The update operation: other limits for a container, all of them or none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reference_runtime import cgroups as own_cgroups
from reference_runtime import command_line, errors, limits, op_update

MIB = 1 << 20


@pytest.fixture
def v1(config):
    """Read a control file of the container, on hosts that have these controllers in version 1."""

    def read(controller: str, file: str) -> str:
        directory = Path("/sys/fs/cgroup", controller)
        if not (directory / "cgroup.procs").exists():
            pytest.skip(f"needs the {controller} controller of cgroup v1")
        path: str = config["linux"]["cgroupsPath"].lstrip("/")
        return (directory / path / file).read_text().strip()

    return read


@pytest.fixture
def running(runtime, config, make_bundle):
    """A container with limits that runs until a signal comes."""
    config["linux"]["resources"] = {
        "memory": {"limit": 64 * MIB},
        "pids": {"limit": 50},
        "cpu": {"shares": 512},
    }
    identifier = runtime.create(make_bundle(config))
    assert runtime("start", identifier).ok
    return identifier


@pytest.fixture
def update(runtime, tmp_path):
    """Update with a file of resources."""

    def call(identifier: str, resources: object, *, option: str = "--resources={}"):
        path = tmp_path / "resources.json"
        text = resources if isinstance(resources, str) else json.dumps(resources)
        path.write_text(text)
        return runtime("update", *option.format(path).split(), identifier)

    return call


@pytest.mark.parametrize("option", ["--resources={}", "--resources {}", "-r {}"])
def test_limits_are_changed(running, update, v1, option):
    result = update(running, {"pids": {"limit": 33}, "cpu": {"shares": 1024}}, option=option)

    assert result.ok, result.stderr
    assert v1("pids", "pids.max") == "33"
    assert v1("cpu", "cpu.shares") == "1024"
    assert v1("memory", "memory.limit_in_bytes") == str(64 * MIB)


def test_zeros_leave_limits_alone(running, update, v1):
    """As Docker sends them."""
    result = update(running, {
        "memory": {"limit": 0, "reservation": 0, "swap": 0, "kernel": 0},
        "cpu": {"shares": 0, "quota": 50000, "period": 100000, "cpus": "", "mems": ""},
        "pids": {"limit": 0}, "blockIO": {"weight": 0}, "devices": None,
    })  # fmt: skip

    assert result.ok, result.stderr
    assert v1("pids", "pids.max") == "50"
    assert v1("cpu", "cpu.shares") == "512"
    assert v1("cpu", "cpu.cfs_quota_us") == "50000"
    assert v1("memory", "memory.limit_in_bytes") == str(64 * MIB)


def test_resources_come_from_stdin(runtime, running, tmp_path, v1):
    source = tmp_path / "stdin"
    for words, limit in ((["--resources=-"], 21), (["--resources", "-"], 22)):
        source.write_text(json.dumps({"pids": {"limit": limit}}))
        with source.open() as stdin:
            assert runtime("update", *words, running, stdin=stdin).ok
        assert v1("pids", "pids.max") == str(limit)


def test_single_options(runtime, running, v1):
    words = ("--memory", "96m", "--memory-reservation=1048576", "--pids-limit=-1",
             "--cpu-quota", "20000", "--cpu-period=50000", "--cpu-share=99",
             "--cpuset-cpus", "0")  # fmt: skip

    result = runtime("update", *words, running)

    assert result.ok, result.stderr
    assert v1("memory", "memory.limit_in_bytes") == str(96 * MIB)
    assert v1("memory", "memory.soft_limit_in_bytes") == str(MIB)
    assert v1("pids", "pids.max") == "max"
    assert v1("cpu", "cpu.cfs_quota_us") == "20000"
    assert v1("cpu", "cpu.cfs_period_us") == "50000"
    assert v1("cpu", "cpu.shares") == "99"
    assert v1("cpuset", "cpuset.cpus") == "0"


def test_memory_and_swap_rise_and_fall_together(running, update, v1):
    for limit in (32, 512, 64):
        result = update(running, {"memory": {"limit": limit * MIB, "swap": 2 * limit * MIB}})
        assert result.ok, result.stderr
        assert v1("memory", "memory.limit_in_bytes") == str(limit * MIB)
        assert v1("memory", "memory.memsw.limit_in_bytes") == str(2 * limit * MIB)


@pytest.mark.parametrize(
    ("resources", "text"),
    [
        ({"pids": {"limit": 5}, "cpu": {"shares": "x"}}, "linux.resources.cpu.shares"),
        ({"pids": {"limit": 5}, "cpu": {"cpus": "4095"}}, "linux.resources.cpu.cpus"),
        ({"cpu": {"shares": 7, "cpus": "bad"}}, "linux.resources.cpu.cpus"),
        ({"pids": {"limit": 5}, "network": {"priorities": [{"name": "none0", "priority": 1}]}},
         "linux.resources.network"),
        ({"pids": {"limit": 5}, "devices": [{"allow": True}]}, "linux.resources.devices"),
        ({"memory": {"limit": 32 * MIB}, "unified": {"pids.max": "5"}}, "linux.resources.unified"),
        ('{"pids": {"limit": 5}', "--resources"),
        ("[]", "must be an object"),
    ],
    ids=str,
)  # fmt: skip
def test_an_invalid_value_changes_nothing(running, update, v1, resources, text):
    result = update(running, resources)

    assert result.status == 1
    assert text in result.stderr
    assert v1("pids", "pids.max") == "50"
    assert v1("cpu", "cpu.shares") == "512"
    assert v1("memory", "memory.limit_in_bytes") == str(64 * MIB)


def test_the_device_rules_that_there_are_may_be_sent(runtime, config, make_bundle, update):
    rules = [{"allow": False, "access": "rwm"}]
    config["linux"]["resources"] = {"devices": rules}
    identifier = runtime.create(make_bundle(config))

    assert update(identifier, {"devices": rules, "cpu": {}}).ok
    assert not update(identifier, {"devices": [*rules, {"allow": True}]}).ok


@pytest.mark.parametrize(
    "words",
    [(), ("--memory", "lots"), ("--memory", ""), ("--pids-limit=1x",), ("--memory-limit=1",)],
)  # fmt: skip
def test_options_without_a_number_are_errors(runtime, running, words):
    result = runtime("update", *words, running)

    assert result.status == 1
    assert "update needs" in result.stderr or words[0].partition("=")[0] in result.stderr


def test_a_stopped_container_is_not_updated(runtime, running, update):
    runtime.stop(running)

    assert "container not running" in update(running, {"pids": {"limit": 5}}).stderr
    assert "does not exist" in update("none", {"pids": {"limit": 5}}).stderr


def test_every_option_of_a_limit_has_a_member():
    assert set(op_update.OPTIONS) == set(command_line.LIMITS)


@pytest.fixture
def v2(tmp_path, monkeypatch):
    """A directory with the files of a cgroup of version 2, which take what is written."""
    files = {
        "memory.max": "104857600", "memory.swap.max": "max", "memory.current": "5000000",
        "cpu.max": "50000 100000", "cpu.weight": "100", "pids.max": "max",
        "io.max": "8:0 rbps=1 wbps=max riops=max wiops=max", "io.weight": "default 100",
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).write_text(f"{text}\n")
    controllers = ["memory", "cpu", "pids", "io"]
    planned = [{"version": 2, "controllers": controllers, "leaf": str(tmp_path), "made": []}]
    written = []

    def write(path: str, value: str) -> None:
        if value == "5":
            raise OSError(22, "Invalid argument")
        written.append((Path(path).name, value))

    monkeypatch.setattr(own_cgroups, "write", write)
    return planned, written


def test_version_2_completes_what_it_has_in_one_file(v2):
    planned, written = v2

    limits.change(planned, {"memory": {"swap": 300 * MIB}, "cpu": {"period": 20000}})

    assert ("memory.swap.max", str(200 * MIB)) in written
    assert ("cpu.max", "50000 20000") in written


def test_version_2_puts_back_what_was_there(v2):
    planned, written = v2
    throttle = {"major": 8, "minor": 16, "rate": 9}
    wanted = {"memory": {"limit": 64 * MIB}, "pids": {"limit": 9},
              "blockIO": {"throttleReadBpsDevice": [{**throttle, "minor": 0}, throttle]},
              "unified": {"pids.max": "5"}}  # fmt: skip

    with pytest.raises(errors.OperationError, match=r"unified\.pids\.max"):
        limits.change(planned, wanted)

    assert written == [
        ("memory.max", str(64 * MIB)), ("pids.max", "9"),
        ("pids.max", "max"), ("memory.max", "104857600"),
    ]  # fmt: skip


def test_a_line_of_a_device_is_put_back():
    before = "8:0 rbps=1 wbps=max\n8:32 rbps=7 wbps=max"

    assert limits.restoring("io", "io.max", "8:0 rbps=5", before) == "8:0 rbps=1 wbps=max"
    assert limits.restoring("io", "io.max", "8:9 rbps=5", before).startswith("8:9 rbps=max wbps=")
    assert limits.restoring("blkio", "blkio.throttle.read_bps_device", "8:9 5", "") == "8:9 0"
    assert limits.restoring("memory", "memory.oom_control", "1", "oom_kill_disable 0\nx 1") == "0"


def test_version_2_checks_before_it_updates(v2):
    planned, written = v2

    with pytest.raises(errors.OperationError, match="5000000 bytes are in use"):
        limits.change(planned, {"memory": {"limit": MIB, "checkBeforeUpdate": True}})

    assert not written
    limits.change(planned, {"memory": {"limit": MIB, "checkBeforeUpdate": False}})
    assert ("memory.max", str(MIB)) in written
