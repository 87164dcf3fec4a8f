"""Clearing after a case: whatever appears while it goes on."""

from __future__ import annotations

import os
import subprocess

import pytest

from harness import door, host, world
from harness.journal import Journal
from harness.session import Session

pytestmark = pytest.mark.skipif(bool(reason := host.cgroups()), reason=reason)


def in_session(body):
    """Run ``body`` with a session, in a process of its own; whether it returned True."""

    def entered() -> int:
        session = Session.enter("/bin/true", 10.0, "1.0.0")
        try:
            return 0 if body(session) else 1
        finally:
            session.leave()

    _, status = os.waitpid(door.fork(entered), 0)
    return status == 0


def sleeper():
    """Start a process that does not end."""
    return subprocess.Popen(["/bin/sleep", "1000"])


def test_what_a_case_leaves_is_ended():
    def body(session):
        session.workspace.bundle("base", {})
        left = sleeper()
        session.workspace.clear(Journal())
        return left.poll() is not None

    assert in_session(body)


def test_what_appears_when_nothing_was_left_is_ended_too(monkeypatch):
    """What a shared container has left behind may fork at any time."""
    born: list[subprocess.Popen[bytes]] = []
    look = world.living

    def living():
        found = look()
        if len(born) == 1 and not any(process.pid == born[0].pid for process in found):
            born.append(sleeper())
        return found

    def body(session):
        session.workspace.bundle("base", {})
        born.append(sleeper())
        monkeypatch.setattr(world, "living", living)
        session.workspace.clear(Journal())
        return len(born) == 2 and born[1].poll() is not None

    assert in_session(body)
