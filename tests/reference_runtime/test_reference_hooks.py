"""Hooks of all six kinds (config.md#posix-platform-hooks; lifecycle, steps 3 to 5, 7, 9 and 13)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

KINDS = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
IN_CREATE = KINDS[:3]


def test_all_kinds_in_their_order(runtime, config, make_bundle, log):
    config["hooks"] = {
        kind: [log.hook(f"{kind}{n}", inside=kind == "startContainer") for n in (1, 2)]
        for kind in KINDS
    }
    config["process"]["args"] = ["/program", "wait"]
    expected = [f"{kind}{n}" for kind in KINDS for n in (1, 2)]

    identifier = runtime.create(make_bundle(config))
    assert log.words == expected[:6]
    assert runtime("start", identifier).ok
    assert log.words == expected[:10]
    runtime.stop(identifier)
    assert runtime("delete", identifier).ok
    assert log.words == expected


@pytest.mark.parametrize("kind", KINDS[:5])
def test_a_failing_hook_destroys_the_container(runtime, config, make_bundle, log, cgroups, kind):
    inside = kind == "startContainer"
    config["hooks"] = {other: [log.hook("later")] for other in KINDS[KINDS.index(kind) + 1 : 5]}
    config["hooks"][kind] = [
        log.hook("first", inside=inside),
        log.hook("second", 7, inside=inside),
        log.hook("third", inside=inside),
    ]
    config["hooks"]["poststop"] = [log.hook("stop"), log.state_hook("poststop")]
    config["process"]["args"] = ["/program", "append", "/shared/log", "program"]
    if kind == "poststart":
        config["process"]["args"] = ["/program", "wait"]
    bundle = make_bundle(config)

    if kind in IN_CREATE:
        identifier = runtime.new_id()
        result = runtime("create", "-b", str(bundle), identifier)
    else:
        identifier = runtime.create(bundle)
        result = runtime("start", identifier)

    assert result.status == 1
    assert f"hooks.{kind}[1]" in result.stderr
    assert log.words == ["first", "second", "stop"]
    assert log.state("poststop")["status"] == "stopped"
    assert not runtime.knows(identifier)
    assert not cgroups()
    assert list(runtime.root.iterdir()) == []


def test_a_failing_poststop_hook_is_a_warning(runtime, config, make_bundle, log):
    config["hooks"] = {"poststop": [log.hook("one", 1), {"path": "/no/such"}, log.hook("three")]}
    identifier = runtime.create(make_bundle(config))
    runtime.stop(identifier)

    result = runtime("delete", identifier)

    assert result.ok
    assert result.stderr.count("warning:") == 2
    assert log.words == ["one", "three"]
    assert not runtime.knows(identifier)


def test_the_state_that_hooks_get(runtime, config, make_bundle, log):
    config["annotations"] = {"com.example.long": "x" * 200_000}
    config["hooks"] = {kind: [log.state_hook(kind)] for kind in KINDS if kind != "startContainer"}
    bundle = make_bundle(config)

    identifier = runtime.create(bundle)
    pid = runtime.state(identifier)["pid"]
    assert runtime("start", identifier).ok
    runtime.stop(identifier)
    assert runtime("delete", identifier).ok

    seen = {kind: log.state(kind) for kind in config["hooks"]}
    assert {kind: state["status"] for kind, state in seen.items()} == {
        "prestart": "creating",
        "createRuntime": "creating",
        "createContainer": "creating",
        "poststart": "running",
        "poststop": "stopped",
    }
    assert {kind: state.get("pid") for kind, state in seen.items()} == {
        "prestart": pid,
        "createRuntime": pid,
        "createContainer": 1,
        "poststart": pid,
        "poststop": None,
    }
    for state in seen.values():
        assert state["id"] == identifier
        assert state["bundle"] == str(bundle)
        assert state["annotations"] == config["annotations"]


def test_hooks_need_not_read_a_long_state(runtime, config, make_bundle, log):
    config["annotations"] = {"com.example.long": "x" * 300_000}
    config["hooks"] = {kind: [log.hook(kind, inside=kind == "startContainer")] for kind in KINDS}
    identifier = runtime.create(make_bundle(config))
    assert runtime("start", identifier).ok
    runtime.stop(identifier)
    assert runtime("delete", identifier).ok
    assert log.words == KINDS


def test_a_hook_has_its_environment_and_arguments_only(runtime, config, make_bundle, tmp_path):
    copy = f"cat /proc/self/environ > {tmp_path}/environ; cat /proc/$$/cmdline > {tmp_path}/cmdline"
    args = ["any name", "-c", copy, "b c", ""]
    config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": args, "env": ["X=1", "Y="]}]}

    runtime.create(make_bundle(config))

    assert set((tmp_path / "environ").read_text().split("\0")) - {""} <= {
        "X=1", "Y=", f"PWD={Path.cwd()}",
    }  # fmt: skip
    assert (tmp_path / "cmdline").read_text() == "\0".join([*args, ""])


@pytest.mark.parametrize("kind", IN_CREATE)
def test_a_hook_is_aborted_after_its_timeout(runtime, config, make_bundle, kind):
    config["hooks"] = {kind: [{"path": "/bin/sleep", "args": ["sleep", "60"], "timeout": 1}]}
    identifier = runtime.new_id()

    result = runtime("create", "-b", str(make_bundle(config)), identifier)

    assert "timeout" in result.stderr
    assert not runtime.knows(identifier)


def test_the_status_while_hooks_run(runtime, config, make_bundle, launcher, tmp_path):
    ask = f"{launcher} --root {runtime.root} state $0 > {tmp_path}/"
    identifier = runtime.new_id()

    def hook(name: str) -> dict[str, Any]:
        return {"path": "/bin/sh", "args": [identifier, "-c", ask + name]}

    config["hooks"] = {
        "createRuntime": [hook("createRuntime")],
        "poststart": [hook("poststart")],
        "poststop": [{"path": "/bin/sh", "args": [identifier, "-c", f"{ask}poststop; :"]}],
    }
    assert runtime("create", "-b", str(make_bundle(config)), identifier).ok
    assert runtime("start", identifier).ok
    runtime.stop(identifier)
    assert runtime("delete", identifier).ok

    assert '"status":"creating"' in (tmp_path / "createRuntime").read_text()
    assert '"status":"running"' in (tmp_path / "poststart").read_text()
    assert (tmp_path / "poststop").read_text() == ""


def test_the_status_is_created_while_startcontainer_hooks_run(runtime, config, make_bundle, log):
    fifo = log.directory / "fifo"
    os.mkfifo(fifo)
    block = {"path": "/program", "args": ["hook", "append", "/shared/fifo", "x"]}
    config["hooks"] = {"startContainer": [log.hook("begun", inside=True), block]}
    identifier = runtime.create(make_bundle(config))

    start = runtime.start_process("start", identifier)
    while log.words != ["begun"]:
        pass
    during = runtime.state(identifier)["status"]
    fifo.read_text()

    assert during == "created"
    assert start.wait() == 0
    assert runtime.state(identifier)["status"] == "running"
