"""The runtime called by an ordinary user: what it can do, and what it says where it cannot."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from reference_runtime import errors, id_maps
from tests.reference_runtime import ordinary
from tests.reference_runtime.conftest import Runtime, wait_for_exit
from tests.reference_runtime.ordinary import CALLER, UID

REMOUNT = ["remount", "bind", "ro"]
OWN_ROOT = Path(f"/tmp/reference-runtime-{UID}")  # noqa: S108
SUBORDINATE = 2_000_000_000  # IDs that nobody has


class Rootless(Runtime):
    """The launcher as an ordinary user calls it, from a cgroup that may be given."""

    def __init__(self, launcher, work):
        super().__init__(launcher, work)
        self.env = {}
        self.before = []  # words before those that make the caller an ordinary user
        self.inside = []  # words after them
        self.cgroup = None
        self.options = ["--root", str(self.root)]

    def start_process(self, *words, **options):
        def join():
            if self.cgroup and self.cgroup.exists():
                (self.cgroup / "cgroup.procs").write_text("0")

        with (self.work / "stdout").open("wb") as out, (self.work / "stderr").open("wb") as err:
            caller = [*self.before, shutil.which("setpriv"), *CALLER[1:], *self.inside]
            return subprocess.Popen(
                [*caller, self.launcher, *self.options, *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=self.env,
                **{"cwd": "/", **options},
                preexec_fn=join,  # noqa: PLW1509 (no threads here)
            )


@pytest.fixture
def place():
    """A directory of the user's that everybody can walk."""
    made = Path(tempfile.mkdtemp(prefix="reference-runtime-tests-", dir="/var/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def launcher():
    if os.geteuid() != 0:
        pytest.skip("needs root, to become an ordinary user")
    python = ordinary.interpreter()
    if not ordinary.can_make_user_namespaces():
        pytest.skip("needs user namespaces of ordinary users")
    directory = Path(tempfile.mkdtemp(prefix="reference-runtime-tests-", dir="/var/tmp"))
    directory.chmod(0o755)
    yield ordinary.install(directory, python)
    shutil.rmtree(directory)


@pytest.fixture
def runtime(place, launcher):
    work = place / "work"
    work.mkdir()
    made = Rootless(launcher, work)
    ordinary.own(work)
    yield made
    for identifier in made.ids:
        made("delete", "--force", identifier)
    with contextlib.suppress(OSError):
        OWN_ROOT.rmdir()


@pytest.fixture
def config(config):
    """A configuration for an ordinary user: one ID, no cgroup."""
    del config["linux"]["cgroupsPath"]
    config["linux"]["namespaces"].append({"type": "user"})
    for kind in ("uid", "gid"):
        row = {"containerID": 0, "hostID": UID, "size": 1}
        config["linux"][f"{kind}Mappings"] = [row]
    return config


@pytest.fixture
def make_bundle(program, place):
    def make(config, name="bundle"):
        bundle = place / name
        (bundle / "rootfs").mkdir(parents=True)
        shutil.copy(program, bundle / "rootfs/program")
        (bundle / "config.json").write_text(json.dumps(config))
        ordinary.own(bundle)
        return bundle

    return make


def init_file(runtime, identifier, name):
    return Path(f"/proc/{runtime.state(identifier)['pid']}/{name}")


def rows(runtime, identifier, kind):
    text = init_file(runtime, identifier, f"{kind}_map").read_text()
    return [[int(word) for word in line.split()] for line in text.splitlines()]


def mounted(runtime, identifier, destination):
    """Fields of mountinfo(5) of what is on top at the destination."""
    lines = init_file(runtime, identifier, "mountinfo").read_text().splitlines()
    found = [line.split() for line in lines if line.split()[4] == destination]
    assert found, f"nothing is mounted at {destination}"
    return found[-1]


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def refused(runtime, bundle):
    """The error line of a create that leaves nothing behind."""
    result = runtime("create", "-b", str(bundle), runtime.new_id())
    assert result.status == 1
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert not runtime.root.exists() or list(runtime.root.iterdir()) == []
    return result.stderr


class TestLifecycle:
    """Every operation, with one ID and no cgroup."""

    def test_a_whole_lifecycle(self, runtime, config, make_bundle):
        identifier = runtime.create(make_bundle(config))
        assert runtime.state(identifier)["status"] == "created"
        assert runtime("start", identifier).ok
        state = runtime.state(identifier)
        assert state["status"] == "running"
        listed = json.loads(runtime("list", "--format=json").stdout)
        assert [(entry["id"], entry["owner"]) for entry in listed] == [(identifier, str(UID))]

        runtime.stop(identifier)
        assert runtime("delete", identifier).ok

        assert not runtime.knows(identifier)
        assert list(runtime.root.iterdir()) == []

    @pytest.mark.parametrize("status", ["created", "running"])
    def test_exec_and_ps(self, runtime, config, make_bundle, status):
        identifier = runtime.create(make_bundle(config))
        if status == "running":
            assert runtime("start", identifier).ok
        process = runtime.work / "process.json"
        process.write_text(json.dumps(config["process"]))
        pid_file = runtime.work / "pid"

        result = runtime(
            "exec", "--detach", "--process", str(process), "--pid-file", str(pid_file), identifier
        )

        assert result.ok, result.stderr
        pids = json.loads(runtime("ps", "--format=json", identifier).stdout)
        assert sorted(pids) == sorted([runtime.state(identifier)["pid"], int(pid_file.read_text())])

    def test_exec_gives_the_exit_status(self, runtime, config, make_bundle):
        identifier = runtime.create(make_bundle(config))
        assert runtime("start", identifier).ok

        assert runtime("exec", identifier, "/program", "exit", "7").status == 7

    def test_kill_all_reaches_every_process_without_a_cgroup(self, runtime, config, make_bundle):
        identifier = runtime.create(make_bundle(config))
        assert runtime("start", identifier).ok
        pid_file = runtime.work / "pid"
        words = ["exec", "--detach", "--pid-file", str(pid_file), identifier, "/program", "wait"]
        assert runtime(*words).ok
        status = Path(f"/proc/{pid_file.read_text()}/stat")

        assert runtime("kill", "--all", identifier, "STOP").ok  # TERM would end init, and so all

        deadline = time.monotonic() + 10
        while status.read_text().rpartition(")")[2].split()[0] != "T":
            assert time.monotonic() < deadline

    def test_pause_without_a_freezer_says_so(self, runtime, config, make_bundle):
        identifier = runtime.create(make_bundle(config))

        result = runtime("pause", identifier)

        assert result.status == 1
        assert "no cgroup that can be frozen" in result.stderr

    def test_hooks_run_as_the_user(self, runtime, config, make_bundle):
        script = f"id -u > {runtime.work}/id"
        hook = {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/bin:/usr/bin"]}
        config["hooks"] = {"createRuntime": [hook]}

        runtime.create(make_bundle(config))

        assert (runtime.work / "id").read_text() == f"{UID}\n"

    def test_no_user_namespace_is_an_error(self, runtime, config, make_bundle):
        config["linux"]["namespaces"].remove({"type": "user"})
        for kind in ("uid", "gid"):
            del config["linux"][f"{kind}Mappings"]

        assert "linux.namespaces: an ordinary user needs" in refused(runtime, make_bundle(config))

    def test_root_of_a_user_namespace_is_rootless_too(self, runtime, config, make_bundle):
        """As podman calls it: in a namespace of podman's, and none is configured."""
        config["linux"]["namespaces"].remove({"type": "user"})
        for kind in ("uid", "gid"):
            del config["linux"][f"{kind}Mappings"]
        config["linux"]["resources"] = {"devices": [{"allow": False, "access": "rwm"}]}
        bundle = make_bundle(config)
        runtime.inside = [shutil.which("unshare"), "--user", "--map-root-user", "--mount"]

        identifier = runtime.create(bundle)

        runtime.inside = []
        assert runtime("start", identifier).ok
        assert stat.S_ISCHR(init_file(runtime, identifier, "root/dev/null").stat().st_mode)
        assert rows(runtime, identifier, "uid") == [[0, UID, 1]]


class TestMappings:
    """linux.uidMappings and linux.gidMappings."""

    def test_the_own_id_needs_no_helper(self, runtime, config, make_bundle):
        identifier = runtime.create(make_bundle(config))

        assert [rows(runtime, identifier, kind) for kind in ("uid", "gid")] == [[[0, UID, 1]]] * 2
        # Without it the kernel would have refused gid_map (user_namespaces(7)).
        status = init_file(runtime, identifier, "setgroups").read_text()
        assert status == "deny\n"

    def test_ranges_are_mapped_by_the_helpers(self, runtime, config, make_bundle, place):
        if not shutil.which("newuidmap"):
            pytest.skip("needs newuidmap and newgidmap")
        grant(runtime, place, f"{UID}:{SUBORDINATE}:65536\n")
        ranges(config)

        identifier = runtime.create(make_bundle(config))

        expected = [[0, UID, 1], [1, SUBORDINATE, 65536]]
        assert [rows(runtime, identifier, kind) for kind in ("uid", "gid")] == [expected] * 2
        assert init_file(runtime, identifier, "setgroups").read_text() == "allow\n"
        assert runtime("start", identifier).ok

    def test_a_root_that_is_not_the_user(self, runtime, config, make_bundle, place):
        """The runtime has to signal and wait for a process of another ID."""
        if not shutil.which("newuidmap"):
            pytest.skip("needs newuidmap and newgidmap")
        grant(runtime, place, f"{UID}:{SUBORDINATE}:65536\n")
        for kind in ("uid", "gid"):
            row = {"containerID": 0, "hostID": SUBORDINATE, "size": 10}
            config["linux"][f"{kind}Mappings"] = [row]

        bundle = make_bundle(config)
        for path in (bundle / "rootfs", bundle / "rootfs/program"):
            os.chown(path, SUBORDINATE, SUBORDINATE)

        identifier = runtime.create(bundle)
        assert runtime("start", identifier).ok
        assert init_file(runtime, identifier, "").stat().st_uid == SUBORDINATE

        assert runtime("exec", identifier, "/program", "exit", "3").status == 3
        runtime.stop(identifier)
        assert runtime("delete", identifier).ok

    def test_a_range_that_was_not_granted(self, runtime, config, make_bundle, place):
        if not shutil.which("newuidmap"):
            pytest.skip("needs newuidmap and newgidmap")
        grant(runtime, place, "")
        ranges(config)

        said = refused(runtime, make_bundle(config))

        assert "linux.gidMappings: newgidmap has failed: " in said

    def test_a_helper_that_is_not_installed(self, monkeypatch):
        monkeypatch.setattr(id_maps, "DIRECTORIES", ("/nonexistent",))

        with pytest.raises(errors.OperationError, match=r"newgidmap .*is not installed"):
            id_maps.find("newgidmap")


def grant(runtime, place, text):
    """Have the helpers find this in subuid(5) and subgid(5): in a mount namespace of the call's."""
    users = Path("/etc/passwd").read_text()
    texts = {
        "passwd": f"{users}ordinary:x:{UID}:{UID}::/:/bin/sh\n",
        "subuid": text,
        "subgid": text,
    }
    script = 'exec "$@"'
    for name, content in texts.items():
        if not Path("/etc", name).exists():
            pytest.skip(f"needs /etc/{name}")
        (place / name).write_text(content)
        script = f"mount --bind {place / name} /etc/{name}; {script}"
    runtime.before = ["unshare", "--mount", "--propagation=private", "sh", "-ec", script, "sh"]
    runtime.before[0] = shutil.which("unshare")
    runtime.env = {"LEAK": "1"}


def ranges(config):
    for kind in ("uid", "gid"):
        config["linux"][f"{kind}Mappings"] = [
            {"containerID": 0, "hostID": UID, "size": 1},
            {"containerID": 1, "hostID": SUBORDINATE, "size": 65536},
        ]


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


@pytest.fixture
def delegated():
    """A cgroup of version 2 that belongs to the user, who is in one below it."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    tops = [Path(point) for _, point, kind, *_ in mounts if kind == "cgroup2"]
    if not tops:
        pytest.skip("needs a mounted cgroup2")
    own = Path("/proc/self/cgroup").read_text().partition("0::/")[2].strip()
    made = tops[0] / own.lstrip("/") / f"reference-runtime-tests-rootless-{os.getpid()}"
    session = made / "session"
    session.mkdir(parents=True)
    for directory in (made, session):
        for path in (directory, directory / "cgroup.procs", directory / "cgroup.subtree_control"):
            os.chown(path, UID, UID)
    yield made
    for directory in (made / "reference-runtime", made / "chosen", session, made):
        if directory.exists():
            for pid in (directory / "cgroup.procs").read_text().split():
                pidfd = os.pidfd_open(int(pid))
                os.kill(int(pid), 9)
                wait_for_exit(pidfd=pidfd)
                os.close(pidfd)
            directory.rmdir()


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
