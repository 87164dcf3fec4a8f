"""What an ordinary user has of the host: cgroups, a place for the state, mounts, devices."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from tests.reference_runtime.ordinary import OWN_ROOT, UID
from tests.reference_runtime.rootless.looks import init_file, mounted, names, refused

REMOUNT = ["remount", "bind", "ro"]


class TestCgroups:
    """Used where one was delegated; done without where none is asked for."""

    @pytest.mark.parametrize(
        ("asked", "name"),
        [
            ({"resources": {"pids": {"limit": 5}}}, "linux.resources.pids: "),
            ({"resources": {"memory": {"limit": 1 << 26}}}, "linux.resources.memory: "),
            ({"cgroupsPath": "/reference-runtime-tests-rootless"}, "linux.cgroupsPath: "),
        ],
    )
    def test_what_is_asked_for_is_refused(self, runtime, config, make_bundle, asked, name):
        config["linux"].update(asked)

        said = refused(runtime, make_bundle(config))

        assert f"{name}no cgroup is delegated to this user" in said

    def test_device_rules_are_for_root_only(self, runtime, config, make_bundle):
        rules = [{"allow": False, "access": "rwm"}]
        config["linux"]["resources"] = {"devices": rules, "pids": {}}

        runtime.create(make_bundle(config))

    def test_a_delegated_cgroup_is_used(self, runtime, config, make_bundle, delegated):
        runtime.cgroup = delegated / "session"
        identifier = runtime.create(make_bundle(config))
        assert runtime("start", identifier).ok

        leaf = delegated / "reference-runtime" / identifier
        assert (leaf / "cgroup.procs").read_text() == f"{runtime.state(identifier)['pid']}\n"
        assert runtime("pause", identifier).ok
        assert runtime.state(identifier)["status"] == "paused"
        assert runtime("resume", identifier).ok
        assert runtime("exec", identifier, "/program", "exit", "7").status == 7
        runtime.stop(identifier)
        assert runtime("delete", identifier).ok
        assert not leaf.exists()

    def test_a_path_in_a_delegated_cgroup(self, runtime, config, make_bundle, delegated):
        runtime.cgroup = delegated / "session"
        top = next(p for p in delegated.parents if not (p.parent / "cgroup.procs").exists())
        config["linux"]["cgroupsPath"] = f"/{delegated.relative_to(top)}/chosen"

        identifier = runtime.create(make_bundle(config))

        pid = runtime.state(identifier)["pid"]
        assert (delegated / "chosen" / "cgroup.procs").read_text() == f"{pid}\n"


class TestStateRoot:
    """Where the state is without --root."""

    def test_below_the_runtime_directory(self, runtime, config, make_bundle):
        runtime.options = []
        runtime.env = {"XDG_RUNTIME_DIR": str(runtime.work)}

        identifier = runtime.create(make_bundle(config))

        assert (runtime.work / "reference-runtime" / identifier).is_dir()

    @pytest.mark.parametrize("value", ["", "relative", None])
    def test_without_one_in_a_directory_of_the_user(self, runtime, config, make_bundle, value):
        runtime.options = []
        runtime.env = {} if value is None else {"XDG_RUNTIME_DIR": value}
        path = OWN_ROOT
        identifier = runtime.create(make_bundle(config))

        assert (path / identifier).is_dir()
        assert (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) == (UID, 0o700)
        assert runtime("delete", "--force", identifier).ok

    @pytest.mark.parametrize("make", ["of-root", "writable", "link"])
    def test_not_in_what_somebody_else_has_put_there(self, runtime, make):
        runtime.options = []
        path = OWN_ROOT
        if make == "link":
            path.symlink_to(runtime.work)
        else:
            path.mkdir()
            if make == "writable":
                os.chown(path, UID, UID)
                path.chmod(0o777)
        try:
            result = runtime("list")
        finally:
            path.unlink() if make == "link" else path.rmdir()

        assert (result.status, result.stdout) == (1, "")
        assert f"{path} is not this user's own directory" in result.stderr


class TestEnvironment:
    """What an ordinary user mounts in place of what only root may."""

    def test_devices_are_the_hosts(self, runtime, config, make_bundle):
        identifier = runtime.create(make_bundle(config))

        assert mounted(runtime, identifier, "/dev/null")[3].endswith("/null")
        assert init_file(runtime, identifier, "root/dev/zero").stat().st_rdev == os.makedev(1, 5)

    def test_a_device_that_the_host_has_not(self, runtime, config, make_bundle):
        device = {"path": "/dev/no-such-device", "type": "c", "major": 1, "minor": 5}
        config["linux"]["devices"] = [device]

        assert "linux.devices[0] (/dev/no-such-device): " in refused(runtime, make_bundle(config))

    @pytest.mark.parametrize(("kind", "lacks"), [("sysfs", "network"), ("mqueue", "ipc")])
    def test_what_belongs_to_a_namespace_of_the_host_is_bound(
        self, runtime, config, make_bundle, kind, lacks
    ):
        path = {"sysfs": "/sys", "mqueue": "/dev/mqueue"}[kind]
        if not os.path.ismount(path):
            pytest.skip(f"needs {path} mounted")
        config["linux"]["namespaces"].remove({"type": lacks})
        options = ["nosuid", "noexec", "nodev", "ro"]
        config["mounts"].append(
            {"destination": path, "type": kind, "source": kind, "options": options}
        )

        identifier = runtime.create(make_bundle(config))

        found = mounted(runtime, identifier, path)
        assert {"ro", *options} <= set(found[5].split(","))
        assert (
            init_file(runtime, identifier, f"root{path}").stat().st_dev == Path(path).stat().st_dev
        )

    def test_a_terminal_group_that_is_not_mapped(self, runtime, config, make_bundle):
        options = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]
        config["mounts"].append(
            {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": options}
        )

        identifier = runtime.create(make_bundle(config))

        found = mounted(runtime, identifier, "/dev/pts")
        assert "devpts" in found
        assert not any(option.startswith("gid=") for option in found[-1].split(","))

    def test_a_remount_keeps_what_is_locked(self, runtime, config, make_bundle, place):
        source = place / "source"
        source.mkdir()
        config["mounts"] += [
            {"destination": "/mnt", "type": "none", "source": str(source), "options": ["bind"]},
            {"destination": "/mnt", "type": "none", "source": str(source), "options": REMOUNT},
        ]
        bundle = make_bundle(config)
        mount = f"mount -t tmpfs -o nosuid,nodev tmpfs {source}"
        runtime.before = [
            shutil.which("unshare"), "--mount", "--propagation=private",
            "sh", "-ec", f'{mount}; exec "$@"', "sh",
        ]  # fmt: skip
        runtime.env = {"PATH": os.environ["PATH"]}

        identifier = runtime.create(bundle)

        assert {"ro", "nosuid", "nodev"} <= set(mounted(runtime, identifier, "/mnt")[5].split(","))

    def test_the_cgroup_mount_shows_the_hosts(self, runtime, config, make_bundle):
        config["mounts"].append(
            {"destination": "/sys/fs/cgroup", "type": "cgroup", "options": ["ro"]}
        )

        identifier = runtime.create(make_bundle(config))

        found = init_file(runtime, identifier, "root/sys/fs/cgroup")
        assert names(found) == names(Path("/sys/fs/cgroup"))
        assert os.statvfs(found).f_flag & os.ST_RDONLY


class TestOomScore:
    """process.oomScoreAdj: everybody may raise it, only CAP_SYS_RESOURCE lower it (proc(5))."""

    def test_it_is_raised(self, runtime, config, make_bundle):
        config["process"]["oomScoreAdj"] = 321

        identifier = runtime.create(make_bundle(config))

        assert init_file(runtime, identifier, "oom_score_adj").read_text() == "321\n"

    def test_it_cannot_be_lowered(self, runtime, config, make_bundle):
        config["process"]["oomScoreAdj"] = -900

        assert "process.oomScoreAdj: permission denied" in refused(runtime, make_bundle(config))

    def test_unset_means_unchanged(self, runtime, config, make_bundle):
        identifier = runtime.create(make_bundle(config))

        own = Path("/proc/self/oom_score_adj").read_text()
        assert init_file(runtime, identifier, "oom_score_adj").read_text() == own
