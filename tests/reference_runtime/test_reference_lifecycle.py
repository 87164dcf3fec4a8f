"""Whole lifecycles (runtime.md#lifecycle)."""

from __future__ import annotations

import json
import os
import select
from pathlib import Path

import pytest


def test_from_create_to_delete(runtime, config, make_bundle, cgroups):
    config["annotations"] = {"com.example.key": "v\u00e4lue"}
    bundle = make_bundle(config)

    identifier = runtime.create(bundle)
    created = runtime.state(identifier)
    assert created["status"] == "created"
    assert created["bundle"] == str(bundle)
    assert created["annotations"] == config["annotations"]
    assert cgroups()
    assert b"wait" not in Path(f"/proc/{created['pid']}/cmdline").read_bytes()

    assert runtime("start", identifier).ok
    running = runtime.state(identifier)
    assert running["status"] == "running"
    assert running["pid"] == created["pid"]
    assert Path(f"/proc/{created['pid']}/cmdline").read_bytes() == b"/program\0wait\0"

    runtime.stop(identifier)
    stopped = runtime.state(identifier)
    assert stopped["status"] == "stopped"
    assert "pid" not in stopped

    assert runtime("delete", identifier).ok
    assert not runtime.knows(identifier)
    assert not cgroups()
    assert list(runtime.root.iterdir()) == []


def test_the_program_gets_what_the_configuration_says(runtime, config, make_bundle):
    config["hostname"] = "a-name"
    config["process"].update(
        args=["program", "wait", "", "b c"],
        cwd="/made",
        env=["PATH=/nowhere:/", "A=1", "B="],
        user={"uid": 1000, "gid": 1001, "umask": 0o027, "additionalGids": [5, 6]},
        rlimits=[{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}],
        noNewPrivileges=True,
        oomScoreAdj=300,
        capabilities={
            name: ["CAP_KILL"]
            for name in ("bounding", "permitted", "effective", "inheritable", "ambient")
        },
    )
    identifier = runtime.create(make_bundle(config))
    assert runtime("start", identifier).ok
    process = Path(f"/proc/{runtime.state(identifier)['pid']}")

    assert (process / "cmdline").read_bytes() == b"program\0wait\0\0b c\0"
    assert (process / "environ").read_bytes() == b"PATH=/nowhere:/\0A=1\0B=\0"
    assert os.readlink(process / "cwd").endswith("/made")
    assert (process / "oom_score_adj").read_text() == "300\n"
    assert sorted(entry.name for entry in (process / "fd").iterdir()) == ["0", "1", "2"]
    lines = (process / "status").read_text().splitlines()
    status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    assert status["Uid"] == ["1000"] * 4
    assert status["Gid"] == ["1001"] * 4
    assert status["Groups"] == ["5", "6"]
    assert status["Umask"] == ["0027"]
    assert status["NoNewPrivs"] == ["1"]
    assert status["SigIgn"] == ["0" * 16]
    assert status["SigBlk"] == ["0" * 16]
    for name in ("CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb"):
        assert int(status[name][0], 16) == 1 << 5, name
    limits = (process / "limits").read_text()
    assert "Max open files            100                  200" in limits


@pytest.mark.parametrize("operation", ["start", "kill", "delete"])
def test_operations_in_the_wrong_status_have_no_effect(runtime, config, make_bundle, operation):
    identifier = runtime.create(make_bundle(config))
    words = {"start": ("start",), "kill": ("kill", "KILL"), "delete": ("delete",)}[operation]
    command = (words[0], identifier, *words[1:])
    if operation == "delete":
        before = runtime.state(identifier)
        assert not runtime(*command).ok
        assert runtime.state(identifier) == before
    assert runtime("start", identifier).ok
    if operation in {"start", "delete"}:
        before = runtime.state(identifier)
        assert not runtime(*command).ok
        assert runtime.state(identifier) == before
    runtime.stop(identifier)
    before = runtime.state(identifier)
    if operation != "delete":
        assert not runtime(*command).ok
        assert runtime.state(identifier) == before


@pytest.mark.parametrize("operation", ["state", "start", "kill", "delete", "create"])
@pytest.mark.parametrize("words", [(), ("",), ("no-such-container",), ("a/b",), ("..",)])
def test_without_a_container_operations_error(runtime, tmp_path, operation, words):
    assert not runtime(operation, *words, cwd=tmp_path).ok


