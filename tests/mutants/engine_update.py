"""Mutants of what engines need: update and run."""

from __future__ import annotations

import os

from reference_runtime import (
    command_line,
    container,
    errors,
    freezer,
    limits,
    op_create,
    op_run,
    op_update,
    supervision,
)
from tests.mutants.breaking import command, mutant, replace, skip, wrap


def refusing(option):
    """Know this form of --resources no more."""

    def options(original, words, known, arguments, *, most):
        if any(word.startswith(option) for word in words):
            raise errors.OperationError(f"unknown option {option}")
        return original(words, known, arguments, most=most)

    if command() == "update":
        wrap(command_line, "options", options)


@mutant("engine.update.from-file")
def the_form_with_an_equals_sign_is_unknown():
    """update takes --resources FILE and not --resources=FILE."""
    refusing("--resources=/")


@mutant("engine.update.from-stdin")
def a_dash_is_a_file():
    """update --resources - looks for a file of this name."""

    def read(original, path):
        return original("./-" if path == "-" else path)

    wrap(op_update, "read", read)


def changing(change):
    """Have update take its limits for what ``change`` makes of them."""

    def run(original, planned, wanted):
        change(wanted)
        original(planned, wanted)

    wrap(limits, "change", run)


@mutant("engine.update.memory")
def memory_is_forgotten():
    """update succeeds and does not change limits of memory."""
    changing(lambda wanted: wanted.pop("memory", None))


@mutant("engine.update.cpu")
def the_processor_is_forgotten():
    """update succeeds and does not change limits of the processor."""
    changing(lambda wanted: wanted.pop("cpu", None))


# What else is asked of update is seen where it has changed the number of processes.
@mutant("engine.update.pids", also=["engine.update.*"])
def processes_are_forgotten():
    """update succeeds and does not change the number of processes."""
    changing(lambda wanted: wanted.pop("pids", None))


@mutant("engine.update.zeros-leave-alone")
def zeros_are_limits():
    """A zero of what update is given is a limit of zero."""
    replace(op_update, "without_zeros", lambda wanted: wanted)


@mutant("engine.update.keeps-others")
def what_is_not_given_is_lifted():
    """update sets what it is not given to the defaults."""
    changing(lambda wanted: wanted.setdefault("cpu", {}).setdefault("shares", 1024))


@mutant("engine.update.goes-on")
def update_leaves_it_frozen():
    """The cgroup of the container is frozen after update."""

    def run(original, arguments):
        original(arguments)
        freezer.freeze(container.load(arguments.root, arguments.id).record["cgroups"])

    wrap(op_update, "run", run)


def waiting_for(change):
    """Have run end with what ``change`` makes of the status of its program."""

    def wait_for(original, pid, preserved_fds=0):
        return change(original(pid, preserved_fds))

    wrap(supervision, "wait_for", wait_for)


@mutant("engine.run.exit-status")
def each_run_succeeds():
    """run ends with 0, whatever came of its program."""
    waiting_for(lambda status: 0 if status < 128 or status == 255 else status)


@mutant("engine.run.signalled-status")
def the_signal_is_the_status():
    """run ends with the number of the signal that has ended its program."""
    waiting_for(lambda status: status - 128 if 128 < status < 255 else status)


@mutant("engine.run.stdio")
def input_of_run_is_empty():
    """The program of run reads from /dev/null."""
    if command() == "run":

        def run(original, arguments):
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            original(arguments)

        wrap(op_create, "run", run)


@mutant("engine.run.deletes")
def everything_is_kept():
    """run leaves its container behind."""
    skip(op_run, "delete")


@mutant("engine.run.keep")
def nothing_is_kept():
    """run --keep deletes its container in the end."""

    def run(original, arguments):
        arguments.keep = False
        return original(arguments)

    wrap(op_run, "run", run)
