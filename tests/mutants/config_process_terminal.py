"""Mutants of config.md: terminal and consoleSize."""

from __future__ import annotations

import os
import signal

from reference_runtime import console, errors, init, preparation
from tests.mutants.breaking import mutant, reads, skip, wrap


@mutant("config.process.terminal.true")
def only_input_is_a_terminal():
    """Output of a program with a terminal goes elsewhere."""
    wrap(console, "attach", lambda original, slave, _streams: original(slave, (0,)))


@mutant("config.process.terminal.true")
def errors_go_to_another_terminal():
    """Standard error of a program with a terminal is a terminal of its own."""

    def attach(original, slave, streams):
        original(slave, streams)
        _, other = os.openpty()
        os.dup2(other, 2)

    wrap(console, "attach", attach)


@mutant("config.process.terminal.controlling")
def the_terminal_controls_nothing():
    """/dev/tty does not open in a program with a terminal, and Ctrl-C is a mere character."""
    skip(console, "take_control")


@mutant("config.process.terminal.default-false")
def there_is_always_a_terminal():
    """The program has a terminal as its input though it has not asked for one."""

    def run(original, step, creation):
        if creation.console is None:
            master, slave = os.openpty()
            os.dup2(slave, 0)
            os.dup2(master, 2)  # closed, it would take the terminal along
        original(step, creation)

    original = init.Console.run
    init.Console.run = lambda step, creation: run(original, step, creation)


@mutant("config.process.console-size.applied")
def height_and_width_are_swapped():
    """The terminal has as many rows as it should have columns."""
    wrap(console, "set_size", lambda original, fd, height, width: original(fd, width, height))


@mutant("config.process.console-size.applied")
def terminals_have_no_size():
    """consoleSize is parsed and dropped."""
    skip(console, "set_size")


@mutant("config.process.console-size.ignored-without-terminal")
def the_size_of_no_terminal_is_an_error():
    """A consoleSize without a terminal is refused."""

    def prepare(original, made, arguments):
        if "consoleSize" in made.process and not made.process.get("terminal"):
            raise errors.OperationError("process.consoleSize: there is no terminal")
        original(made, arguments)

    wrap(preparation, "prepare_process", prepare)


@mutant("config.process.console-size.ignored-without-terminal")
def the_terminal_of_the_caller_is_sized():
    """A consoleSize without a terminal changes the size of the caller's terminal."""

    def prepare(original, made, arguments):
        size = made.process.get("consoleSize")
        if size and os.isatty(0):
            console.set_size(0, size["height"], size["width"])
        original(made, arguments)

    wrap(preparation, "prepare_process", prepare)


@mutant("config.process.console-size.height-required", "config.process.console-size.width-required")
def an_incomplete_size_crashes():
    """Create dies by a segmentation fault when consoleSize lacks a member."""

    def change(config):
        size = config["process"].get("consoleSize")
        if size is not None and set(size) != {"height", "width"}:
            os.kill(os.getpid(), signal.SIGSEGV)

    reads(change)
