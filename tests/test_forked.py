"""A task whose process is killed, or does not end, is lost; the others are done."""

from __future__ import annotations

import os
import select
import signal
from functools import partial

import pytest

from tools import forked


def sets_out(directory, task):
    """Note that the task was begun."""
    (directory / f"{task}-{os.getpid()}").touch()


def dies(directory, task):
    sets_out(directory, task)
    if task == "bad":
        os.kill(os.getpid(), signal.SIGKILL)
    return f"{task} is done"


def dies_the_first_time(directory, task):
    sets_out(directory, task)
    if task == "bad" and len(list(directory.glob("bad-*"))) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return f"{task} is done"


def hangs(directory, task):
    sets_out(directory, task)
    if task == "bad":
        select.select([], [], [])
    return f"{task} is done"


def leaves_a_child_that_holds_the_pipe(directory, task):
    sets_out(directory, task)
    if task == "bad":
        if os.fork() == 0:
            (directory / f"child-{os.getpid()}").touch()
            signal.pause()
        os._exit(7)
    return f"{task} is done"


@pytest.fixture
def each(tmp_path):
    """Do three tasks; give what came of them, and how often the bad one was begun."""

    def go(act, seconds=60.0):
        found = list(forked.each(partial(act, tmp_path), ["one", "bad", "two"], 2, seconds))
        lost = [(one.task, one.why) for one in found if isinstance(one, forked.Lost)]
        done = {one for one in found if not isinstance(one, forked.Lost)}
        return done, lost, len(list(tmp_path.glob("bad-*")))

    return go


def test_a_task_whose_process_is_killed_is_lost(each):
    done, lost, times = each(dies)

    assert (done, times) == ({"one is done", "two is done"}, forked.TIMES)
    assert lost == [("bad", "its process ended with -9")]


def test_what_was_lost_is_done_once_more(each, capsys):
    done, lost, times = each(dies_the_first_time)

    assert (done, lost, times) == ({"one is done", "bad is done", "two is done"}, [], 2)
    assert capsys.readouterr().err == "bad: its process ended with -9; it is done once more\n"


def test_a_task_that_takes_too_long_is_lost_and_ended(each, tmp_path):
    done, lost, _ = each(hangs, seconds=1.0)

    assert done == {"one is done", "two is done"}
    assert lost == [("bad", "took more than 1 s")]
    pids = [int(path.name.partition("-")[2]) for path in tmp_path.glob("bad-*")]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_child_that_holds_the_pipe_holds_up_nobody(each, tmp_path):
    done, lost, _ = each(leaves_a_child_that_holds_the_pipe)
    for child in tmp_path.glob("child-*"):
        os.kill(int(child.name.removeprefix("child-")), signal.SIGTERM)

    assert done == {"one is done", "two is done"}
    assert lost == [("bad", "its process ended with 7")]
