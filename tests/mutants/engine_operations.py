"""Mutants of what engines need: kill, state, delete, pause and resume."""

from __future__ import annotations

import os
import sys

from reference_runtime import (
    command_line,
    container,
    destroy,
    errors,
    freezer,
    op_delete,
    op_kill,
    op_pause,
    op_resume,
    processes,
    signals,
)
from tests.mutants.breaking import command, mutant, replace, saying, skip, wrap


def succeeding_instead(operation, owner, name):
    """End this operation with success where a function errs."""

    def run(original, *arguments):
        try:
            return original(*arguments)
        except errors.OperationError:
            raise SystemExit(0) from None

    if command() == operation:
        wrap(owner, name, run)


def pausing(status):
    """Have pause of a container with this status succeed."""

    def refuse(original, target):
        if target.status() == status:
            raise SystemExit(0)
        original(target)

    wrap(op_pause, "refuse_unless_alive", refuse)


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


# CRI-O looks for the same words in lower case.
@mutant("engine.kill.stopped-text", also=["engine.kill.stopped-lower-case"])
def a_stopped_container_is_wrong():
    """The error of kill for a stopped container is one of the runtime's own words."""
    saying("container not running", "wrong status")


@mutant("engine.kill.stopped-lower-case")
def a_stopped_container_begins_a_sentence():
    """The error of kill for a stopped container begins with a capital letter."""
    saying("container not running", "Container not running")


@mutant("engine.state.unknown-id-text")
def an_unknown_id_is_invalid():
    """The error for an unknown ID is one of the runtime's own words."""
    saying("container does not exist", "invalid argument")


@mutant("engine.kill.unknown-id-text", "engine.delete.unknown-id-text")
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
    if command() == "delete" and "--force" in sys.argv:
        skip(destroy, "undo_create")


@mutant("engine.pause.freezes")
def pause_does_nothing():
    """pause succeeds and freezes nothing."""
    skip(freezer, "freeze")


@mutant("engine.pause.resumes")
def resume_does_nothing():
    """resume succeeds and thaws nothing."""
    if command() == "resume":
        skip(freezer, "thaw")


@mutant("engine.pause.status")
def what_is_paused_is_running():
    """The status of a paused container is running."""
    if command() == "state":
        skip(container.Container, "is_frozen", result=False)


@mutant("engine.pause.stopped-errors")
def a_stopped_container_can_be_paused():
    """pause of a stopped container succeeds and does nothing."""
    pausing(container.STOPPED)


@mutant("engine.pause.paused-errors")
def a_paused_container_can_be_paused():
    """pause of a paused container succeeds and does nothing."""
    pausing(container.PAUSED)


@mutant("engine.pause.resume-running-errors")
def a_running_container_can_be_resumed():
    """resume of a running container succeeds and does nothing."""
    succeeding_instead("resume", op_resume, "run")


@mutant("engine.pause.killed-is-not-frozen")
def the_dead_are_frozen():
    """pause of a container that was just killed freezes its cgroup and succeeds."""
    skip(op_pause, "refuse_unless_alive")
    skip(op_pause, "is_ending", result=False)
