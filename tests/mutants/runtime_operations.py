"""Mutants of runtime.md: start, kill, delete."""

from __future__ import annotations

import os
import signal

from reference_runtime import (
    cgroups,
    command_line,
    container,
    destroy,
    errors,
    hooks,
    op_create,
    op_delete,
    op_kill,
    op_start,
    processes,
    shared_mounts,
    signals,
    syscalls,
)
from tests.mutants.breaking import command, mutant, skip, wrap


def succeeding_where(operation, owner, name):
    """End this operation with success where a function errs."""

    def run(original, *arguments):
        try:
            return original(*arguments)
        except errors.OperationError:
            if command() == operation:
                raise SystemExit(0) from None
            raise

    wrap(owner, name, run)


def succeeding_when(status, owner, name):
    """End an operation with success where a function would refuse this status."""

    def check(original, target):
        if target.status() == status:
            raise SystemExit(0)
        original(target)

    wrap(owner, name, check)


@mutant("runtime.start.no-id-errors")
def start_without_an_id_succeeds():
    """Start without an ID does nothing."""
    succeeding_where("start", command_line, "parse_operation")
    succeeding_where("start", container, "check_id")


@mutant("runtime.kill.no-id-errors")
def kill_without_an_id_succeeds():
    """Kill without an ID does nothing."""
    succeeding_where("kill", command_line, "parse_operation")
    succeeding_where("kill", container, "check_id")


@mutant("runtime.delete.no-id-errors")
def delete_without_an_id_succeeds():
    """Delete without an ID does nothing."""
    succeeding_where("delete", command_line, "parse_operation")
    succeeding_where("delete", container, "check_id")


@mutant("runtime.start.nonexistent-errors")
def start_of_an_unknown_id_succeeds():
    """There is nothing to start, so it is done."""
    succeeding_where("start", container, "load")


@mutant("runtime.kill.nonexistent-errors")
def kill_of_an_unknown_id_succeeds():
    """There is nothing to kill, so it is done."""
    succeeding_where("kill", container, "load")


@mutant("runtime.delete.nonexistent-errors")
def delete_of_an_unknown_id_succeeds():
    """There is nothing to delete, so it is done."""
    succeeding_where("delete", container, "load")


@mutant("runtime.start.running-errors")
def a_second_start_succeeds():
    """Start of a running container does nothing."""
    succeeding_when(container.RUNNING, op_start, "refuse_unless_created")


@mutant("runtime.start.stopped-errors")
def start_of_a_stopped_container_succeeds():
    """Start of a stopped container does nothing."""
    succeeding_when(container.STOPPED, op_start, "refuse_unless_created")


@mutant("runtime.start.not-created-no-effect")
def a_refused_start_stops_the_container():
    """Start of a running container kills it in its error path."""

    def check(original, target):
        try:
            original(target)
        except errors.OperationError:
            destroy.stop(target)
            raise

    wrap(op_start, "refuse_unless_created", check)


@mutant(
    "runtime.start.runs-program",
    "runtime.lifecycle.start.runs-program",
    also=["runtime.*", "config.*", "linux.*"],
)
def start_runs_nothing():
    """Start returns success; the program never runs."""
    skip(op_start, "execute")


@mutant("runtime.start.process-unset-errors")
def nothing_to_start_is_no_error():
    """Start succeeds if the configuration has no process."""

    def check(original, target):
        if not target.record["hasProcess"]:
            raise SystemExit(0)
        original(target)

    wrap(op_start, "refuse_unless_created", check)


@mutant("runtime.kill.stopped-errors")
def a_stopped_container_takes_signals():
    """Kill of a stopped container succeeds."""
    skip(op_kill, "not_running", SystemExit(0))


@mutant("runtime.kill.stopped-no-effect")
def a_refused_kill_deletes_the_container():
    """Kill of a stopped container forgets it."""

    def not_running(original, target):
        target.remove()
        return original(target)

    wrap(op_kill, "not_running", not_running)


@mutant("runtime.kill.created-container")
def a_created_container_is_refused():
    """Only a running container can be sent a signal."""

    def run(original, arguments):
        target = container.load(arguments.root, arguments.id)
        if target.status() == container.CREATED:
            raise op_kill.not_running(target)
        original(arguments)

    wrap(op_kill, "run", run)


@mutant("runtime.kill.sends-specified-signal")
def signals_are_swallowed():
    """Kill reports success and sends nothing."""
    skip(processes, "send_signal")


@mutant("runtime.kill.to-container-process")
def the_youngest_process_is_sent_the_signal():
    """Kill signals the process that was forked last."""

    def open_process(original, self):
        members = cgroups.members(self.record.get("cgroups", []))
        if command() != "kill" or not members:
            return original(self)
        return os.pidfd_open(max(members))

    wrap(container.Container, "open_process", open_process)


@mutant("runtime.kill.unknown-signal-errors")
def an_unknown_signal_is_term():
    """A name that is no signal's is taken for TERM."""

    def number(original, name):
        try:
            return original(name)
        except errors.OperationError:
            return signal.SIGTERM

    wrap(signals, "number", number)


