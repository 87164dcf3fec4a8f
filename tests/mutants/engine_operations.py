"""Mutants of what engines need: kill, state, delete, pause, resume, update, run."""

from __future__ import annotations

import os
import sys

from reference_runtime import (
    command_line,
    container,
    destroy,
    errors,
    freezer,
    limits,
    op_create,
    op_delete,
    op_kill,
    op_pause,
    op_resume,
    op_run,
    op_update,
    processes,
    report,
    signals,
    supervision,
)
from tests.mutants.breaking import mutant, replace, skip, wrap


def called_for(operation):
    """Say whether the command line is of this operation."""
    return operation in sys.argv


def succeeding_instead(operation, owner, name):
    """End this operation with success where a function errs."""

    def run(original, *arguments):
        try:
            return original(*arguments)
        except errors.OperationError:
            raise SystemExit(0) from None

    if called_for(operation):
        wrap(owner, name, run)


def saying(old, new):
    """Have each error say something else."""
    wrap(report, "error", lambda original, text: original(text.replace(old, new)))


@mutant("engine.kill.number")
def numbers_are_no_signals():
    """kill takes names alone."""

    def number(original, text):
        if text.isdigit():
            raise errors.OperationError(f"unknown signal {text!r}")
        return original(text)

    wrap(signals, "number", number)


@mutant("engine.kill.name")
def sig_is_no_part_of_a_name():
    """kill takes TERM and not SIGTERM."""

    def number(original, text):
        if text.startswith("SIG"):
            raise errors.OperationError(f"unknown signal {text!r}")
        return original(text)

    wrap(signals, "number", number)


@mutant("engine.kill.default")
def the_default_is_to_kill():
    """kill without a signal sends SIGKILL."""
    replace(op_kill, "default_signal", lambda _target: 9)


@mutant("engine.kill.unknown-signal-errors")
def an_unknown_signal_is_none():
    """kill succeeds for a signal that is none, and sends nothing."""
    succeeding_instead("kill", signals, "number")


@mutant("engine.kill.all")
def the_first_stands_for_all():
    """kill --all signals the container process alone."""

    def run(original, arguments):
        arguments.all = arguments.all and "-a" in sys.argv
        original(arguments)

    wrap(op_kill, "run", run)


@mutant("engine.kill.all-short")
def the_short_option_is_unknown():
    """kill -a is an unknown option."""
    command_line.SHORT.pop("-a")


@mutant("engine.kill.all-stopped")
def nobody_is_an_error():
    """kill --all fails for a container that has stopped."""

    def signal_all(original, target, number):
        if target.open_process() is None:
            raise op_kill.not_running(target)
        original(target, number)

    wrap(op_kill, "signal_all", signal_all)


@mutant("engine.kill.stopped-text")
def a_stopped_container_is_wrong():
    """The error of kill for a stopped container is one of the runtime's own words."""
    saying("container not running", "wrong status")


@mutant("engine.kill.stopped-lower-case")
def a_stopped_container_begins_a_sentence():
    """The error of kill for a stopped container begins with a capital letter."""
    saying("container not running", "Container not running")


@mutant(
    "engine.kill.unknown-id-text", "engine.state.unknown-id-text", "engine.delete.unknown-id-text"
)
def an_unknown_id_is_a_missing_directory():
    """The error for an unknown ID is as strerror(3) says it: No such file or directory."""
    saying("container does not exist", "No such file or directory")


@mutant("engine.state.created-time")
def the_creation_has_no_time():
    """The state has no member created."""

    def document(original, self, status, pid=None):
        found = original(self, status, pid)
        found.pop("created", None)
        return found

    wrap(container.Container, "document", document)


@mutant("engine.state.zombie-is-stopped")
def a_zombie_is_alive():
    """A container process that nobody has collected counts as running."""

    def open_process(original, pid, started):
        found = original(pid, started)
        if found is None and pid > 0 and os.path.exists(f"/proc/{pid}"):
            return os.pidfd_open(pid)
        return found

    wrap(processes, "open_process", open_process)


