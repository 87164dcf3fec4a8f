"""Mutants that only a sequence of operations shows: what is wrong depends on what was before."""

from __future__ import annotations

import os
import signal

from reference_runtime import (
    container,
    destroy,
    errors,
    op_create,
    op_delete,
    op_kill,
    op_start,
    processes,
)
from tests.mutants.breaking import command, mutant, wrap


def times(target, what):
    """Count, beyond the life of a container, how often this was asked for an ID."""
    path = f"{target.root}/.{what}-{target.id}"
    with open(path, "ab") as file:
        file.write(b"x")
    return os.path.getsize(path)


def before_start(check):
    """Have start look at the container first."""

    def refuse(original, target):
        check(target)
        original(target)

    wrap(op_start, "refuse_unless_created", refuse)


@mutant("runtime.create.creates")
def an_id_can_be_used_twice_only():
    """Something of a deleted container is left: the third one of the same ID is refused."""

    def claim(original, root, identifier, record):
        made = original(root, identifier, record)
        if times(made, "created") > 2:
            made.remove()
            message = f"container with given ID already exists: {identifier}"
            raise errors.OperationError(message)
        return made

    wrap(container, "claim", claim)


@mutant("runtime.start.runs-program")
def one_container_runs_at_a_time():
    """Start is refused while another container runs."""

    def check(target):
        for name in set(os.listdir(target.root)) - {target.id}:
            if container.exists(target.root, name):
                other = container.load(target.root, name)
                if other.status() == container.RUNNING:
                    message = f"{name} runs"
                    raise errors.OperationError(message)

    before_start(check)


@mutant("runtime.state.status.created")
def delete_takes_every_container_whose_id_begins_so():
    """The files of a container are found by a prefix."""

    def remove(original, target):
        original(target)
        for name in os.listdir(target.root):
            if command() == "delete" and name.startswith(target.id):
                container.Container(target.root, name, {}).remove()

    wrap(container.Container, "remove", remove)


@mutant("runtime.kill.sends-specified-signal")
def a_signal_is_sent_only_once():
    """The second signal to the same container is lost."""
    asked: list[container.Container] = []

    def send(original, pidfd, number):
        if number == signal.SIGKILL or times(asked[0], f"{asked[0].record['pid']}") == 1:
            original(pidfd, number)

    def run(original, arguments):
        asked.append(container.load(arguments.root, arguments.id))
        original(arguments)

    wrap(op_kill, "run", run)
    wrap(processes, "send_signal", send)


@mutant("runtime.kill.sends-specified-signal")
def a_container_cannot_be_killed_once_its_configuration_is_gone():
    """Kill reads config.json again for the annotation that names a signal."""

    def run(original, arguments):
        target = container.load(arguments.root, arguments.id)
        if not os.path.exists(f"{target.record['bundle']}/config.json"):
            message = "config.json: no such file"
            raise errors.OperationError(message)
        original(arguments)

    wrap(op_kill, "run", run)


@mutant("runtime.create.duplicate-id-no-container")
def a_refused_create_removes_a_stopped_container():
    """Where the ID is taken by a container that has stopped, it is taken away and create errs."""

    def claim(original, root, identifier, record):
        try:
            return original(root, identifier, record)
        except errors.OperationError:
            first = container.load(root, identifier)
            if first.status() == container.STOPPED:
                destroy.undo_create(first)
            raise

    wrap(container, "claim", claim)


@mutant("runtime.start.stopped-errors")
def start_succeeds_after_a_kill_before_it():
    """Start of a container that was killed before it was started does nothing, and says so."""

    def check(target):
        if target.status() == container.STOPPED and not os.path.exists(
            f"{target.root}/.started-{target.record['pid']}-{target.id}"
        ):
            raise SystemExit(0)
        times(target, f"started-{target.record['pid']}")

    before_start(check)


@mutant("runtime.create.creates")
def an_id_is_lost_to_a_create_that_failed():
    """Whoever was refused once is refused again."""

    def undo(original, made):
        original(made)
        times(made.container, "refused")

    def claim(original, root, identifier, record):
        if os.path.exists(f"{root}/.refused-{identifier}"):
            message = f"container with given ID already exists: {identifier}"
            raise errors.OperationError(message)
        return original(root, identifier, record)

    wrap(op_create, "undo", undo)
    wrap(container, "claim", claim)


@mutant("runtime.delete.running-errors")
def whoever_asks_twice_is_given_a_forced_delete():
    """The second delete of a running container ends it."""

    def refuse(original, target):
        if target.status() == container.RUNNING and times(target, "asked") > 1:
            destroy.stop(target)
        original(target)

    wrap(op_delete, "refuse_unless_stopped", refuse)


@mutant("runtime.state.status.running")
def a_signal_after_a_refused_start_ends_the_status():
    """After a refused start, a signal that the program catches is taken for its end by state."""

    def marked(target, what):
        return os.path.exists(f"{target.root}/.{what}-{target.record['pid']}-{target.id}")

    def refuse(original, target):
        try:
            original(target)
        except errors.OperationError:
            if not marked(target, "signalled"):
                times(target, f"refused-{target.record['pid']}")
            raise

    def status(original, target):
        ended = marked(target, "refused") and marked(target, "signalled")
        return container.STOPPED if ended else original(target)

    def kill(original, arguments):
        original(arguments)
        target = container.load(arguments.root, arguments.id)
        times(target, f"signalled-{target.record['pid']}")

    wrap(op_start, "refuse_unless_created", refuse)
    wrap(container.Container, "status", status)
    wrap(op_kill, "run", kill)