def deleting_by_force(status):
    """Have delete stop a container of this status."""

    def check(original, target):
        if target.status() == status:
            destroy.stop(target)
        else:
            original(target)

    wrap(op_delete, "refuse_unless_stopped", check)


@mutant("runtime.delete.created-errors", also=["runtime.delete.created-no-effect"])
def delete_kills_what_is_created():
    """Delete of a created container stops it."""
    deleting_by_force(container.CREATED)


@mutant("runtime.delete.running-errors", also=["runtime.delete.running-no-effect"])
def delete_kills_what_is_running():
    """Delete of a running container stops it."""
    deleting_by_force(container.RUNNING)


@mutant("runtime.delete.created-no-effect", "runtime.delete.running-no-effect")
def a_refused_delete_runs_the_hooks():
    """Delete runs the poststop hooks before it looks at the status."""

    def check(original, target):
        try:
            original(target)
        except errors.OperationError:
            destroy.run_poststop_hooks(target)
            raise

    wrap(op_delete, "refuse_unless_stopped", check)


@mutant("runtime.delete.removes-created-resources.cgroup", "runtime.lifecycle.delete.undoes-create")
def one_hierarchy_is_forgotten():
    """Delete leaves the cgroup of one controller."""
    wrap(cgroups, "remove", lambda original, planned: original(planned[1:]))


@mutant("runtime.delete.removes-created-resources.cgroup")
def a_cgroup_with_another_in_it_stays():
    """Delete removes a cgroup only if the program has made none in it."""
    skip(cgroups, "_remove_tree")


@mutant("runtime.delete.removes-created-resources.state")
def the_state_stays():
    """Delete leaves the container's record."""
    if command() == "delete":
        skip(container.Container, "remove")


@mutant("runtime.delete.removes-created-resources.mounts")
def the_root_stays_mounted():
    """Create binds the root filesystem to itself on the host, and delete leaves it so."""

    def finish(original, self, made):
        syscalls.mount(made.rootfs, made.rootfs, None, syscalls.MS_BIND, None)
        original(self, made)

    wrap(op_create.Finish, "run", finish)


@mutant("runtime.delete.removes-created-resources.mounts")
def mounts_in_the_namespace_of_the_caller_stay():
    """What create has mounted for a container without a mount namespace is left there."""
    skip(shared_mounts, "detach")


@mutant("runtime.delete.removes-created-resources.namespaces")
def a_helper_keeps_the_namespaces():
    """A process that create has forked keeps the network namespace alive."""

    def finish(original, self, made):
        fd = os.open(f"/proc/{made.init_pid}/ns/net", os.O_RDONLY)
        if os.fork() == 0:
            os.setsid()
            syscalls.setns(fd, syscalls.CLONE_NEWNET)
            os.closerange(0, 1024)
            while True:
                signal.pause()
        original(self, made)

    wrap(op_create.Finish, "run", finish)


@mutant("runtime.delete.keeps-foreign-resources")
def joined_namespaces_are_unlinked():
    """Delete removes what the paths of namespaces name."""

    def finish(original, self, made):
        paths = [n["path"] for n in made.linux.get("namespaces", []) if "path" in n]
        made.container.record["mountedOver"] = []
        made.container.record["foreign"] = [p for p in paths if not p.startswith("/proc")]
        original(self, made)

    def remove(original, self):
        for path in self.record.get("foreign", []) if command() == "delete" else []:
            syscalls.umount2(path, syscalls.MNT_DETACH)
            os.unlink(path)
        original(self)

    wrap(op_create.Finish, "run", finish)
    wrap(container.Container, "remove", remove)


@mutant("runtime.delete.keeps-preexisting-cgroup")
def a_cgroup_of_others_is_removed():
    """Delete removes the cgroup that was there before create."""

    def remove(original, planned):
        original([{**entry, "made": entry["made"] or [entry["leaf"]]} for entry in planned])

    wrap(cgroups, "remove", remove)


# Whatever is told of hooks by those of poststop is not told.
@mutant(
    "runtime.lifecycle.poststop.invoked",
    also=[
        "config.extensibility.unknown-ignored",
        "config.hooks.*",
        "features.hooks.supported",
        "runtime.create.config-changes-no-effect",
        "runtime.lifecycle.*",
        "runtime.state.bundle.present",
        "runtime.state.annotations.reported",
        "runtime.state.oci-version.of-the-state",
        "runtime.warnings.flow-continues",
    ],
)
def delete_runs_no_hooks():
    """The poststop hooks are not run."""
    if command() == "delete":
        skip(destroy, "run_poststop_hooks")


@mutant("runtime.lifecycle.poststop.failure-remaining-hooks-run", "runtime.warnings.flow-continues")
def the_first_failing_poststop_hook_ends_it():
    """The poststop hooks behind one that fails do not run."""

    def run_poststop(_original, entries, state):
        try:
            hooks.run_all("poststop", entries, state)
        except errors.HookError:
            return

    wrap(hooks, "run_poststop", run_poststop)


@mutant("runtime.lifecycle.poststop.failure-delete-succeeds")
def a_failing_poststop_hook_is_an_error():
    """Delete errs when a poststop hook fails."""

    def run_poststop(_original, entries, state):
        hooks.run_all("poststop", entries, state)

    wrap(hooks, "run_poststop", run_poststop)