def test_kill_sends_the_signal_by_name_and_number(runtime, config, make_bundle):
    for spelling, number in (("TERM", 15), ("SIGUSR1", 10), ("12", 12)):
        config["linux"]["cgroupsPath"] += "x"
        identifier = runtime.create(make_bundle(config, spelling))
        assert runtime("start", identifier).ok
        pid = runtime.state(identifier)["pid"]
        wait_until_handlers_are_set(pid)
        for unknown in ("SIGNOSUCH", "999", "0", "RTMIN+99"):
            assert not runtime("kill", identifier, unknown).ok
        pidfd = os.pidfd_open(pid)
        assert runtime("kill", identifier, spelling).ok
        assert exit_status(pidfd, pid) in {100 + number, None}
        assert runtime.state(identifier)["status"] == "stopped"


def wait_until_handlers_are_set(pid: int) -> None:
    """Read until the last handler is there: the program sets them one by one."""
    while True:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("SigCgt:") and int(line.split()[1], 16) >> 30 & 1:
                return


def exit_status(pidfd: int, pid: int) -> int | None:
    """Return the status of a process that is not a child, if it can still be read."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    assert poll.poll(10_000)
    os.close(pidfd)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return None
    return int(stat.rpartition(")")[2].split()[-1]) >> 8


def test_config_json_has_no_effect_after_create(runtime, config, make_bundle, log):
    config["hooks"] = {"poststart": [log.hook("start")], "poststop": [log.hook("stop")]}
    bundle = make_bundle(config)
    identifier = runtime.create(bundle)
    (bundle / "config.json").unlink()

    assert runtime("start", identifier).ok
    runtime.stop(identifier)
    assert runtime("delete", identifier).ok

    assert log.words == ["start", "stop"]


def test_without_a_process_start_errors_and_the_container_stays_created(
    runtime, config, make_bundle
):
    del config["process"]
    identifier = runtime.create(make_bundle(config))

    assert not runtime("start", identifier).ok

    assert runtime.state(identifier)["status"] == "created"


def test_an_id_in_use_errors_and_the_first_container_is_untouched(
    runtime, config, make_bundle, log
):
    identifier = runtime.create(make_bundle(config))
    before = runtime.state(identifier)
    config["hooks"] = {"createRuntime": [log.hook("second")]}
    second = make_bundle(config, "second")

    assert "already exists" in runtime("create", "-b", str(second), identifier).stderr

    assert runtime.state(identifier) == before
    assert log.words == []


def test_the_pid_file_has_no_newline(runtime, config, make_bundle, tmp_path):
    identifier = runtime.create(make_bundle(config), f"--pid-file={tmp_path / 'pid'}")

    assert (tmp_path / "pid").read_text() == str(runtime.state(identifier)["pid"])


def test_the_log_gets_one_json_object_when_an_operation_fails(runtime, tmp_path):
    log = tmp_path / "log.json"

    result = runtime("--log", str(log), "--log-format=json", "start", "none")

    assert result.status == 1
    assert result.stdout == ""
    entry = json.loads(log.read_text())
    assert entry["level"] == "error"
    assert entry["msg"] in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_what_is_in_the_cgroup_beforehand_stays(runtime, config, make_bundle, cgroups):
    existing = Path("/sys/fs/cgroup/pids")
    if not existing.is_dir():
        pytest.skip("needs a cgroup v1 pids hierarchy")
    leaf = existing / config["linux"]["cgroupsPath"].lstrip("/")
    leaf.mkdir(parents=True)
    try:
        identifier = runtime.create(make_bundle(config))
        assert len(cgroups()) > 1
        runtime.stop(identifier)
        assert runtime("delete", identifier).ok
        assert cgroups() == [leaf]
    finally:
        leaf.rmdir()
        leaf.parent.rmdir()


def test_what_the_program_left_running_ends_with_delete(runtime, config, make_bundle, cgroups):
    config["linux"]["namespaces"] = [
        entry for entry in config["linux"]["namespaces"] if entry["type"] != "pid"
    ]
    config["process"]["args"] = ["/program", "orphan"]
    identifier = runtime.create(make_bundle(config))
    pidfd = os.pidfd_open(runtime.state(identifier)["pid"])
    assert runtime("start", identifier).ok
    os.close(pidfd)
    directory = cgroups()[0]
    while runtime.state(identifier)["status"] != "stopped":
        pass
    (orphan,) = (directory / "cgroup.procs").read_text().split()

    assert runtime("delete", identifier).ok

    assert not Path(f"/proc/{orphan}").exists() or "Z" in Path(f"/proc/{orphan}/stat").read_text()
    assert not cgroups()
