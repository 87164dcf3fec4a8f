"""How often a runtime that does not end in time is called."""

from __future__ import annotations

import pytest

from harness.runtime import Patience


def exhausted_after(patience):
    """Let operations hang until none is tried any more; how many that were."""
    for count in range(100):
        if patience.exhausted:
            return count
        patience.note(hung=True)
    pytest.fail("it is called for ever")


def test_one_that_has_never_ended_in_time_is_called_three_times():
    assert exhausted_after(Patience()) == 3


def test_one_that_works_is_given_more_in_a_row():
    """Cases in which it hangs may come one after the other, in any order."""
    patience = Patience()
    patience.note(hung=False)
    assert exhausted_after(patience) == 10


def test_each_that_ends_in_time_begins_the_count_anew():
    patience = Patience()
    for _ in range(5):
        patience.note(hung=True)
        patience.note(hung=True)
        patience.note(hung=False)
    assert not patience.exhausted
    assert exhausted_after(patience) == 10
