"""System calls by a second thread, and through the entry for 32-bit programs."""

import os
import platform

import pytest

from harness import kernel
from tests.probe.conftest import Say, Trial

GETPPID = {"x86_64": 110}.get(platform.machine(), 173)
I386_GETPPID, I386_NOSUCH = 64, 9999


def test_a_thread_makes_the_call_with_its_arguments(trial: Trial) -> None:
    assert trial("thread=sched_get_priority_max,1") == {
        "call": "thread", "path": "sched_get_priority_max,1",
        "nr": {"x86_64": 146}.get(platform.machine(), 125), "errno": 0, "result": 99,
    }  # fmt: skip
    assert trial(f"thread={GETPPID}")["result"] == os.getpid()


def test_a_thread_reports_what_the_call_says(trial: Trial) -> None:
    assert trial("thread=sched_get_priority_max,99")["errno"] == 22


def test_a_call_that_ends_the_thread_has_no_result_and_the_script_goes_on(say: Say) -> None:
    number = {"x86_64": 60}.get(platform.machine(), 93)

    tried, on = say(f"thread={number},5", "say=on")

    assert (tried.data["errno"], tried.data["result"], on.event) == (None, None, "on")


def test_threads_come_one_after_another(say: Say) -> None:
    results = [line.data["result"] for line in say(*["thread=sched_get_priority_max,1"] * 50)]

    assert results == [99] * 50


@pytest.mark.skipif(bool(kernel.ia32_emulation()), reason="no calls of i386")
def test_int80_makes_calls_of_i386(trial: Trial) -> None:
    assert trial(f"int80={I386_GETPPID}") == {
        "call": "int80", "path": str(I386_GETPPID),
        "nr": I386_GETPPID, "errno": 0, "result": os.getpid(),
    }  # fmt: skip
    assert trial(f"int80={I386_NOSUCH}")["errno"] == 38


@pytest.mark.parametrize("word", ["thread=", "thread=x", "int80=", "int80=times"])
def test_what_cannot_be_understood_is_exit_98(say: Say, word: str) -> None:
    (line,) = say(word, status=98)

    assert line.event == "error"
