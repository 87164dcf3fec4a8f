"""Bundles, and the reference runtime run as the program that it is."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import select
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
CGROUP = f"/reference-runtime-tests-{os.getpid()}"  # workers of xdist share the hierarchies
DEADLINE = 10  # seconds for anything that is waited for


def let_strangers_through(path: Path) -> None:
    """Let everybody pass to ``path``, up to the directory of temporary files, which is not ours."""
    for directory in (path, *path.parents):
        if Path(tempfile.gettempdir()) in directory.parents:
            directory.chmod(directory.stat().st_mode | 0o055)


class Result:
    """What one call of the runtime gave."""

    def __init__(self, status: int, stdout: str, stderr: str) -> None:
        self.status = status
        self.stdout = stdout
        self.stderr = stderr

    @property
    def ok(self) -> bool:
        """Whether the exit status was 0."""
        return self.status == 0


class Runtime:
    """The launcher, with a root of its own; output goes to files, as containers inherit it."""

    def __init__(self, launcher: Path, work: Path) -> None:
        self.launcher = launcher
        self.root = work / "root"
        self.work = work
        self.ids: list[str] = []

    def start_process(self, *words: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start one call; stdout and stderr are files of the test."""
        options = {"stdin": subprocess.DEVNULL, "env": {"LEAK": "1"}, **options}
        with (self.work / "stdout").open("wb") as out, (self.work / "stderr").open("wb") as err:
            return subprocess.Popen(
                [self.launcher, "--root", self.root, *words],
                stdout=out,
                stderr=err,
                **options,
            )

    def __call__(self, *words: str, **options: Any) -> Result:
        process = self.start_process(*words, **options)
        wait_for_exit(process.pid)
        return Result(
            process.wait(),
            (self.work / "stdout").read_text(),
            (self.work / "stderr").read_text(),
        )

    def create(self, bundle: Path, *options: str) -> str:
        """Create a container that the fixture will remove, and return its ID."""
        identifier = self.new_id()
        result = self("create", "--bundle", str(bundle), *options, identifier)
        assert result.ok, result.stderr
        return identifier

    def new_id(self) -> str:
        """Return an ID that the fixture will remove a container of."""
        self.ids.append(f"t{uuid.uuid4().hex[:12]}")
        return self.ids[-1]

    def state(self, identifier: str) -> dict[str, Any]:
        """Query the state, which has to work."""
        result = self("state", identifier)
        assert result.ok, result.stderr
        state: dict[str, Any] = json.loads(result.stdout)
        return state

    def knows(self, identifier: str) -> bool:
        """Say whether a container has the ID."""
        return self("state", identifier).ok

    def stop(self, identifier: str) -> None:
        """Kill the container process and wait until it is gone."""
        pid = self.state(identifier)["pid"]
        pidfd = os.pidfd_open(pid)
        assert self("kill", identifier, "KILL").ok
        wait_for_exit(pidfd=pidfd)
        os.close(pidfd)


def wait_for_exit(pid: int = 0, *, pidfd: int = -1) -> None:
    """Wait until a process has ended, by its pidfd."""
    fd = pidfd if pidfd >= 0 else os.pidfd_open(pid)
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    assert poll.poll(DEADLINE * 1000), "the process has not ended in time"
    if fd != pidfd:
        os.close(fd)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The static program of all containers."""
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("needs a C compiler named cc")
    path = tmp_path_factory.mktemp("program") / "program"
    subprocess.run([compiler, "-static", "-O1", "-o", path, HERE / "program.c"], check=True)
    return path


@pytest.fixture(scope="session")
def filtered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of containers behind seccomp filters."""
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("needs a C compiler named cc")
    path = tmp_path_factory.mktemp("filtered") / "filtered"
    source = Path(__file__).parent / "filtered.c"
    options = ["-O1", "-nostdlib", "-static", "-fno-stack-protector", "-fcf-protection=none"]
    if platform.machine() != "x86_64":
        options.pop()
    subprocess.run([compiler, *options, "-o", path, source], check=True)
    return path


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("launcher") / "reference-runtime"
    command = [sys.executable, "-m", "reference_runtime.install", str(path)]
    subprocess.run(command, check=True, cwd=HERE.parents[1])
    return path


@pytest.fixture
def runtime(launcher: Path, tmp_path: Path):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    runtime = Runtime(launcher, tmp_path)
    yield runtime
    for identifier in runtime.ids:
        runtime("delete", "--force", identifier)
    for parent in Path("/sys/fs/cgroup").glob(f"*{CGROUP}"):
        with contextlib.suppress(OSError):
            parent.rmdir()  # the first container of a test made it, but was not the last to go


