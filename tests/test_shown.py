"""What somebody else said, and did not say."""

from __future__ import annotations

import pytest

from harness.faults import NotShown
from harness.shown import Shown
from harness.state import State


@pytest.mark.parametrize("said", [{}, {"mountinfo": None}], ids=["missing", "null"])
def test_what_was_not_said_is_not_shown(said):
    facts = Shown(said, "the facts", "start")

    with pytest.raises(NotShown, match="the facts show no mountinfo") as caught:
        facts["mountinfo"]

    assert caught.value.operation == "start"


def test_what_was_said_is_as_it_was_said():
    facts = Shown({"cwd": "/", "argv": [], "umask": 0}, "the facts", "start")

    assert (facts["cwd"], facts["argv"], facts["umask"]) == ("/", [], 0)
    assert facts == {"cwd": "/", "argv": [], "umask": 0}


@pytest.mark.parametrize("document", [{}, {"annotations": []}, {"annotations": {"b": "1"}}])
def test_an_annotation_that_the_state_has_not_got_is_not_shown(document):
    with pytest.raises(NotShown, match="the annotations of the state show no a"):
        State(document).annotations["a"]
