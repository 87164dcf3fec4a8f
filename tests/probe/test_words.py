"""The words that make the probe do something: signals, waiting, children, its exit."""

import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from harness.probe import Line
from tests.probe.conftest import PATIENCE, Say, Start, limited


def test_stdin_is_read_to_its_end(say: Say) -> None:
    text = os.urandom(8).hex() * (300_000 // 16)

    (line,) = say("stdin", stdin=None, input=text.encode())

    assert line.data == {"text": text, "bytes": 300_000, "errno": 0}


def test_stdin_that_is_a_directory_is_an_errno(say: Say) -> None:
    fd = os.open("/", os.O_RDONLY)
    (line,) = say("stdin", stdin=fd)
    os.close(fd)

    assert line.data == {"text": "", "bytes": 0, "errno": 21}


@pytest.mark.parametrize("number", [1, 10, 15, 28, 32, 33, 34, 37, 64])
def test_a_caught_signal_is_reported_with_code_and_sender(live: Start, number: int) -> None:
    run = live("catch", "say=ready", f"until={number}", "say=on")
    assert run.line().event == "ready"

    os.kill(run.process.pid, number)

    assert run.line() == Line("signal", "", {"signal": number, "code": 0, "sender": os.getpid()})
    assert run.line().event == "on"
    assert run.ended() == 0


def test_every_catchable_signal_is_caught(say: Say) -> None:
    catchable = [n for n in range(1, 65) if n not in {signal.SIGKILL, signal.SIGSTOP}]

    lines = say("catch", *(f"raise={n}" for n in catchable))

    assert [line.data["signal"] for line in lines] == catchable


def test_until_does_not_miss_a_signal_that_came_before(say: Say) -> None:
    caught, on = say("catch", "raise=10", "until=10", "say=on")

    assert (caught.event, on.event) == ("signal", "on")


def test_until_waits_for_its_own_signal_only(live: Start) -> None:
    run = live("catch", "say=ready", "until=12", "say=on")
    run.line()

    run.kill(signal.SIGUSR1)
    assert run.line().data["signal"] == signal.SIGUSR1
    run.kill(signal.SIGUSR2)

    assert [run.line().event, run.line().event] == ["signal", "on"]


@pytest.mark.parametrize("round_", range(50))
def test_until_never_races_with_the_signal(live: Start, round_: int) -> None:
    run = live("catch", "say=ready", "until=37", f"exit={round_}")
    run.line()

    run.kill(37)

    assert run.ended() == round_


def test_an_ignored_signal_does_nothing(say: Say) -> None:
    assert [line.event for line in say("ignore=15", "raise=15", "say=alive")] == ["alive"]


def test_a_signal_that_is_not_caught_kills(say: Say) -> None:
    say("raise=15", "say=dead", status=-signal.SIGTERM)


@pytest.mark.parametrize("words", [("crash",), ("catch", "crash"), ("child", "end", "crash")])
def test_crash_is_a_segmentation_fault(say: Say, words: tuple[str, ...]) -> None:
    lines = say(*words, status=-signal.SIGSEGV)

    faults = [line.data for line in lines if line.event == "signal" and line.data["signal"] == 11]
    assert faults == [{"signal": 11, "code": 1, "sender": None}] * words.count("catch")


@pytest.mark.parametrize(
    ("words", "status"), [((), -signal.SIGPIPE), (("catch",), 3)], ids=["default", "catch"]
)
def test_a_report_that_nobody_can_read_ends_or_is_lost_but_never_loops(
    probe: Path, words: tuple[str, ...], status: int
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen([probe, *words, "say=x", "exit=3"], stdout=writer) as process:
        os.close(writer)
        try:
            assert process.wait(PATIENCE) == status
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("words", "status"), [((), -signal.SIGXFSZ), (("catch",), 3)], ids=["default", "catch"]
)
def test_a_report_beyond_the_file_size_limit_ends_or_is_lost_but_never_loops(
    say: Say, tmp_path: Path, words: tuple[str, ...], status: int
) -> None:
    out = f"to={tmp_path}/out"

    say(*words, out, "say=x", "exit=3", status=status, preexec_fn=limited(resource.RLIMIT_FSIZE, 0))


def test_pause_waits_until_it_is_killed(live: Start) -> None:
    run = live("catch", "say=ready", "pause", "say=never")
    run.line()

    run.kill(signal.SIGUSR1)
    assert run.line().event == "signal"
    run.kill(signal.SIGKILL)

    assert run.ended() == -signal.SIGKILL


@pytest.mark.parametrize("last", [b"", b"x"])
def test_wait_goes_on_at_a_byte_or_at_the_end_of_the_fifo(
    live: Start, tmp_path: Path, last: bytes
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    run = live("say=ready", f"wait={fifo}", "say=on")
    assert run.line().event == "ready"

    with fifo.open("wb", buffering=0) as gate:
        assert run.silent()
        gate.write(last)

    assert run.line().event == "on"


def test_wait_for_what_is_not_there_is_exit_96(say: Say) -> None:
    (line,) = say("wait=/nowhere", status=96)

    assert (line.event, line.data["errno"]) == ("error", 2)


@pytest.mark.parametrize("status", [0, 1, 42, 255])
def test_exit_is_the_exit_status(say: Say, status: int) -> None:
    assert say(f"exit={status}", "say=never", status=status) == []


def test_a_child_runs_the_words_up_to_its_end(say: Say) -> None:
    lines = say("child", "as=kid", "facts=ids", "end", "reap", "facts=ids")

    (mine,) = [line.data["facts"] for line in lines if (line.event, line.as_) == ("facts", "")]
    (kid,) = [line.data["facts"] for line in lines if (line.event, line.as_) == ("facts", "kid")]
    (child,) = [line for line in lines if line.event == "child"]
    (reaped,) = [line for line in lines if line.event == "reaped"]
    assert isinstance(kid, dict)
    assert isinstance(mine, dict)
    assert kid["ids"]["pid"] == child.data["pid"] == reaped.data["pid"]
    assert kid["ids"]["ppid"] == mine["ids"]["pid"]
    assert reaped.data == {"pid": child.data["pid"], "status": 0, "errno": 0}


def test_a_second_thread_survives_the_first(say: Say) -> None:
    lines = say("facts=ids", "survive", "facts=ids", "read=/proc/self/status", "exit=3", status=3)

    first, second = (line.data["facts"]["ids"] for line in lines[:2])  # type: ignore[index]
    assert (first["tid"], second["pid"]) == (first["pid"], first["pid"])
    assert second["tid"] != first["tid"]
    assert "State:\tZ (zombie)" in str(lines[2].data["text"])


def test_children_nest(say: Say) -> None:
    words = [
        "as=a",
        "child",
        "as=b",
        "child",
        "as=c",
        "exit=3",
        "end",
        "reap",
        "exit=4",
        "end",
        "reap",
    ]

    lines = say(*words)

    status = {line.as_: line.data["status"] for line in lines if line.event == "reaped"}
    assert {name: os.waitstatus_to_exitcode(int(str(value))) for name, value in status.items()} == {
        "b": 3,
        "a": 4,
    }


def test_reap_without_a_child_is_an_errno(say: Say) -> None:
    assert say("reap") == [Line("reaped", "", {"pid": None, "status": None, "errno": 10})]


def test_reap_gives_the_status_as_wait_does(say: Say) -> None:
    lines = say("child", "crash", "end", "reap")

    (reaped,) = [line for line in lines if line.event == "reaped"]
    assert os.WTERMSIG(int(str(reaped.data["status"]))) == signal.SIGSEGV
