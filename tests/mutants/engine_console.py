"""Mutants of what engines need: the console socket and terminals."""

from __future__ import annotations

import fcntl
import os
import socket
import termios

from reference_runtime import console, descriptors, errors, init, preparation, processes, syscalls
from tests.mutants.breaking import command, mutant, skip, wrap

_EXEC = command() == "exec"
_TIOCGPTPEER = 0x5441
_TIOCSLCKTRMIOS = 0x5457
_NCC = 44
"""Bytes that struct termios of the kernel takes, and some more."""
_MNT_DETACH = 2


def with_terminals(act, *, of_exec=False):
    """Do something to each terminal before it becomes the standard streams."""
    if of_exec is _EXEC:

        def attach(original, slave, streams):
            act(slave)
            original(slave, streams)

        wrap(console, "attach", attach)


def without(slave, flags):
    """Take local flags off a terminal."""
    attributes = termios.tcgetattr(slave)
    attributes[3] &= ~flags
    termios.tcsetattr(slave, termios.TCSANOW, attributes)


@mutant("engine.console.one-message")
def the_slave_comes_along():
    """Two descriptors come to the console socket."""

    def hand_over(original, caller, fd, name):
        socket.send_fds(socket.socket(fileno=os.dup(caller.fileno())), [name.encode()], [fd, fd])
        caller.close()
        del original

    wrap(descriptors, "hand_over", hand_over)


@mutant("engine.console.is-a-master")
def the_slave_is_sent():
    """What comes to the console socket is the program's end of the terminal."""

    def hand_over(original, caller, fd, name):
        slave = fcntl.ioctl(fd, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY)
        os.dup(fd)  # else the terminal would be gone
        original(caller, slave, name)

    wrap(descriptors, "hand_over", hand_over)


def no_socket_is_needed(*, of_exec):
    """Go on without a terminal where no socket is given for its master."""

    def prepare(original, made, arguments):
        if not arguments.console_socket:
            made.process["terminal"] = False
        original(made, arguments)

    if of_exec is _EXEC:
        wrap(preparation, "prepare_process", prepare)


@mutant("engine.console.required")
def no_socket_no_terminal():
    """A program that is to have a terminal has none if there is no console socket."""
    no_socket_is_needed(of_exec=False)


@mutant("engine.console.exec-required")
def no_socket_no_terminal_of_exec():
    """exec forgets the terminal if there is no console socket."""
    no_socket_is_needed(of_exec=True)


@mutant("engine.console.unreachable")
def nobody_is_needed_at_the_socket():
    """A terminal that nobody takes is no error."""

    def connect(original, option, path):
        try:
            return original(option, path)
        except errors.OperationError:
            one, other = socket.socketpair()
            os.dup(other.fileno())
            return one

    wrap(descriptors, "connect", connect)


@mutant("engine.console.device")
def there_is_no_console():
    """/dev/console is not there."""
    skip(console, "_bind")


@mutant("engine.console.size-first")
def the_size_is_forgotten():
    """consoleSize is parsed and dropped."""
    skip(console, "set_size")


@mutant("engine.console.read-only-root")
def a_read_only_root_has_no_terminal():
    """A terminal is not made where the root is read-only."""

    def set_up(original, made, *, bind=True):
        if made.console is not None and made.config["root"].get("readonly"):
            raise errors.OperationError("/dev/console: read-only file system")
        original(made, bind=bind)

    wrap(console, "set_up", set_up)


@mutant("engine.console.owner")
def the_terminal_is_roots():
    """The terminal belongs to root, whoever the program's user is."""
    skip(os, "fchown")


@mutant("engine.console.echo")
def nothing_is_echoed():
    """What is typed does not come back."""
    with_terminals(lambda slave: without(slave, termios.ECHO))


@mutant("engine.console.exec-echo")
def nothing_is_echoed_in_exec():
    """What is typed on the terminal of exec does not come back."""
    with_terminals(lambda slave: without(slave, termios.ECHO), of_exec=True)


@mutant("engine.console.end-of-input")
def the_terminal_is_raw():
    """Ctrl-D is a character like any other."""
    with_terminals(lambda slave: without(slave, termios.ICANON))


@mutant("engine.console.keys")
def keys_are_characters():
    """Ctrl-C is a character like any other."""
    with_terminals(lambda slave: without(slave, termios.ISIG))


@mutant("engine.console.exec-keys")
def keys_are_characters_in_exec():
    """Ctrl-C on the terminal of exec is a character like any other."""
    with_terminals(lambda slave: without(slave, termios.ISIG), of_exec=True)


@mutant(
    "engine.console.window-change", "engine.console.hang-up", "engine.console.job-control",
    also=["engine.console.keys"],  # these come from the controlling terminal too
)  # fmt: skip
def the_terminal_controls_nothing():
    """The terminal is not the controlling one of the program's session."""
    if not _EXEC:
        skip(console, "take_control")


@mutant(
    "engine.console.exec-window-change", "engine.console.exec-hang-up",
    also=["engine.console.exec-keys"],  # as above
)  # fmt: skip
def the_terminal_of_exec_controls_nothing():
    """The terminal of exec is not the controlling one of its session."""
    if _EXEC:
        skip(console, "take_control")


@mutant("engine.console.window-signal")
def a_window_is_nobodys_business():
    """kill does not send SIGWINCH."""

    def send(original, pidfd, number):
        if number != 28:
            original(pidfd, number)

    wrap(processes, "send_signal", send)


@mutant("engine.console.attributes", "engine.console.stty")
def attributes_are_locked():
    """The attributes of the terminal cannot be changed."""
    with_terminals(lambda slave: fcntl.ioctl(slave, _TIOCSLCKTRMIOS, b"\xff" * _NCC))


@mutant("engine.console.name")
def the_terminal_has_no_name():
    """The devpts that the terminal is of is not there for the program."""

    def run(original, self, made):
        original(self, made)
        syscalls.umount2("/dev/pts", _MNT_DETACH)

    skip(console, "_bind")
    wrap(init.Pivot, "run", run)


@mutant("engine.console.exec-own")
def exec_has_no_terminal():
    """exec --tty sends nothing to the console socket."""

    def set_up(original, made, *, bind=True):
        if bind:
            original(made, bind=bind)

    wrap(console, "set_up", set_up)
