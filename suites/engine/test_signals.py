"""Signals as the program finds them."""

import pytest

from harness import clause

NONE = "0" * 16


@clause("engine.signals.none-{kind}")
@pytest.mark.parametrize("kind", ["ignored", "blocked"])
def test_leaves_no_signal_ignored_or_blocked(create, kind):
    assert create("waits").start().facts["signals"][kind] == NONE


@clause("engine.signals.exec-none-{kind}")
@pytest.mark.parametrize("kind", ["ignored", "blocked"])
def test_leaves_none_ignored_or_blocked_in_exec(waiting, engine, kind):
    assert engine.exec(waiting, "facts").facts["signals"][kind] == NONE
