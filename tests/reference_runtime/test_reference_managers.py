"""What engines may ask to be left out: pivot_root, a new session keyring, cgroups."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from reference_runtime import creation, rootfs, syscalls

HERE = Path(__file__).parent


def test_without_pivot_root_the_root_is_the_same(runtime, config, make_bundle, proc):
    pivoted = runtime.create(make_bundle(config))
    config["linux"]["cgroupsPath"] += "x"
    bundle = make_bundle(config, "second")
    moved = runtime.create(bundle, "--no-pivot")
    assert runtime("start", moved).ok

    assert os.path.samestat((proc(moved) / "root").stat(), (bundle / "rootfs").stat())
    points = [
        [line.split()[4] for line in (proc(each) / "mountinfo").read_text().splitlines()]
        for each in (moved, pivoted)
    ]
    assert points[0] == points[1]
    assert runtime("exec", moved, "/program", "exit", "5").status == 5


def test_without_pivot_root_the_mount_is_moved(monkeypatch):
    """Only in a ramdisk's root, where pivot_root(2) errors, could a container tell."""
    calls = []
    for name in ("mount", "umount2", "pivot_root"):
        monkeypatch.setattr(syscalls, name, lambda *words, name=name: calls.append((name, *words)))
    for name in ("chroot", "chdir", "fchdir"):
        monkeypatch.setattr(os, name, lambda path, name=name: calls.append((name, path)))
    namespaces = {"namespaces": [{"type": "mount"}]}
    made = creation.Creation({"root": {"path": "r"}, "linux": namespaces}, "/b", 0)
    made.no_pivot = True

    rootfs.pivot(made)

    moved = calls.index(("mount", ".", "/", None, syscalls.MS_MOVE, None))
    assert calls[moved + 1 :] == [("chroot", "."), ("chdir", "/")]
    assert {call[1] for call in calls if call[0] == "umount2"} >= {"/proc", "/sys"}
    assert not any(call[0] == "pivot_root" for call in calls)


@pytest.fixture(scope="session")
def keyring(tmp_path_factory):
    """A static program that prints its session keyring."""
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("needs a C compiler named cc")
    path = tmp_path_factory.mktemp("keyring") / "keyring"
    subprocess.run([compiler, "-static", "-o", path, HERE / "keyring.c"], check=True)
    if int(subprocess.run([path], capture_output=True, check=True).stdout) < 0:
        pytest.skip("needs a kernel with keys")
    return path


def test_a_session_keyring_of_its_own(runtime, config, make_bundle, keyring, launcher):
    config["process"]["args"] = ["/keyring"]
    bundle = make_bundle(config)
    shutil.copy(keyring, bundle / "rootfs/keyring")
    command = f"{launcher} --root {runtime.root}"
    script = f"""
        {command} run -b {bundle} --no-new-keyring {runtime.new_id()}
        {command} run -b {bundle} {runtime.new_id()}
        exec 3>&1 </dev/null >/dev/null 2>/dev/null
        {command} create -b {bundle} --no-new-keyring {runtime.new_id()}
        exec >&3
        {command} exec {runtime.ids[-1]} /keyring
    """
    words = [keyring, "/bin/sh", "-e", "-c", script]
    output = subprocess.run(words, capture_output=True, check=True, text=True).stdout

    callers, inherited, new, of_exec = map(int, output.split())
    assert inherited == callers
    assert len({callers, new, of_exec}) == 3
    assert min(new, of_exec) > 0


def test_without_cgroups(runtime, config, make_bundle, cgroups, proc):
    rules = [{"allow": False, "access": "rwm"}]
    config["linux"]["resources"] = {"devices": rules, "pids": {}}
    bundle = make_bundle(config)
    identifier = runtime.new_id()
    disabled = ("--cgroup-manager=disabled", "create", "-b", str(bundle))

    assert runtime(*disabled, identifier).ok

    assert not cgroups()
    assert (proc(identifier) / "cgroup").read_text() == Path("/proc/self/cgroup").read_text()
    assert runtime("start", identifier).ok
    assert runtime("exec", identifier, "/program", "exit", "3").status == 3
    assert runtime("ps", "--format=json", identifier).stdout.strip() == f"[{proc(identifier).name}]"
    assert "no cgroup that can be frozen" in runtime("pause", identifier).stderr
    assert runtime("delete", "--force", identifier).ok
    config["linux"]["resources"]["pids"]["limit"] = 5
    (bundle / "config.json").write_text(json.dumps(config))
    refused = runtime(*disabled, runtime.new_id())
    assert "linux.resources.pids: " in refused.stderr
