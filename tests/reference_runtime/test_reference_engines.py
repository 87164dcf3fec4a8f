"""What engines need beyond the specification: freezing, listing, signalling all."""

from __future__ import annotations

import json
import os
import select
from pathlib import Path

import pytest

FREEZER = Path("/sys/fs/cgroup/freezer")


@pytest.fixture
def freezer(config):
    """The container's freezer.state, on hosts that have a freezer of cgroup v1."""
    if not FREEZER.is_dir():
        pytest.skip("needs the freezer of cgroup v1")
    return FREEZER / config["linux"]["cgroupsPath"].lstrip("/") / "freezer.state"


@pytest.fixture
def running(runtime, config, make_bundle):
    """A container that runs until a signal comes."""
    identifier = runtime.create(make_bundle(config))
    assert runtime("start", identifier).ok
    return identifier


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except FileNotFoundError:
        return False


def test_pause_freezes_and_resume_thaws(runtime, running, freezer):
    assert runtime("pause", running).ok
    assert freezer.read_text() == "FROZEN\n"
    assert runtime.state(running)["status"] == "paused"
    assert not runtime("delete", running).ok
    assert "paused" in runtime("pause", running).stderr

    assert runtime("resume", running).ok
    assert freezer.read_text() == "THAWED\n"
    assert runtime.state(running)["status"] == "running"
    assert "container not paused" in runtime("resume", running).stderr


def test_a_created_container_can_be_paused_but_not_started_then(
    runtime, config, make_bundle, freezer
):
    identifier = runtime.create(make_bundle(config))
    assert runtime("pause", identifier).ok

    assert "paused" in runtime("start", identifier).stderr

    assert freezer.read_text() == "FROZEN\n"
    assert runtime("resume", identifier).ok
    assert runtime.state(identifier)["status"] == "created"
    assert runtime("start", identifier).ok


def test_delete_by_force_ends_a_paused_container(runtime, running, freezer):
    assert runtime("pause", running).ok

    assert runtime("delete", "--force", running).ok

    assert not runtime.knows(running)
    assert not freezer.exists()


def test_delete_by_force_ends_what_froze_in_a_cgroup_below(runtime, running, freezer):
    pid = runtime.state(running)["pid"]
    below = freezer.parent / "below"
    below.mkdir()
    (below / "cgroup.procs").write_text(str(pid))
    (below / "freezer.state").write_text("FROZEN")

    assert runtime("delete", "--force", running).ok

    assert not is_alive(pid)
    assert not freezer.exists()


@pytest.mark.parametrize("words", [("kill",), ("kill", "--all")], ids="-".join)
def test_sigkill_ends_a_paused_container(runtime, running, freezer, words):
    pidfd = os.pidfd_open(runtime.state(running)["pid"])
    assert runtime("pause", running).ok

    assert runtime(*words, running, "9").ok

    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    assert poll.poll(10_000)
    os.close(pidfd)
    assert freezer.read_text() == "THAWED\n"


def test_pause_of_a_killed_container_leaves_nothing_frozen(runtime, running, freezer):
    runtime.stop(running)

    assert "container not running" in runtime("pause", running).stderr

    assert freezer.read_text() == "THAWED\n"


def test_a_cgroup_that_stays_is_not_left_frozen(runtime, config, make_bundle, freezer):
    freezer.parent.mkdir(parents=True)
    try:
        identifier = runtime.create(make_bundle(config))
        runtime.stop(identifier)
        freezer.write_text("FROZEN")
        assert runtime("delete", identifier).ok
        assert freezer.read_text() == "THAWED\n"
    finally:
        freezer.parent.rmdir()


def test_the_processes_of_a_container_are_listed(runtime, config, make_bundle):
    config["process"]["args"] = ["/program", "orphan"]
    config["linux"]["namespaces"] = [
        entry for entry in config["linux"]["namespaces"] if entry["type"] != "pid"
    ]
    identifier = runtime.create(make_bundle(config))
    first = runtime.state(identifier)["pid"]
    assert json.loads(runtime("ps", "--format", "json", identifier).stdout) == [first]
    assert runtime("start", identifier).ok
    while runtime.state(identifier)["status"] != "stopped":
        pass

    (orphan,) = json.loads(runtime("ps", "--format=json", identifier).stdout)

    assert orphan != first
    table = runtime("ps", identifier).stdout.splitlines()
    assert table[1].split() == [str(orphan), "/program", "orphan"]
    assert not runtime("kill", identifier, "TERM").ok
    assert runtime("kill", "--all", identifier, "KILL").ok
    assert not is_alive(orphan)
    assert runtime("kill", "-a", identifier, "KILL").ok


def test_containers_are_listed(runtime, config, make_bundle):
    assert json.loads(runtime("list", "--format=json").stdout) == []
    config["linux"]["cgroupsPath"] += "a"
    first = runtime.create(make_bundle(config, "first"))
    config["linux"]["cgroupsPath"] += "b"
    second = runtime.create(make_bundle(config, "second"))
    runtime.stop(second)

    listed = {
        state["id"]: state for state in json.loads(runtime("list", "--format", "json").stdout)
    }

    assert set(listed) == {first, second}
    assert listed[first] == {**runtime.state(first), "owner": "root"}
    assert (listed[second]["status"], listed[second]["pid"]) == ("stopped", 0)
    assert set(runtime("list", "-q").stdout.split()) == {first, second}
    header, *rows = runtime("list").stdout.splitlines()
    assert header.split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    assert {row.split()[0] for row in rows} == {first, second}


@pytest.mark.parametrize("words", [("list",), ("ps", "any")], ids="-".join)
def test_an_unknown_format_is_an_error(runtime, words):
    assert "--format" in runtime(*words, "--format", "yaml").stderr
