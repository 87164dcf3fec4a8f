"""The lines that the probe writes: their shape, their escapes, and that none is lost or mixed."""

import contextlib
import os
import stat
import subprocess
from pathlib import Path

from harness.probe import Line, parse
from tests.probe.conftest import NONCE, PATIENCE, Facts, Say


def test_a_line_carries_the_nonce_the_name_and_the_event_first(probe: Path) -> None:
    out = subprocess.run([probe, "say=a", "nonce=N", "as=A", "say=b"], stdout=-1, check=True).stdout

    assert out == b'{"nonce":"","as":"","event":"a"}\n{"nonce":"N","as":"A","event":"b"}\n'


def test_bytes_that_are_not_utf_8_and_control_characters_survive(
    say: Say,
) -> None:
    raw = bytes(range(1, 256))

    (line,) = say(b"say=" + raw)

    assert os.fsencode(line.event) == raw


def test_output_is_ascii_escaped_only_below_space_and_at_delete(probe: Path) -> None:
    out = subprocess.run([probe, b'say=\x01\x7f\n"\\\xff'], stdout=-1, check=True).stdout

    assert out.endswith(b'"event":"\\u0001\\u007f\\u000a\\"\\\\\xff"}\n')


def test_two_appenders_never_mix_their_lines(probe: Path, tmp_path: Path) -> None:
    out, words = tmp_path / "out", 200
    said = [f"say={'x' * 500}{number}" for number in range(words)]
    racers: list[subprocess.Popen[bytes]] = []
    # A fifo opens for writing when its reader is there: both racers are held, then let go at once.
    with contextlib.ExitStack() as gates:
        for name in "ab":
            gate = tmp_path / name
            os.mkfifo(gate)
            argv = [str(probe), f"nonce={NONCE}", f"as={name}", f"to={out}", f"wait={gate}", *said]
            racers.append(subprocess.Popen(argv))
            gates.enter_context(gate.open("wb"))
    assert [racer.wait(PATIENCE) for racer in racers] == [0, 0]

    lines = parse(out.read_bytes(), NONCE)

    assert out.read_bytes().count(b"\n") == len(lines) == 2 * words
    for name in "ab":
        assert [f"say={line.event}" for line in lines if line.as_ == name] == said


def test_a_full_nonblocking_pipe_loses_nothing(probe: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with subprocess.Popen(
        [probe, f"nonce={NONCE}", "say=" + "x" * 100_000, "say=y"], stdout=writer
    ):
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            assert [line.event[:1] for line in parse(pipe.read(), NONCE)] == ["x", "y"]


def test_what_does_not_fit_is_cut_and_the_line_says_so(say: Say) -> None:
    text = b"\x01" * 300_000

    cut, whole = say("stdin", "say=whole", stdin=None, input=text)

    assert cut.data["cut"] is True
    assert cut.data["bytes"] == len(text)
    assert len(str(cut.data["text"])) > 170_000
    assert "cut" not in whole.data


def test_an_environment_larger_than_the_line_is_cut_and_still_json(facts: Facts, say: Say) -> None:
    environment = {f"V{number}": "\x01" * 60_000 for number in range(20)}

    (line,) = say("facts", env=environment)

    assert line.data["cut"] is True
    assert facts("argv", env={})[0]


def test_to_appends_to_a_file_that_it_creates(say: Say, tmp_path: Path) -> None:
    out = tmp_path / "out"

    assert say("say=before", f"to={out}", "say=after", umask=0) == [Line("before", "", {})]

    say(f"to={out}", "say=again")
    assert [line.event for line in parse(out.read_bytes(), NONCE)] == ["after", "again"]
    assert stat.S_IMODE(out.stat().st_mode) == 0o666


def test_to_a_place_that_cannot_be_opened_is_exit_97(say: Say) -> None:
    (line,) = say("to=/nowhere/out", "say=x", status=97)

    assert line.data == {"word": "to=/nowhere/out", "errno": 2}
