"""Mutants of what engines need: descriptors, environment and signals of the caller."""

from __future__ import annotations

import os
import signal

from reference_runtime import (
    cli,
    descriptors,
    errors,
    execution,
    op_create,
    signals,
    syscalls,
)
from tests.mutants.breaking import command, mutant, replace, skip, wrap


def in_the_program(act):
    """Act in the container process, or in that of exec, when all is ready for the program."""

    def run(original, self, made):
        original(self, made)
        act(made)

    wrap(execution.PrepareExecution, "run", run)


def keep_everything_open():
    """Have the program have what the runtime's caller has left open."""
    skip(cli, "keep_only_stdio")
    skip(syscalls, "close_range")


@mutant("engine.descriptors.none-inherited", "engine.descriptors.released")
def descriptors_reach_the_program():
    """The program has what the runtime's caller has left open."""
    if command() == "create":
        keep_everything_open()


@mutant("engine.descriptors.exec-none-inherited")
def descriptors_reach_what_exec_executes():
    """What exec executes has what the runtime's caller has left open."""
    if command() == "exec":
        keep_everything_open()


def close_preserved(operation):
    """Preserve no descriptor for the program."""
    if command() == operation:
        skip(descriptors, "pass_on")


@mutant("engine.descriptors.preserved")
def nothing_is_preserved():
    """--preserve-fds of create is taken and forgotten."""
    close_preserved("create")


@mutant("engine.descriptors.exec-preserved")
def nothing_is_preserved_for_exec():
    """--preserve-fds of exec is taken and forgotten."""
    close_preserved("exec")


@mutant("engine.descriptors.beyond-preserved")
def one_more_is_preserved():
    """--preserve-fds 1 of create passes two descriptors."""
    preserve_more("create")


@mutant("engine.descriptors.exec-beyond-preserved")
def one_more_is_preserved_for_exec():
    """--preserve-fds 1 of exec passes two descriptors."""
    preserve_more("exec")


def preserve_more(operation):
    """Pass one descriptor more than is asked for."""
    if command() == operation:
        wrap(cli, "keep_only_stdio", lambda original, count: original(count + bool(count)))
        wrap(descriptors, "pass_on", lambda original, count: original(count + bool(count)))


def without(name, *operations):
    """End these operations with an error if a variable is not there."""

    def run(original, words):
        if not os.environ.get(name) and set(operations) & set(words):
            raise errors.OperationError(f"{name} is not set")
        return original(words)

    wrap(cli, "run", run)


@mutant("engine.environment.nearly-empty")
def a_home_is_needed():
    """kill errs without HOME."""
    without("HOME", "kill")


@mutant("engine.environment.exec-nearly-empty")
def exec_needs_a_path():
    """exec errs without PATH."""
    without("PATH", "exec")


@mutant("engine.environment.engines-own-pause")
def pause_needs_a_path():
    """resume errs without PATH."""
    without("PATH", "resume")


@mutant("engine.environment.conmon")
def the_pipe_of_conmon_is_used():
    """create writes to the descriptor that _OCI_SYNCPIPE names."""

    def run(original, arguments):
        original(arguments)
        number = os.environ.get("_OCI_SYNCPIPE")
        if number:
            os.write(int(number), b"0")

    wrap(op_create, "run", run)


@mutant("engine.environment.stays-outside")
def exec_passes_its_own_environment_on():
    """What exec executes has the variables of the runtime's caller too."""

    def execve_calls(original, paths, args, env):
        own = [f"{name}={value}".encode() for name, value in os.environ.items()]
        return original(paths, args, env + own * (command() == "exec"))

    wrap(syscalls, "execve_calls", execve_calls)


def ignoring(operation):
    """Have SIGPIPE and SIGXFSZ stay ignored, as Python begins."""

    def reset():
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    if command() == operation:
        replace(signals, "reset_to_default", reset)


def blocking(operation):
    """Block a signal in the program."""
    if command() == operation:
        in_the_program(lambda _: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]))


@mutant("engine.signals.none-ignored")
def a_broken_pipe_is_ignored():
    """The program ignores SIGPIPE."""
    ignoring("create")


@mutant("engine.signals.exec-none-ignored")
def a_broken_pipe_is_ignored_in_exec():
    """What exec executes ignores SIGPIPE."""
    ignoring("exec")


@mutant("engine.signals.none-blocked")
def termination_is_blocked():
    """The program has SIGTERM blocked."""
    blocking("create")


@mutant("engine.signals.exec-none-blocked")
def termination_is_blocked_in_exec():
    """What exec executes has SIGTERM blocked."""
    blocking("exec")
