"""Mutants that only operations at the same time, or many containers, show."""

from __future__ import annotations

import os
import select
import signal

from reference_runtime import container, destroy, errors, locks, op_delete, op_start, processes
from tests.mutants.breaking import command, mutant, wrap

A_WHILE = 1.0  # seconds in which a race is lost, however busy the machine is


def is_being_changed(target):
    """Say whether another operation holds the container."""
    return target.lock < 0 and locks.is_held(target.directory, container.LOCK)


def wait_a_while():
    """Let the others of a race come."""
    select.select((), (), (), A_WHILE)


@mutant("runtime.state.id.unique-on-host", also=["runtime.create.*"])
def an_id_is_looked_for_and_then_taken():
    """Two creates that look at the same time both find the ID free."""

    def claim(original, root, identifier, record):
        if os.path.exists(f"{root}/{identifier}"):
            return original(root, identifier, record)
        wait_a_while()
        found = container.Container(root, identifier, record)
        if os.path.exists(found.directory):
            while is_being_changed(found):  # who came first is to succeed too
                select.select((), (), (), 0.01)
            found.remove()
        return original(root, identifier, record)

    wrap(container, "claim", claim)


@mutant("runtime.create.duplicate-id-no-container")
def a_create_that_loses_leaves_a_process():
    """Whoever finds the ID taken errs, but has forked already."""

    def claim(original, root, identifier, record):
        try:
            return original(root, identifier, record)
        except errors.OperationError:
            if os.fork() == 0:
                os.setsid()
                signal.pause()
                os._exit(0)
            raise

    wrap(container, "claim", claim)


@mutant("runtime.start.not-created-no-effect")
def a_start_that_loses_stops_the_container():
    """Where another start is under way, the container is stopped in the error path."""

    def refuse(original, target, **options):
        try:
            original(target, **options)
        except errors.OperationError:
            if command() == "start" and is_being_changed(target):
                destroy.stop(target)
            raise

    def go_on(original, target):
        original(target)
        wait_a_while()

    wrap(op_start, "refuse_unless_created", refuse)
    wrap(container.Container, "take_lock", refuse)
    wrap(op_start, "run_poststart_hooks", go_on)


@mutant("runtime.delete.running-no-effect")
def a_delete_that_is_refused_while_kill_goes_on_deletes():
    """Delete of a running container errs; if it has stopped by then, it is removed all the same."""

    def send(original, pidfd, number):
        if command() == "kill":
            wait_a_while()
        original(pidfd, number)

    def refuse(original, target):
        try:
            original(target)
        except errors.OperationError:
            pidfd = target.open_process()
            if pidfd is not None:
                processes.wait(pidfd, 2 * A_WHILE)
            if target.status() == container.STOPPED:
                destroy.undo_create(target)
            raise

    wrap(processes, "send_signal", send)
    wrap(op_delete, "refuse_unless_stopped", refuse)


@mutant("runtime.state.json-schema")
def there_is_no_bundle_while_an_operation_goes_on():
    """What another operation holds is shown without its bundle."""

    def document(original, self, status, pid=None):
        state = original(self, status, pid)
        if command() == "state" and is_being_changed(self):
            del state["bundle"]
        return state

    wrap(container.Container, "document", document)


@mutant("runtime.state.status.order")
def a_start_that_goes_on_is_creating():
    """What another operation holds is shown as creating, start and delete too."""

    def document(original, self, status, pid=None):
        busy = command() == "state" and is_being_changed(self)
        return original(self, container.CREATING if busy else status, pid)

    wrap(container.Container, "document", document)


@mutant("runtime.scope.creator-can-operate")
def there_is_room_for_32_containers():
    """None can be started where there are more."""

    def refuse(original, target):
        if len(os.listdir(target.root)) > 32:
            message = "too many containers"
            raise errors.OperationError(message)
        original(target)

    wrap(op_start, "refuse_unless_created", refuse)
