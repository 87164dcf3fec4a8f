"""Programs that are started as another caller would start them."""

import fcntl
import os
from pathlib import Path

import pytest

from harness import door
from harness.caller import Caller


def said(caller: Caller, script: str, directory: Path) -> str:
    out = directory / "out"
    started = door.start(
        ["/bin/sh", "-c", script],
        stdout=out,
        stderr=directory / "err",
        deadline=10,
        stdin=caller.stdin,
        become=caller.become,
        descriptors=caller.descriptors,
        inherits=bool(caller.places),
    )
    assert started.finish().exit_status == 0
    return out.read_text().strip()


def test_a_caller_that_differs_in_nothing_need_not_be_become() -> None:
    assert not Caller().differs
    assert not Caller(stdin=Path("/dev/zero")).differs
    assert Caller(nice=0).differs


def test_umask_and_nice_are_inherited(tmp_path: Path) -> None:
    seen = said(Caller(umask=0o137, nice=os.nice(0) + 3), "umask; nice", tmp_path)

    assert seen.split() == ["0137", str(os.nice(0) + 3)]


def test_a_score_is_inherited(tmp_path: Path) -> None:
    assert said(Caller(oom_score_adj=321), "cat /proc/self/oom_score_adj", tmp_path) == "321"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")
def test_groups_and_lacking_capabilities_are_inherited(tmp_path: Path) -> None:
    caller = Caller(groups=[4242], lacks=["CAP_SYS_TIME"])

    seen = said(caller, "id -G; grep CapBnd /proc/self/status", tmp_path).split()

    assert "4242" in seen
    assert int(seen[-1], 16) >> 25 & 1 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")
def test_a_hidden_directory_is_empty_for_the_caller_alone(tmp_path: Path) -> None:
    (hidden := tmp_path / "hidden").mkdir()
    (hidden / "file").touch()

    assert not said(Caller(sees_no=[str(hidden)]), f"ls {hidden}", tmp_path)
    assert [path.name for path in hidden.iterdir()] == ["file"]


def test_descriptors_are_inherited(tmp_path: Path) -> None:
    (given := tmp_path / "given").write_text("text")
    fd = os.open(given, os.O_RDONLY)

    seen = said(Caller(descriptors=[fd]), f"cat /proc/self/fd/{fd}", tmp_path)

    os.close(fd)
    assert seen == "text"


def test_descriptors_are_where_they_are_to_be(tmp_path: Path) -> None:
    (given := tmp_path / "given").write_text("text")
    fd = fcntl.fcntl(os.open(given, os.O_RDONLY), fcntl.F_DUPFD_CLOEXEC, 100)

    seen = said(Caller(places={4: fd}), "cat /proc/self/fd/4; ls /proc/self/fd", tmp_path)

    os.close(fd)
    # 3 is the directory that ls reads.
    assert seen.removeprefix("text").split() == ["0", "1", "2", "3", "4"]


def test_a_caller_in_another_directory_or_environment_need_not_be_become() -> None:
    caller = Caller().having(directory=Path("/"), environment={})

    assert (caller.directory, caller.differs) == (Path("/"), False)
    assert caller.having(nice=0).differs


def test_the_harness_stays_as_it_is(tmp_path: Path) -> None:
    before = Path("/proc/self/oom_score_adj").read_text()

    said(Caller(umask=0o137, oom_score_adj=500), "true", tmp_path)

    assert Path("/proc/self/oom_score_adj").read_text() == before


def test_standard_input_is_opened_anew(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("given")

    assert said(Caller(stdin=tmp_path / "in"), "cat", tmp_path) == "given"


def test_a_caller_can_have_a_memory_policy(tmp_path: Path) -> None:
    # set_mempolicy(2) lasts over execve(2); numa_maps(5) tells the policy of a process.
    seen = said(Caller(memory_policy=2), "head -1 /proc/self/numa_maps", tmp_path)

    assert " bind:0 " in f"{seen} "