@pytest.fixture
def mount_namespace(runtime, launcher, tmp_path):
    """A mount namespace in which the runtime runs from now on; gives the pid that is in it."""
    for name in ("unshare", "nsenter"):
        if shutil.which(name) is None:
            pytest.skip(f"needs {name}")
    words = ["unshare", "--mount", "--propagation=private", "sh", "-c", "echo; read end"]
    holder = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    inside = tmp_path / "inside"
    enter = f"{shutil.which('nsenter')} --mount=/proc/{holder.pid}/ns/mnt"
    inside.write_text(f'#!/bin/sh\nexec {enter} {launcher} "$@"\n')
    inside.chmod(0o755)
    runtime.launcher = inside
    yield holder.pid
    for identifier in runtime.ids:
        runtime("delete", "--force", identifier)
    runtime.launcher = launcher
    holder.communicate()


@pytest.fixture
def config() -> dict[str, Any]:
    """A configuration that every test may change before it makes the bundle."""
    return {
        "ociVersion": "1.3.0",
        "root": {"path": "rootfs"},
        "process": {
            "cwd": "/",
            "args": ["/program", "wait"],
            "env": ["A=1", "PATH=/"],
            "user": {"uid": 0, "gid": 0},
        },
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
        ],
        "linux": {
            "namespaces": [{"type": kind} for kind in ("pid", "mount", "uts", "ipc", "network")],
            "cgroupsPath": f"{CGROUP}/{uuid.uuid4().hex}",
        },
    }


@pytest.fixture
def make_bundle(program: Path, tmp_path: Path):
    def make(config: dict[str, Any] | str, name: str = "bundle") -> Path:
        bundle = tmp_path / name
        (bundle / "rootfs").mkdir(parents=True)
        shutil.copy(program, bundle / "rootfs/program")
        text = config if isinstance(config, str) else json.dumps(config)
        (bundle / "config.json").write_text(text)
        return bundle

    return make


@pytest.fixture
def cgroups(config: dict[str, Any]):
    """The directories that exist at the configuration's cgroupsPath, in all hierarchies."""

    def existing() -> list[Path]:
        path = config["linux"]["cgroupsPath"].lstrip("/")
        mounted = [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir()]
        return [top / path for top in mounted if (top / path).is_dir()]

    return existing


@pytest.fixture
def log(tmp_path: Path, config: dict[str, Any], program: Path):
    """A file to which hooks and programs append, on the host and in the container."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    mount = {"destination": "/shared", "type": "none", "source": str(shared), "options": ["bind"]}
    config["mounts"].append(mount)
    return Log(shared, program)


class Log:
    """What hooks have written, and hooks that write."""

    def __init__(self, directory: Path, program: Path) -> None:
        self.directory = directory
        self.program = program

    @property
    def words(self) -> list[str]:
        """What was appended so far."""
        path = self.directory / "log"
        return path.read_text().split() if path.exists() else []

    def hook(self, word: str, status: int = 0, *, inside: bool = False) -> dict[str, Any]:
        """A hook that appends a word and exits with a status."""
        path, directory = ("/program", "/shared") if inside else (self.program, self.directory)
        args = ["hook", "append", f"{directory}/log", f"{word} ", str(status)]
        return {"path": str(path), "args": args}

    def state_hook(self, name: str) -> dict[str, Any]:
        """A hook on the host that keeps its stdin."""
        path = self.directory / name
        return {"path": "/bin/sh", "args": ["sh", "-c", f"cat > {path}"], "env": ["PATH=/bin"]}

    def state(self, name: str) -> dict[str, Any]:
        """What a state_hook was given."""
        state: dict[str, Any] = json.loads((self.directory / name).read_text())
        return state


@pytest.fixture
def running(runtime, config, make_bundle):
    """A container that runs until a signal comes."""
    identifier = runtime.create(make_bundle(config))
    assert runtime("start", identifier).ok
    return identifier


@pytest.fixture
def proc(runtime):
    """The /proc directory of the container process."""
    return lambda identifier: Path(f"/proc/{runtime.state(identifier)['pid']}")


@pytest.fixture
def reachable(config, make_bundle, program):
    """A bundle whose root a user namespace can reach: pytest's directories are root's alone."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        root.chmod(0o755)
        shutil.copy(program, root / "program")
        config["root"]["path"] = directory
        yield lambda: make_bundle(config)


@pytest.fixture
def mounted(runtime, config, reachable):
    """Create a container with one more mount; return how its init sees its root."""

    def create(**entry: Any) -> Path:
        config["mounts"].append({"destination": "/data", **entry})
        pid = runtime.state(runtime.create(reachable()))["pid"]
        return Path(f"/proc/{pid}/root")

    return create
