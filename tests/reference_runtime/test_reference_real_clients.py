"""What clients were seen to need: tests/clients has them at work."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from reference_runtime import capabilities
from tests.reference_runtime.conftest import wait_for_exit


@pytest.fixture
def without_output(runtime):
    """Call the runtime as containerd's shim does for --null-io: /dev/null, for reading only."""

    def call(*words: str) -> None:
        with Path("/dev/null").open("rb") as null:
            process = subprocess.Popen(
                [runtime.launcher, "--root", runtime.root, *words],
                stdin=null,
                stdout=null,
                stderr=null,
            )
        wait_for_exit(process.pid)
        assert process.wait() == 0

    return call


def stdio(pid: int) -> list[tuple[bool, bool]]:
    """Of 0, 1 and 2: whether it is the /dev/null of the process, and open for writing."""
    own = Path(f"/proc/{pid}/root/dev/null").lstat()
    assert stat.S_ISCHR(own.st_mode)
    return [
        (
            os.path.samestat(Path(f"/proc/{pid}/fd/{fd}").stat(), own),
            bool(int(flags_of(pid, fd), 8) & os.O_RDWR),
        )
        for fd in (0, 1, 2)
    ]


def flags_of(pid: int, fd: int) -> str:
    text = Path(f"/proc/{pid}/fdinfo/{fd}").read_text()
    return next(line.split()[1] for line in text.splitlines() if line.startswith("flags:"))


def test_the_null_device_of_the_caller_becomes_the_containers(
    runtime, config, make_bundle, without_output, tmp_path
):
    identifier = runtime.new_id()
    without_output("create", "--bundle", str(make_bundle(config)), identifier)
    without_output("start", identifier)
    process = {"args": ["/program", "wait"], "cwd": "/", "user": {"uid": 0, "gid": 0}}
    (tmp_path / "process.json").write_text(json.dumps(process))
    words = ("--detach", "--pid-file", str(tmp_path / "pid"), "--process")
    without_output("exec", *words, str(tmp_path / "process.json"), identifier)

    assert stdio(runtime.state(identifier)["pid"]) == [(True, True)] * 3
    assert stdio(int((tmp_path / "pid").read_text())) == [(True, True)] * 3


def test_a_directory_is_no_program_and_is_not_permitted(runtime, config, make_bundle):
    config["process"]["args"] = ["/dev"]

    result = runtime("create", "--bundle", str(make_bundle(config)), runtime.new_id())

    assert 'exec: "/dev": permission denied: is a directory' in result.stderr


def test_capabilities_that_cannot_be_granted_are_one_warning_for_each_set():
    wanted = {
        "bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_NONE"],
        "permitted": ["CAP_CHOWN", "CAP_KILL"],
        "ambient": ["CAP_CHOWN", "CAP_KILL"],
    }

    warnings = capabilities.Capabilities(wanted, capabilities.mask("CHOWN")).warnings

    ungranted = "cannot be granted: not permitted and inheritable"
    assert warnings == [
        "process.capabilities.bounding: CAP_KILL cannot be granted: the runtime has not got it",
        "process.capabilities.bounding: CAP_NONE cannot be granted: unknown",
        "process.capabilities.permitted: CAP_KILL cannot be granted: the runtime has not got it",
        f"process.capabilities.ambient: CAP_CHOWN, CAP_KILL {ungranted}",
    ]
