"""What create makes of mounts, devices, namespaces and cgroups, seen from the host."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.reference_runtime.conftest import let_strangers_through


def mountinfo(pid: int) -> dict[str, list[str]]:
    """Mount points as the process has them, with the fields of their lines."""
    lines = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
    return {line.split()[4]: line.split() for line in lines}


@pytest.fixture
def created(runtime, config, make_bundle):
    """Create the configured container; return its process's directory in /proc."""

    def create() -> Path:
        identifier = runtime.create(make_bundle(config))
        return Path(f"/proc/{runtime.state(identifier)['pid']}")

    return create


def test_namespaces_are_new_or_inherited(created, config):
    config["linux"]["namespaces"] = [{"type": kind} for kind in ("mount", "pid", "cgroup", "time")]
    process = created()

    for name in ("mnt", "pid", "cgroup", "time"):
        assert os.readlink(process / "ns" / name) != os.readlink(f"/proc/self/ns/{name}")
    for name in ("net", "uts", "ipc", "user"):
        assert os.readlink(process / "ns" / name) == os.readlink(f"/proc/self/ns/{name}")


def test_namespaces_are_joined_by_path(created, config, runtime, make_bundle):
    first = created()
    for entry in config["linux"]["namespaces"]:
        if entry["type"] != "mount":
            name = {"network": "net"}.get(entry["type"], entry["type"])
            entry["path"] = f"{first}/ns/{name}"
    config["linux"]["cgroupsPath"] += "x"
    identifier = runtime.create(make_bundle(config, "second"))
    second = Path(f"/proc/{runtime.state(identifier)['pid']}")

    for name in ("pid", "net", "ipc", "uts"):
        assert os.readlink(second / "ns" / name) == os.readlink(first / "ns" / name)
    assert os.readlink(second / "ns/mnt") != os.readlink(first / "ns/mnt")


def test_a_user_namespace_with_its_maps(runtime, config, make_bundle, tmp_path):
    let_strangers_through(tmp_path)  # one of which is the container's root
    config["linux"]["namespaces"].append({"type": "user"})
    for kind in ("uid", "gid"):
        rows = [{"containerID": 0, "hostID": 100000, "size": 1000},
                {"containerID": 5000, "hostID": 300000, "size": 10}]  # fmt: skip
        config["linux"][f"{kind}Mappings"] = rows
    bundle = make_bundle(config)
    os.chown(bundle / "rootfs", 100000, 100000)
    identifier = runtime.create(bundle)
    process = Path(f"/proc/{runtime.state(identifier)['pid']}")

    mapped = [line.split() for line in (process / "uid_map").read_text().splitlines()]
    assert mapped == [["0", "100000", "1000"], ["5000", "300000", "10"]]
    assert "Uid:\t100000\t" in (process / "status").read_text()


def test_mounts_with_their_options(created, config, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_text("here")
    config["root"]["readonly"] = True
    bind = {"destination": "/bound", "source": str(source), "options": ["rbind", "ro", "nosuid"]}
    file = {"destination": "/a/file", "source": str(source / "file"), "options": ["bind"]}
    tmpfs = {"destination": "rel", "type": "tmpfs", "options": ["size=1m", "noexec", "unbindable"]}
    config["mounts"] += [bind, file, tmpfs]
    process = created()

    table = mountinfo(int(process.name))
    assert table["/"][5].split(",")[0] == "ro"
    assert {"ro", "nosuid"} <= set(table["/bound"][5].split(","))
    assert (process / "root/a/file").read_text() == "here"
    assert "noexec" in table["/rel"][5]
    assert table["/rel"][6] == "unbindable"


def test_devices_and_links(created, config):
    fuse = {"path": "/x/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o20600,
            "uid": 3, "gid": 4}  # fmt: skip
    config["linux"]["devices"] = [fuse, {"path": "/dev/pipe", "type": "p"}]
    config["mounts"].append({"destination": "/dev/pts", "type": "devpts"})
    root = created() / "root"

    for name, numbers in {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8),
                          "urandom": (1, 9), "tty": (5, 0)}.items():  # fmt: skip
        found = (root / "dev" / name).stat()
        assert stat.S_ISCHR(found.st_mode)
        assert found.st_rdev == os.makedev(*numbers)
    assert os.readlink(root / "dev/fd") == "/proc/self/fd"
    assert os.readlink(root / "dev/stderr") == "/proc/self/fd/2"
    assert os.readlink(root / "dev/ptmx") == "pts/ptmx"
    found = (root / "x/fuse").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o600, 3, 4)
    assert stat.S_ISFIFO((root / "dev/pipe").stat().st_mode)


