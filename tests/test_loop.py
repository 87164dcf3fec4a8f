"""Loop devices of several runs at once."""

from __future__ import annotations

import os

import pytest

from harness import host, loop
from harness.faults import HarnessError

pytestmark = pytest.mark.skipif(
    bool(reason := host.real_root() or loop.lacking()), reason=reason or "there are loop devices"
)


def test_a_device_that_somebody_else_has_taken_meanwhile_is_left_to_him(tmp_path, monkeypatch):
    directories = [tmp_path / name for name in ("first", "second")]
    for directory in directories:
        directory.mkdir()
    with loop.device(directories[0], "first") as first:
        taken, free = os.minor(first.stat().st_rdev), loop._free
        answers = [taken, taken]
        monkeypatch.setattr(loop, "_free", lambda fd: answers.pop() if answers else free(fd))

        with loop.device(directories[1], "second") as second:
            assert (answers, second.stat().st_rdev == first.stat().st_rdev) == ([], False)

        assert b"first" in first.read_bytes()


def test_no_free_device_is_told_and_takes_nothing(tmp_path, monkeypatch):
    directories = [tmp_path / name for name in ("first", "second")]
    for directory in directories:
        directory.mkdir()
    with loop.device(directories[0], "first") as first:
        monkeypatch.setattr(loop, "_free", lambda _: os.minor(first.stat().st_rdev))

        with (
            pytest.raises(HarnessError, match="no loop device was free 20 times"),
            loop.device(directories[1], "second"),
        ):
            pass

        assert b"first" in first.read_bytes()
