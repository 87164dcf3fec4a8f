"""Process: terminal and consoleSize, through the socket that a terminal is sent to."""

import fcntl
import os
import struct
import termios

import pytest

from harness import clause, tolerates_an_error

STREAMS = [f"/proc/self/fd/{number}" for number in range(3)]

WORDS = [
    *("say=greeting", "to=/log", "facts", *(f"stat={stream}" for stream in STREAMS)),
    *("open=rw:/dev/tty", "say=ready", "stdin", "pause"),
]
"""Greets on the terminal, then writes to the log, where no terminal changes what is written."""

CATCHES = ["to=/log", "catch", "facts", "say=ready", "pause"]

SIZES = pytest.mark.parametrize("size", [(33, 101), (7, 203)], ids=["33x101", "7x203"])

NO_TERMINAL = pytest.mark.parametrize("process", [{}, {"terminal": False}], ids=["unset", "false"])


def console_size(size):
    return {"terminal": True, "consoleSize": dict(zip(("height", "width"), size, strict=True))}


@pytest.fixture
def with_terminal(shared):
    """A container whose program has a terminal."""
    return shared("program", process={"terminal": True}, words=WORDS).printed("ready")


@pytest.fixture
def ours(caller):
    """A terminal of 10 rows and 20 columns that the runtime has as its standard input."""
    master, slave = os.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 20, 0, 0))
    caller(stdin=os.ttyname(slave))
    yield master
    os.close(master)
    os.close(slave)


@clause("config.process.terminal.true")
def test_attaches_one_terminal_to_the_standard_streams(with_terminal):
    devices = [with_terminal.tried(stream)["rdev"] for stream in STREAMS]

    # 136 is the first major number of pseudo-terminals: admin-guide/devices.
    assert (with_terminal.facts["tty"]["isatty"], devices) == ([True] * 3, [devices[0]] * 3)
    assert devices[0][0] in range(136, 144)


@clause("config.process.terminal.true")
def test_passes_what_is_typed_and_shown(create):
    container = create("program", process={"terminal": True}, words=WORDS).start().printed("ready")

    container.terminal.type("typed\n\x04")

    container.printed("stdin")
    assert container.terminal.shows("greeting")
    assert [line.data["text"] for line in container.lines if line.event == "stdin"] == ["typed\n"]


@clause("config.process.terminal.controlling")
def test_makes_the_terminal_the_controlling_one(with_terminal):
    assert with_terminal.tried("/dev/tty")["errno"] == 0


@clause("config.process.terminal.controlling")
def test_has_the_terminal_interrupt_the_program(create):
    container = create("program", process={"terminal": True}, words=CATCHES)
    container.start().printed("ready")

    container.terminal.type("\x03")

    assert container.caught(1) == [2]


@clause("config.process.terminal.default-false")
@NO_TERMINAL
def test_attaches_no_terminal_unless_asked_for(shared, process):
    container = shared("program", process=process)

    assert container.facts["tty"]["isatty"] == [False] * 3


@clause("config.process.console-size.applied")
@SIZES
def test_gives_the_terminal_its_size(create, size):
    container = create("program", process=console_size(size), words=CATCHES).start()

    assert container.facts["tty"]["winsize"] == list(size)


@clause("config.process.console-size.ignored-without-terminal")
@NO_TERMINAL
def test_ignores_the_size_of_no_terminal(create, process):
    size = {"consoleSize": {"height": 33, "width": 101}}
    container = create("program", process=process | size).start()

    assert container.facts["tty"] == {"isatty": [False] * 3, "winsize": None}


@clause("config.process.console-size.ignored-without-terminal")
@NO_TERMINAL
def test_does_not_size_the_terminal_of_its_caller(create, ours, process):
    size = {"consoleSize": {"height": 33, "width": 101}}
    create("program", process=process | size).start().printed("ready")

    rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(ours, termios.TIOCGWINSZ, bytes(8)))

    assert (rows, columns) == (10, 20)


@clause("config.process.console-size.{member}-required")
@pytest.mark.parametrize("member", ["height", "width"])
def test_may_take_an_incomplete_size(create, shared, record, member):
    shared("program").printed("ready")

    with tolerates_an_error() as outcome:
        container = create(
            "program",
            process=console_size((33, 101)),
            words=CATCHES,
            offence={"process": {"consoleSize": {member: None}}},
        ).start()

    seen = None if outcome.refused else container.facts["tty"]
    record("size", seen and seen["winsize"])
    assert seen is None or seen["isatty"] == [True] * 3
