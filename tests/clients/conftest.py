"""Clients of container runtimes, each driven by a table with runc and with the reference runtime.

A row of a table is a list of steps, each what a user would type into a shell: ``podman``, ``ctr``
and ``buildah`` are scripts there that add where all is kept and which runtime is to be used.
Everything happens in the suite's sandbox; what clients write below COVERED goes to its tmpfs.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import socket
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest

from harness import door, linux, procfs, world
from harness.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[2]
LAUNCHER = ROOT / ".venv/bin/reference-runtime"
PROGRAMS = ("podman", "conmon", "containerd", "ctr", "buildah", "runc", "busybox")
DEADLINE = 60.0  # seconds for one step, on two busy cores
SECONDS_TO_END = 10.0  # for what a client leaves to others: conmon's clean-up, a shim

COVERED = ("/etc", "/tmp", "/var/lib", "/var/tmp", "/run")
MS_SHARED = 0x100000
IMAGE = "localhost/busy:1"

CONTAINERS_CONF = """\
[containers]
# podman's own are more than a process without CAP_SYS_RESOURCE can give
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
netns = "none"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
# a runtime with a name that is not here gets no --log
runtime_supports_json = ["runc", "reference-runtime"]
"""

CONTAINERD_CONF = """\
version = 2
root = "{work}/containerd"
state = "{work}/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{work}/containerd.sock"
[ttrpc]
address = "{work}/containerd.sock.ttrpc"
"""

SCRIPTS = {
    "podman": """\
exec {program} --root {work}/store --runroot {work}/runroot --tmpdir {work}/libpod \
  --storage-driver overlay --cgroup-manager cgroupfs --runtime {runtime} "$@"
""",
    "ctr": """\
[ "$1" != run ] || {{ shift; set -- run --runc-binary {runtime} "$@"; }}
exec {program} --connect-timeout 2s --address {work}/containerd.sock "$@"
""",
    "buildah": """\
operation=$1
shift
case $operation in run | bud) set -- --isolation oci --network none --runtime {runtime} "$@" ;; esac
exec {program} --root {work}/store --runroot {work}/runroot --storage-driver overlay \
  "$operation" "$@"
""",
}

# After a row that went wrong: the next one begins with nothing.
CLEAR = (
    "podman pod rm -af -t0",
    "podman rm -af -t0",
    "buildah rm --all",
    "find /sys/fs/cgroup/*/there -depth -type d -exec rmdir {} +",
    "for i in $(ctr container ls -q); do ctr task delete -f $i; ctr container delete $i; done",
)

# What the two runtimes may word differently, or what differs from run to run.
ALIKE = (
    (r"(?m)^reference-runtime: warning: .*\n", ""),  # which newer versions of runc give as well
    (r"\b[0-9a-f]{64}\b", "ID"),
    (r"\b[0-9a-f]{11,12}\b", "SHORT-ID"),
    (r'time="[^"]*"', "TIME"),
    (r"(?m)^(Error: )\S*(runc|reference-runtime): .*?((: OCI [^:]*)?)$", r"\1RUNTIME\3"),
    (r"(?m)^(Error: OCI runtime error: ).*$", r"\1RUNTIME"),
    (r"(?s)(from )\S+( creating container for \S+: ).*?(\s: exit status)", r"\1RUNTIME\2\3"),
    (r"(?m)(OCI runtime \w+ failed: ).*(: [a-z ]+)$", r"\1RUNTIME\2"),
)

# status, command line, what it has to say, what is typed once it says "ready" on a terminal
Step = tuple[int, str] | tuple[int, str, str] | tuple[int, str, str, str]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a step printed, and its exit status."""

    line: str
    status: int
    stdout: str
    stderr: str
    said: str = dataclasses.field(compare=False)
    """Both, with the runtime's own words."""


