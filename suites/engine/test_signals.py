"""Signals as the program finds them."""

import re
import signal
from pathlib import Path

import pytest

from harness import clause

FIELDS = {"ignored": "SigIgn", "blocked": "SigBlk"}
RESET = (signal.SIGPIPE, signal.SIGXFSZ)
"""That Python ignores, and has at their defaults in what it starts."""


def beyond_the_callers(kind, facts):
    """Return the mask of signals that the program ignores or blocks and the runtime's caller not.

    What was started by nohup(1), or in the background of a shell, ignores some.
    """
    status = Path("/proc/self/status").read_text()
    (text,) = re.findall(rf"{FIELDS[kind]}:\t(\w+)", status)
    own = int(text, 16) & ~sum(1 << number - 1 for number in RESET)
    return int(facts["signals"][kind], 16) & ~own


@clause("engine.signals.none-{kind}")
@pytest.mark.parametrize("kind", ["ignored", "blocked"])
def test_leaves_no_signal_ignored_or_blocked(create, kind):
    assert beyond_the_callers(kind, create("waits").start().facts) == 0


@clause("engine.signals.exec-none-{kind}")
@pytest.mark.parametrize("kind", ["ignored", "blocked"])
def test_leaves_none_ignored_or_blocked_in_exec(waiting, engine, kind):
    assert beyond_the_callers(kind, engine.exec(waiting, "facts").facts) == 0
