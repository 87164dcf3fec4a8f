"""Opening a path inside the root while names change on the host."""

from __future__ import annotations

import errno

import pytest

from reference_runtime import rootfs, syscalls


def test_a_step_up_that_a_rename_disturbs_is_tried_again(monkeypatch):
    answers = iter([errno.EAGAIN] * 5)

    def disturbed(*_):
        for code in answers:
            raise OSError(code, "disturbed")
        return 7

    monkeypatch.setattr(syscalls, "openat2", disturbed)

    assert rootfs.open_in(3, "../file") == 7


def test_it_is_not_tried_for_ever(monkeypatch):
    def disturbed(*_):
        raise OSError(errno.EAGAIN, "disturbed")

    monkeypatch.setattr(syscalls, "openat2", disturbed)

    with pytest.raises(BlockingIOError):
        rootfs.open_in(3, "../file")