def test_masked_and_readonly_paths(config, runtime, make_bundle):
    config["linux"]["maskedPaths"] = ["/program-data", "/secrets", "/no/such"]
    config["linux"]["readonlyPaths"] = ["/kept", "/no/such"]
    bundle = make_bundle(config)
    (bundle / "rootfs/program-data").write_text("secret")
    (bundle / "rootfs/secrets").mkdir()
    (bundle / "rootfs/secrets/file").write_text("secret")
    (bundle / "rootfs/kept").mkdir()
    identifier = runtime.create(bundle)
    root = Path(f"/proc/{runtime.state(identifier)['pid']}/root")

    assert (root / "program-data").read_bytes() == b""
    assert list((root / "secrets").iterdir()) == []
    assert os.statvfs(root / "kept").f_flag & os.ST_RDONLY


def test_no_symbolic_link_leads_out_of_the_root(config, make_bundle, runtime, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    config["mounts"].append({"destination": "/link/made", "type": "tmpfs"})
    config["linux"]["devices"] = [{"path": "/link/device", "type": "c", "major": 1, "minor": 3}]
    config["process"]["cwd"] = "/link/cwd"
    bundle = make_bundle(config)
    (bundle / "rootfs/link").symlink_to(outside)

    runtime("create", "-b", str(bundle), runtime.new_id())

    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("value", ["shared", "slave", "private", "unbindable"])
def test_the_propagation_of_the_root(created, config, value):
    config["linux"]["rootfsPropagation"] = value
    optional = mountinfo(int(created().name))["/"][6]

    if value == "shared":
        assert optional.startswith("shared:")
    elif value == "unbindable":
        assert optional == "unbindable"
    else:
        assert not optional.startswith("shared:")


def test_limits_reach_the_cgroups(created, config, cgroups):
    config["linux"]["resources"] = {"pids": {"limit": 77}, "memory": {"limit": 64 << 20}}
    process = created()

    values = {
        file: (directory / file).read_text().strip()
        for directory in cgroups()
        for file in ("pids.max", "memory.limit_in_bytes", "memory.max")
        if (directory / file).exists()
    }
    assert values["pids.max"] == "77"
    assert str(64 << 20) in values.values()
    for directory in cgroups():
        assert process.name in (directory / "cgroup.procs").read_text().split()


def test_without_a_mount_namespace_delete_unmounts(config, make_bundle, launcher, tmp_path):
    """In a mount namespace of the test's own: the mounts are the runtime's caller's."""
    if not shutil.which("unshare"):
        pytest.skip("needs unshare(1)")
    config["linux"]["namespaces"] = [{"type": "pid"}]
    runtime = f"{launcher} --root {tmp_path}/root"
    script = f"""
        grep -c . /proc/self/mountinfo
        {runtime} create -b {make_bundle(config)} x >/dev/null </dev/null || exit 1
        grep -c . /proc/self/mountinfo
        {runtime} delete --force x
        grep -c . /proc/self/mountinfo
    """
    command = ["unshare", "-m", "sh", "-c", script]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    before, between, after = map(int, output.split())
    assert before == after < between


def test_features_say_what_is_implemented(runtime):
    features = json.loads(runtime("features").stdout)

    assert features["ociVersionMin"] == "1.0.0"
    assert features["ociVersionMax"] == "1.3.0"
    assert "rnoatime" in features["mountOptions"]
    assert features["linux"]["seccomp"]["enabled"] is True


def test_version(runtime):
    assert runtime("--version").stdout.splitlines()[1] == "spec: 1.3.0"


def test_without_a_terminal_to_give_create_errors(runtime, config, make_bundle):
    config["process"]["terminal"] = True

    result = runtime("create", "-b", str(make_bundle(config)), runtime.new_id())

    assert "--console-socket" in result.stderr
