"""Mutants of runtime.md: state, and the query of it."""

from __future__ import annotations

import os

from reference_runtime import (
    cli,
    command_line,
    container,
    errors,
    init,
    op_kill,
    op_state,
    processes,
    steps,
)
from tests.mutants.breaking import command, mutant, wrap

CREATING, CREATED, RUNNING, STOPPED = "creating", "created", "running", "stopped"
SENT = "sent"


def with_document(change, *, of=None):
    """Change the state that is reported, in this operation only if ``of`` names one."""

    def document(original, self, status, pid=None):
        state = original(self, status, pid)
        if of in {None, command()}:
            change(state)
        return state

    wrap(container.Container, "document", document)


def reported_as(status, other):
    """Report another status, where state is asked for."""

    def change(state):
        if state["status"] == status:
            state["status"] = other

    with_document(change, of="state")


def without_command(name):
    """Know no such command."""

    def module(original, operation):
        if operation == name:
            message = f"unknown command {name}"
            raise errors.OperationError(message)
        return original(operation)

    wrap(cli, "module", module)


@mutant("runtime.state.oci-version.present")
def no_version_when_stopped():
    """The state of a stopped container has no ociVersion."""
    with_document(lambda state: state["status"] == STOPPED and state.pop("ociVersion"))


@mutant("runtime.state.oci-version.of-the-state")
def the_version_is_no_semver():
    """ociVersion is given as 1.0."""
    with_document(lambda state: state.update(ociVersion="1.0"))


@mutant("runtime.state.id.present")
def the_id_is_cut():
    """The state shows the first twelve characters of the ID."""
    with_document(lambda state: state.update(id=state["id"][:12]))


@mutant("runtime.state.pid.present-when-created")
def no_pid_when_created():
    """The state of a created container has no pid."""
    with_document(lambda state: state["status"] == CREATED and state.pop("pid"), of="state")


@mutant("runtime.state.pid.present-when-running")
def no_pid_when_running():
    """The state of a running container has no pid."""
    with_document(lambda state: state["status"] == RUNNING and state.pop("pid"), of="state")


@mutant("runtime.state.pid.is-container-process")
def the_pid_is_that_in_the_container():
    """The state gives pid 1, as the container sees its process."""
    with_document(lambda state: "pid" in state and state.update(pid=1), of="state")


@mutant("runtime.state.pid.stable-from-created-to-running")
def the_pid_changes_at_start():
    """The state of a created container gives the pid of a monitor."""
    with_document(
        lambda state: state["status"] == CREATED and state.update(pid=os.getppid()), of="state"
    )


@mutant("runtime.state.pid.as-seen-by-host")
def hooks_in_the_container_get_its_own_pid():
    """As the releases from 1.1.0 have it."""


@mutant("runtime.state.pid.runtime-namespace-hooks")
def runtime_hooks_get_the_pid_in_the_container():
    """createRuntime hooks find pid 1."""

    def document(original, self, status, pid=None):
        return original(self, status, 1 if status == CREATING and pid is None else pid)

    wrap(container.Container, "document", document)


@mutant("runtime.state.pid.container-namespace-hooks")
def container_hooks_get_another_pid():
    """createContainer hooks find a pid that is none in the container."""

    def document(original, self, status, pid=None):
        return original(self, status, None if pid is None else 4194304)

    wrap(container.Container, "document", document)


# The schema requires it, and poststop hooks are given that state.
@mutant(
    "runtime.state.bundle.present",
    also=["runtime.state.json-schema", "config.hooks.poststop.stdin-state"],
)
def no_bundle_when_stopped():
    """The state of a stopped container has no bundle."""
    with_document(lambda state: state["status"] == STOPPED and state.pop("bundle"))


@mutant("runtime.state.bundle.absolute")
def the_bundle_is_relative():
    """The state gives the bundle relative to the working directory."""
    with_document(lambda state: state.update(bundle=os.path.relpath(state["bundle"])))


@mutant("runtime.state.annotations.reported")
def empty_annotations_are_dropped():
    """Annotations without a value are left out of the state."""

    def change(state):
        if "annotations" in state:
            state["annotations"] = {k: v for k, v in state["annotations"].items() if v}

    with_document(change)


@mutant("runtime.state.json-schema")
def the_pid_is_a_string():
    """Hooks find the pid as a string."""
    with_document(lambda state: "pid" in state and state.update(pid=str(state["pid"])), of="create")


@mutant("runtime.state.json-pattern")
def the_pid_is_a_string_to_old_readers():
    """The state gives the pid as a string."""
    with_document(lambda state: "pid" in state and state.update(pid=str(state["pid"])))


@mutant("runtime.state.status.present")
def no_status_when_created():
    """The state of a created container has no status."""
    with_document(lambda state: state["status"] == CREATED and state.pop("status"), of="state")


@mutant("runtime.state.status.creating")
def running_while_being_created():
    """State says running before create has returned."""
    reported_as(CREATING, RUNNING)


