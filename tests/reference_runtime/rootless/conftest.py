"""An ordinary user's calls of the reference runtime."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.reference_runtime import ordinary
from tests.reference_runtime.conftest import Runtime, wait_for_exit
from tests.reference_runtime.ordinary import CALLER, OWN_ROOT, UID


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
