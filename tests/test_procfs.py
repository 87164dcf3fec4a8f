"""Processes of the host, as /proc lists them."""

from __future__ import annotations

import itertools
import subprocess
import sys

from harness import procfs


def test_a_process_that_one_reading_lacks_is_found(monkeypatch):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as started:
        children, is_later = procfs.children, itertools.count()
        monkeypatch.setattr(procfs, "children", lambda p: children(p) if next(is_later) else [])

        found = procfs.descendants()

        started.communicate(b"\n")
    assert started.pid in found


def test_readings_that_never_agree_end(monkeypatch):
    numbers = itertools.count(-1, -1)
    monkeypatch.setattr(procfs, "children", lambda pid: [next(numbers)] if pid > 0 else [])

    assert len(procfs.descendants()) == 1