@mutant("runtime.state.status.created")
def running_as_soon_as_created():
    """State says running before start."""
    reported_as(CREATED, RUNNING)


@mutant("runtime.state.status.created-during-start-hooks")
def running_as_soon_as_start_is_called():
    """State says running while startContainer hooks run."""

    class Release(steps.Step):
        def run(self, made):
            os.close(made.created_lock)

    init.PROGRAM.insert(0, Release())


@mutant("runtime.state.status.running")
def created_while_it_runs():
    """State says created though the program runs."""
    reported_as(RUNNING, CREATED)


# All operations go by the status.
@mutant(
    "runtime.state.status.running",
    "runtime.kill.sends-specified-signal",
    "runtime.delete.running-errors",
)
def a_process_ends_with_its_first_thread():
    """A process of which /proc/PID/stat shows a zombie has stopped, though other threads run."""

    def open_process(original, pid, started):
        pidfd = original(pid, started)
        if pidfd is not None and "State:\tZ" in status_of(pid):
            os.close(pidfd)
            return None
        return pidfd

    wrap(processes, "open_process", open_process)


def status_of(pid):
    with open(f"/proc/{pid}/status") as file:
        return file.read()


@mutant("runtime.state.status.stopped")
def running_after_its_end():
    """State says running though the program has exited."""
    reported_as(STOPPED, RUNNING)


# What is stopped before start is stopped all the same.
@mutant("runtime.state.status.stopped-killed-before-start", also=["runtime.state.status.stopped"])
def created_after_its_end():
    """State says created though the process is gone."""
    reported_as(STOPPED, CREATED)


@mutant("runtime.state.status.custom-values-new-states-only")
def exited_for_stopped():
    """State says exited where the specification says stopped."""
    reported_as(STOPPED, "exited")


# Nothing can be judged without the operation.
@mutant("runtime.operations.state.supported", also=["*"])
def there_is_no_state():
    """The runtime has no state command."""
    without_command("state")


@mutant("runtime.operations.create.supported", also=["*"])
def there_is_no_create():
    """The runtime has no create command."""
    without_command("create")


@mutant("runtime.operations.start.supported", also=["*"])
def there_is_no_start():
    """The runtime has no start command."""
    without_command("start")


@mutant("runtime.operations.kill.supported", also=["*"])
def there_is_no_kill():
    """The runtime has no kill command."""
    without_command("kill")


@mutant("runtime.operations.delete.supported", also=["*"])
def there_is_no_delete():
    """The runtime has no delete command."""
    without_command("delete")


@mutant("runtime.state-op.no-id-errors")
def state_without_id_shows_some_container():
    """State without an ID prints the state of the first container that it finds."""

    def parse(original, arguments):
        if command() == "state" and not any(arguments.words):
            arguments.words = sorted(os.listdir(arguments.root))[:1]
        original(arguments)

    wrap(command_line, "parse_operation", parse)


@mutant("runtime.state-op.nonexistent-errors")
def what_is_unknown_has_stopped():
    """State of an unknown ID says stopped."""

    def load(original, root, identifier):
        try:
            return original(root, identifier)
        except errors.OperationError:
            return container.Container(root, identifier, {"phase": CREATED, "bundle": "/"})

    wrap(container, "load", load)


@mutant("runtime.state-op.returns-state")
def the_state_is_a_list():
    """State prints an array."""
    wrap(op_state.jsonlite, "dumps", _listed)


def _listed(original, value):
    return original([value] if command() == "state" else value)


# Whatever needs two containers at once notices it: that each has an ID of its own, and that an
# operation on one leaves the other as it was.
@mutant("runtime.scope.creator-can-operate", also=["runtime.state.id.*", "runtime.create.*"])
def the_latest_container_hides_the_others():
    """Operations find no container but the one that was created last."""

    def load(original, root, identifier):
        found = original(root, identifier)
        locks = {name: f"{root}/{name}/{container.LOCK}" for name in os.listdir(root)}
        made = {
            name: os.stat(path).st_ctime_ns for name, path in locks.items() if os.path.isfile(path)
        }
        if made and max(made, key=lambda name: made[name]) != identifier:
            raise container.does_not_exist(identifier)
        return found

    wrap(container, "load", load)


# A case that sends one signal and then another one has the second refused.
@mutant("runtime.scope.creator-can-operate", also=["runtime.kill.*"])
def one_signal_is_all_that_a_caller_may_send():
    """The second kill of a container does not find it."""

    def run(original, arguments):
        original(arguments)
        with open(f"{arguments.root}/{arguments.id}/{SENT}", "x"):
            pass

    def load(original, root, identifier):
        if command() == "kill" and os.path.exists(f"{root}/{identifier}/{SENT}"):
            raise container.does_not_exist(identifier)
        return original(root, identifier)

    wrap(op_kill, "run", run)
    wrap(container, "load", load)
