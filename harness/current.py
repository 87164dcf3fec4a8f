"""The session of this process: one sandbox around it, so one session in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.faults import HarnessError

if TYPE_CHECKING:
    from harness.session import Session

_current: list[Session] = []


def session() -> Session:
    """Return the session; HarnessError outside of a run."""
    if not _current:
        raise HarnessError("no session: cases run only under pytest with harness.plugin")
    return _current[-1]


def enter(session_: Session) -> None:
    """Make this the session of the process."""
    _current.append(session_)


def leave() -> Session | None:
    """Take the session back, None if there is none."""
    return _current.pop() if _current else None
