"""What the probe says of the world around it, against the kernel's word."""

import os
import pty
import shutil
import socket
import subprocess
import termios
import time
from pathlib import Path
from typing import Any

import pytest

from harness.probe import parse
from tests.probe.conftest import NONCE, Facts, Say, device, names_in, needs_root, proc_status


def test_uts_is_that_of_uname(facts: Facts) -> None:
    name = os.uname()

    assert facts("uts") == {
        "hostname": name.nodename,
        "domainname": Path("/proc/sys/kernel/domainname").read_text().strip(),
        "machine": name.machine,
        "release": name.release,
    }


def test_namespaces_are_those_of_the_caller(facts: Facts) -> None:
    namespaces = facts("ns")

    assert {name for name, target in namespaces.items() if target is not None} == set(
        names_in(Path("/proc/self/ns"))
    )
    assert all(
        target == str(Path(f"/proc/self/ns/{name}").readlink())
        for name, target in namespaces.items()
        if target is not None
    )


def test_root_is_the_root_directory(facts: Facts) -> None:
    truth = Path("/").stat()

    assert facts("root") == {"dev": device(truth.st_dev), "ino": truth.st_ino}


@pytest.mark.parametrize("name", ["mountinfo", "cgroup"])
def test_texts_are_those_of_proc(facts: Facts, name: str) -> None:
    assert facts(name) == Path(f"/proc/self/{name}").read_text()


def test_status_is_that_of_the_probe(facts: Facts) -> None:
    assert "Name:\tprobe-" in facts("status")


def test_fds_are_the_open_descriptors_and_not_the_one_that_lists(
    facts: Facts, tmp_path: Path
) -> None:
    with (tmp_path / "file").open("wb") as file:
        number = file.fileno()
        fds = facts("fds", pass_fds=[number], stderr=subprocess.DEVNULL)

    assert fds.pop("1").startswith("pipe:[")
    assert fds == {"0": "/dev/null", "2": "/dev/null", str(number): str(tmp_path / "file")}


def test_dev_is_what_lstat_says(facts: Facts) -> None:
    nodes = facts("dev")

    assert list(nodes) == [
        "null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "fd",
        "stdin", "stdout", "stderr",
    ]  # fmt: skip
    for name, node in nodes.items():
        path = Path("/dev", name)
        if not os.path.lexists(path):
            assert node is None
            continue
        truth = path.lstat()
        target = {"target": str(path.readlink())} if path.is_symlink() else {}
        assert node == {
            "mode": truth.st_mode, "rdev": device(truth.st_rdev),
            "uid": truth.st_uid, "gid": truth.st_gid, **target,
        }  # fmt: skip


def test_net_is_the_list_of_interfaces(facts: Facts) -> None:
    assert sorted(facts("net")) == sorted(name for _, name in socket.if_nameindex())


@pytest.mark.parametrize(
    ("name", "clock"), [("boottime", time.CLOCK_BOOTTIME), ("monotonic", time.CLOCK_MONOTONIC)]
)
def test_time_is_that_of_the_clock(facts: Facts, name: str, clock: int) -> None:
    before = time.clock_gettime(clock)
    value = facts("time")[name]
    after = time.clock_gettime(clock)

    assert before <= value <= after


def test_apparmor_is_the_text_of_proc_or_null(facts: Facts) -> None:
    try:
        truth = Path("/proc/self/attr/current").read_text()
    except OSError:
        truth = None

    assert facts("apparmor") == truth


def test_tty_tells_terminals_and_their_size(facts: Facts) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (33, 101))

    assert facts("tty", stdin=theirs) == {
        "isatty": [True, False, os.isatty(2)], "winsize": [33, 101],
    }  # fmt: skip
    assert facts("tty", stderr=theirs) == {"isatty": [False, False, True], "winsize": None}
    os.close(ours)
    os.close(theirs)


def test_a_report_through_a_new_terminal_is_not_taken_as_controlling(
    say: Say,
) -> None:
    ours, theirs = pty.openpty()

    opened, controlling = say(
        f"open=rw:{os.ttyname(theirs)}", "open=rw:/dev/tty", start_new_session=True
    )

    assert (opened.data["errno"], controlling.data["errno"]) == (0, 6)
    os.close(ours)
    os.close(theirs)


@needs_root
def test_facts_without_proc_and_dev_are_null_where_nothing_else_can_tell(
    probe: Path, tmp_path: Path
) -> None:
    shutil.copy(probe, tmp_path / "probe")
    done = subprocess.run(
        ["/probe", f"nonce={NONCE}", "facts"], executable="/probe", stdout=subprocess.PIPE,
        preexec_fn=lambda: os.chroot(tmp_path), cwd=tmp_path, check=True,
    )  # fmt: skip

    (line,) = parse(done.stdout, NONCE)

    members: Any = line.data["facts"]
    unknown = {name for name, value in members.items() if value is None}
    assert unknown == {
        "exe", "oom_score_adj", "seccomp", "mountinfo", "cgroup", "status", "fds", "apparmor",
    }  # fmt: skip
    assert set(members["ns"].values()) == set(members["dev"].values()) == {None}
    assert members["caps"]["effective"] == proc_status("CapEff")