class Place:
    """The sandbox, what clients find in it, and what they have left."""

    def __init__(self) -> None:
        self.sandbox = Sandbox.enter()
        linux.unshare(linux.CLONE_NEWNET | linux.CLONE_NEWIPC)
        self.work = self.sandbox.work
        self._cover()
        for name in ("shared", "home", "scripts"):
            (self.work / name).mkdir()
        linux.mount("tmpfs", str(self.work / "shared"), "tmpfs")
        linux.mount("none", str(self.work / "shared"), None, MS_SHARED)  # for rslave
        (self.work / "containers.conf").write_text(CONTAINERS_CONF)
        (self.work / "containers.conf").chmod(0o644)  # for the rootless
        (self.work / "containerd.toml").write_text(CONTAINERD_CONF.format(work=self.work))
        self.image = make_image(self.work)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)  # as systemd has one
        self.notify.bind(str(self.work / "notify"))
        self.daemons: list[door.Started] = []

    def _cover(self) -> None:
        """Have what is written below COVERED go to the tmpfs: what is there stays visible."""
        work = os.open(self.work, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        for path in COVERED:
            upper, workdir = (self.work / kind / path[1:] for kind in ("upper", "overlay"))
            upper.mkdir(parents=True)
            upper.chmod(Path(path).stat().st_mode)
            workdir.mkdir(parents=True)
            data = f"lowerdir={path},upperdir={upper},workdir={workdir}"
            linux.mount("overlay", path, "overlay", data=data)
        linux.mount(f"/proc/self/fd/{work}", str(self.work), None, linux.MS_BIND)
        os.close(work)

    def shell(self, name: str, runtime: Path, programs: Mapping[str, str] = SCRIPTS) -> Shell:
        """Return a shell in which clients use this runtime."""
        scripts = self.work / "scripts" / name
        scripts.mkdir(exist_ok=True)
        for program, text in programs.items():
            path = shutil.which(program)
            words = {"program": path, "runtime": runtime, "work": self.work}
            (scripts / program).write_text("#!/bin/sh\n" + text.format(**words))
            (scripts / program).chmod(0o755)
        return Shell(self.work, name, scripts)

    def start(self, *argv: str) -> None:
        """Start a daemon, which ends with the place."""
        log = self.work / f"{argv[0]}.log"
        self.daemons.append(door.start(argv, stdout=log, stderr=log, deadline=0))

    def look(self) -> world.World:
        """Look at the world, and at the files that were made on the host's directories."""
        seen = world.look(self.sandbox.cgroup_roots)
        store = f" {self.work}/store/overlay "  # podman mounts it anew whenever it is not
        mounts = frozenset(mount for mount in seen.mounts if store not in mount)
        upper = self.work / "upper"
        names = frozenset(
            str(path.relative_to(upper))
            for path in upper.rglob("*")
            # of a working tree below COVERED: Python's caches are no leftovers of clients
            if (path.is_file() or path.is_symlink()) and path.parent.name != "__pycache__"
        )
        return dataclasses.replace(seen, mounts=mounts, files=names)

    def leave(self) -> list[str]:
        """End the daemons and the sandbox; return what stays."""
        for daemon in self.daemons:
            daemon.finish()  # by SIGKILL: there is nothing left to be finished
        for pid in procfs.children(os.getpid()):
            procfs.reap(pid)
        for path in (str(self.work), *reversed(COVERED)):
            linux.umount2(path, linux.MNT_DETACH)
        return self.sandbox.leave()


class Shell:
    """A shell in which the clients use one runtime."""

    def __init__(self, work: Path, name: str, scripts: Path) -> None:
        self.work = work
        self.name = name
        self.environment = {
            "PATH": f"{scripts}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(work / "home"),
            "CONTAINERS_CONF": str(work / "containers.conf"),
            "TERM": "dumb",
            "image": IMAGE,
            "shared": str(work / "shared"),
            "rootfs": str(work / "rootfs"),
            "notify": str(work / "notify"),
        }

    def perform(self, steps: Sequence[Step]) -> list[Outcome]:
        """Perform the steps, which have to come out as the row says."""
        for path in (self.work / "shared").iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        os.mkfifo(self.work / "shared/fifo")
        return [self._perform(*step) for step in steps]

    def _perform(self, status: int, line: str, says: str = "", typed: str | None = None) -> Outcome:
        outcome = self.run(line) if typed is None else self.type(line, typed)
        told = f"with {self.name}: {line}\n{outcome.said}"
        assert outcome.status == status, told
        assert says in outcome.said, told
        return outcome

    def run(self, line: str) -> Outcome:
        """Run a command line; its output goes to files, which a container may inherit."""
        stdout, stderr = self.work / "stdout", self.work / "stderr"
        for path in (stdout, stderr):
            path.unlink(missing_ok=True)
        done = door.run(
            ["sh", "-c", line],
            stdout=stdout,
            stderr=stderr,
            deadline=DEADLINE,
            cwd=self.work,
            env=self.environment,
        )
        said = [path.read_text(errors="replace") for path in (stdout, stderr)]
        assert not done.hung, f"with {self.name}, after {DEADLINE:g} s: {line}\n{said}"
        status = done.exit_status if done.exit_status is not None else -(done.signal or 0)
        return Outcome(line, status, alike(said[0]), alike(said[1]), "".join(said))

    def type(self, line: str, typed: str) -> Outcome:
        """Run a command line on a terminal, type when it is ready, read until its end."""
        terminal = pexpect.spawn(
            "sh",
            ["-c", line],
            env=self.environment,
            cwd=str(self.work),
            timeout=DEADLINE,
            dimensions=(33, 101),
            encoding="utf-8",
        )
        terminal.delaybeforesend = None
        terminal.expect_exact("ready")
        terminal.sendline(typed)
        terminal.expect(pexpect.EOF)
        terminal.wait()
        output = (terminal.before or "").replace("\r", "")
        terminal.close()
        status = -1 if terminal.exitstatus is None else terminal.exitstatus
        return Outcome(line, status, alike(output), "", output)


def alike(output: str) -> str:
    """Return the output without what differs from run to run, or is the runtime's wording."""
    for pattern, replacement in ALIKE:
        output = re.sub(pattern, replacement, output)
    return output


def make_image(work: Path) -> Path:
    """Make the archive of a root file system: busybox, and what the host has it linked with."""
    rootfs = work / "rootfs"
    for name in ("bin", "dev", "etc", "proc", "run", "sys", "tmp", "var"):
        (rootfs / name).mkdir(parents=True)
    (rootfs / "tmp").chmod(0o1777)
    busybox = shutil.which("busybox") or ""
    linked = subprocess.run(["ldd", busybox], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"/\S+", linked):
        (rootfs / library[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, rootfs / library[1:])
    shutil.copy(busybox, rootfs / "bin/busybox")
    for applet in door.output([busybox, "--list"]).split():
        if applet != "busybox":
            (rootfs / "bin" / applet).symlink_to("busybox")
    (rootfs / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n")
    (rootfs / "etc/group").write_text("root:x:0:\nuser:x:1000:\nextra:x:2000:user\n")
    archive = work / "busy.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(rootfs, "/")
    archive.chmod(0o644)
    return archive


@pytest.fixture(scope="session")
def place():
    if os.geteuid() != 0:
        pytest.skip("needs root")
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: make test-clients installs them")
    place = Place()
    yield place
    assert place.leave() == []


@pytest.fixture(scope="session")
def shells(place):
    """A shell for each runtime; the image is there."""
    shells = [
        place.shell("runc", Path(shutil.which("runc") or "")),
        place.shell("reference-runtime", LAUNCHER),
    ]
    shells[0].perform([(0, f"podman import {place.image} $image")])
    shells[0].perform([(0, "podman run --rm $image true")])  # it makes cgroups that stay
    return shells


@pytest.fixture
def alone(place, shells):
    """Perform a row with one runtime, by default the reference runtime: nothing is left of it."""

    def perform(steps: Sequence[Step], shell: Shell = shells[-1]) -> list[Outcome]:
        there = place.look()
        try:
            outcomes = shell.perform(steps)
            left = world.changes(place.look, there, SECONDS_TO_END)
            assert left == [], f"with {shell.name}"
        except BaseException:
            for line in CLEAR:
                shell.run(line)
            world.survivors(there, SECONDS_TO_END)
            raise
        return outcomes

    return perform


@pytest.fixture
def compare(shells, alone):
    """Perform a row with both runtimes: both do what it says, and the clients say the same."""

    def compare(steps: Sequence[Step]) -> None:
        for expected, found in zip(*(alone(steps, shell) for shell in shells), strict=True):
            assert found == expected

    return compare


@pytest.fixture(scope="session")
def containerd(place, shells):
    """The daemon that ctr talks to, with the image."""
    place.start("containerd", "--config", str(place.work / "containerd.toml"))
    archive = place.work / "oci.tar"
    shells[0].perform(
        [
            (0, f"podman save --quiet --format oci-archive -o {archive} $image"),
            (0, f"ctr images import {archive}"),
            (0, "ctr run --rm $image c true"),  # it makes cgroups that stay
        ]
    )