def forced(status):
    """Fail to delete by force what has this status."""

    def run(original, arguments):
        if arguments.force and container.exists(arguments.root, arguments.id):
            found = container.load(arguments.root, arguments.id).status()
            if found == status:
                raise errors.OperationError(f"cannot delete what is {found}")
        original(arguments)

    wrap(op_delete, "run", run)


@mutant("engine.delete.force-running")
def force_is_not_enough_for_what_runs():
    """delete --force fails for a running container."""
    forced(container.RUNNING)


@mutant("engine.delete.force-created")
def force_is_not_enough_for_what_is_created():
    """delete --force fails for a created container."""
    forced(container.CREATED)


@mutant("engine.delete.force-stopped")
def force_is_too_much_for_what_has_stopped():
    """delete --force fails for a stopped container."""
    forced(container.STOPPED)


@mutant("engine.delete.force-unknown")
def force_needs_a_container():
    """delete --force fails for an unknown ID."""

    def run(original, arguments):
        if not container.exists(arguments.root, arguments.id):
            raise container.does_not_exist(arguments.id)
        original(arguments)

    wrap(op_delete, "run", run)


@mutant("engine.delete.force-paused")
def force_is_not_enough_for_what_is_paused():
    """delete --force fails for a paused container, which stays frozen."""
    forced(container.PAUSED)


@mutant("engine.delete.force-leftovers")
def leftovers_are_nobodys():
    """delete --force ends the container process alone."""
    if called_for("delete") and called_for("--force"):
        skip(destroy, "undo_create")


@mutant("engine.pause.freezes")
def pause_does_nothing():
    """pause succeeds and freezes nothing."""
    skip(freezer, "freeze")


@mutant("engine.pause.resumes")
def resume_does_nothing():
    """resume succeeds and thaws nothing."""
    if called_for("resume"):
        skip(freezer, "thaw")


@mutant("engine.pause.status")
def what_is_paused_is_running():
    """The status of a paused container is running."""
    if called_for("state"):
        skip(container.Container, "is_frozen", result=False)


@mutant("engine.pause.stopped-errors")
def a_stopped_container_can_be_paused():
    """pause of a stopped container succeeds and does nothing."""
    succeeding_instead("pause", op_pause, "refuse_unless_alive")


@mutant("engine.pause.paused-errors")
def a_paused_container_can_be_paused():
    """pause of a paused container succeeds and does nothing."""
    succeeding_instead("pause", op_pause, "refuse_unless_alive")


@mutant("engine.pause.resume-running-errors")
def a_running_container_can_be_resumed():
    """resume of a running container succeeds and does nothing."""
    succeeding_instead("resume", op_resume, "run")


@mutant("engine.pause.killed-is-not-frozen")
def the_dead_are_frozen():
    """pause of a container that was just killed freezes its cgroup and succeeds."""
    skip(op_pause, "refuse_unless_alive")
    skip(op_pause, "is_ending", result=False)


def refusing(option):
    """Know this form of --resources no more."""

    def options(original, words, known, arguments, *, most):
        if any(word.startswith(option) for word in words):
            raise errors.OperationError(f"unknown option {option}")
        return original(words, known, arguments, most=most)

    if called_for("update"):
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


@mutant("engine.update.pids")
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
    if called_for("run"):

        def run(original, arguments):
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            original(arguments)

        wrap(op_create, "run", run)


@mutant("engine.run.pid-file")
def the_pid_file_of_run_is_forgotten():
    """run writes no pid file."""
    if called_for("run"):
        skip(processes, "write_pid_file")


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


@mutant("engine.run.detach")
def run_always_waits():
    """run --detach returns when the program has ended."""

    def run(original, arguments):
        supervision.adopt_orphans()
        original(arguments)
        if arguments.detach:
            os.waitpid(-1, 0)

    wrap(op_run, "run", run)
