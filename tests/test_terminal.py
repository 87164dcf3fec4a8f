"""The caller's end of a container's terminal, with the test in the place of the runtime."""

import fcntl
import os
import socket
import struct
import termios
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.faults import NotShown
from harness.terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    runtime: Any = SimpleNamespace(scratch=tmp_path, deadline=0.2)
    made = Terminal(runtime)
    yield made
    made.close()


def send(terminal: Terminal, *fds: int) -> None:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(terminal.socket))
        socket.send_fds(caller, [b"/dev/ptmx"], list(fds))


@pytest.fixture
def slave(terminal: Terminal) -> Iterator[int]:
    """The program's end of the terminal that was sent."""
    master, slave = os.openpty()
    send(terminal, master)
    os.close(master)
    yield slave
    os.close(slave)


def test_what_the_program_writes_is_shown(terminal: Terminal, slave: int) -> None:
    os.write(slave, b"first second")

    assert terminal.shows("first")
    assert terminal.shows("second")
    assert not terminal.shows("third")


def test_what_is_typed_reaches_the_program(terminal: Terminal, slave: int) -> None:
    terminal.type("word\n")

    assert os.read(slave, 100) == b"word\n"


def test_the_size_has_rows_before_columns(terminal: Terminal, slave: int) -> None:
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))

    assert terminal.size == (33, 101)


def test_a_runtime_that_sends_nothing_has_not_shown_a_terminal(terminal: Terminal) -> None:
    with pytest.raises(NotShown, match="no terminal came"):
        terminal.type("word")


def test_what_is_no_terminal_is_not_taken_for_one(terminal: Terminal, tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file:
        send(terminal, file.fileno())

    with pytest.raises(NotShown, match="is no terminal"):
        terminal.type("word")


def test_one_descriptor_and_an_end_are_told_from_more(terminal: Terminal) -> None:
    master, slave = os.openpty()
    send(terminal, master, slave)

    assert (terminal.is_master, terminal.descriptors) == (True, 2)
    assert terminal.sent_nothing_more
    for fd in (master, slave):
        os.close(fd)


def test_a_sender_that_stays_has_not_ended(terminal: Terminal) -> None:
    master, slave = os.openpty()
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(terminal.socket))
        socket.send_fds(caller, [b" "], [slave])

        assert (terminal.is_master, terminal.descriptors) == (False, 1)
        assert not terminal.sent_nothing_more
    for fd in (master, slave):
        os.close(fd)


def test_its_size_and_its_echo_are_the_program_s(terminal: Terminal, slave: int) -> None:
    terminal.size = (40, 120)
    terminal.echoes = False

    assert struct.unpack("HHHH", fcntl.ioctl(slave, termios.TIOCGWINSZ, bytes(8)))[:2] == (40, 120)
    assert not termios.tcgetattr(slave)[3] & termios.ECHO
    assert not terminal.echoes


def test_a_dialogue_waits_for_what_is_said(terminal: Terminal, slave: int) -> None:
    dialogue = terminal.dialogue

    dialogue.type("asked")
    echoed = dialogue.says("asked\r\n")
    os.write(slave, b"first second")

    assert echoed
    assert dialogue.says("second")
    assert dialogue.before == "first "
    assert not dialogue.says("third")
