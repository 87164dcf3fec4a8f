"""Mutants of runtime.md: create."""

from __future__ import annotations

import os

from reference_runtime import (
    cgroups,
    command_line,
    container,
    destroy,
    errors,
    hooks,
    init,
    jsonlite,
    mounts,
    namespaces,
    op_create,
    op_start,
    preparation,
    steps,
    syscalls,
    sysctls,
)
from tests.mutants.breaking import command, drop, mutant, skip, wrap


def taken_for_done(owner, name, *, when=True):
    """End the operation with success where a function errs."""

    def run(original, *arguments):
        try:
            return original(*arguments)
        except errors.OperationError:
            if when is True or command() == when:
                raise SystemExit(0) from None
            raise

    wrap(owner, name, run)


@mutant("runtime.create.no-bundle-errors", also=["bundle.config.*"])
def a_missing_bundle_is_taken_for_done():
    """Create without a bundle succeeds and makes nothing."""

    def prepare(original, arguments):
        if not os.path.exists(f"{arguments.bundle}/config.json"):
            raise SystemExit(0)
        return original(arguments)

    wrap(preparation, "prepare", prepare)


@mutant("runtime.create.no-id-errors")
def create_without_an_id_is_taken_for_done():
    """Create without an ID succeeds and makes nothing."""
    taken_for_done(command_line, "parse_operation", when="create")
    taken_for_done(container, "check_id", when="create")


@mutant("runtime.create.duplicate-id-no-container")
def hooks_of_a_refused_create_run():
    """A create that is refused for its ID runs the poststop hooks of its bundle."""

    def claim(original, root, identifier, record):
        try:
            return original(root, identifier, record)
        except errors.OperationError:
            hooks.run_poststop(record["hooks"]["poststop"], {})
            container.load(root, identifier).remove()
            raise

    wrap(container, "claim", claim)


@mutant("runtime.create.invalid-id-errors")
def an_odd_id_is_straightened():
    """A container whose ID has slashes or dots goes by another one."""

    def parse(original, arguments):
        original(arguments)
        arguments.id = arguments.id.replace("/", "_").strip(".")

    wrap(command_line, "parse_operation", parse)


@mutant("runtime.create.invalid-id-no-container")
def an_invalid_id_leaves_a_directory():
    """A create that is refused for its ID has made the directory of the container."""

    def run(original, arguments):
        try:
            original(arguments)
        except errors.OperationError:
            os.makedirs(f"{arguments.root}/{arguments.id[:200]}", exist_ok=True)
            raise

    wrap(op_create, "run", run)


@mutant("runtime.create.creates", also=["runtime.*", "config.*", "linux.*"])
def create_only_takes_a_note():
    """Create makes nothing: it leaves that to start."""

    def run(_original, arguments):
        made = preparation.prepare(arguments)
        record = {**preparation.first_record(made, arguments), "phase": container.CREATED}
        container.claim(arguments.root, arguments.id, record)

    wrap(op_create, "run", run)


@mutant("runtime.create.properties-applied")
def the_hostname_is_set_at_start():
    """Create leaves the hostname to start."""
    drop(init.ENVIRONMENT, init.Names)
    init.PROGRAM.insert(0, init.Names())


@mutant(
    "runtime.create.args-not-applied",
    "runtime.lifecycle.create.program-not-run",
    also=["runtime.*", "config.*", "linux.*"],
)
def create_starts_the_program():
    """Create does what start should, and start then finds nothing left to do."""

    def run(original, arguments):
        original(arguments)
        op_start.run(arguments)

    def start(original, arguments):
        if command() != "start":
            original(arguments)

    wrap(op_create, "run", run)
    wrap(op_start, "run", start)


@mutant("runtime.create.cannot-apply-errors")
def sysctls_that_cannot_be_set_are_ignored():
    """A sysctl that the kernel refuses is not set, and nobody is told."""

    def apply(original, made):
        try:
            original(made)
        except errors.OperationError:
            return

    wrap(sysctls, "apply", apply)


@mutant(
    "runtime.lifecycle.create.failure-errors",
    also=[
        "config.mounts.type.unknown-errors",
        "runtime.create.cannot-apply-errors",
        "runtime.create.cannot-apply-no-container",
    ],
)
def mounts_that_fail_are_left_out():
    """What cannot be mounted is not there, and nobody is told."""

    def mount_all(original, made):
        try:
            original(made)
        except errors.OperationError:
            return

    wrap(mounts, "mount_all", mount_all)


@mutant("runtime.create.cannot-apply-no-container")
def a_failed_create_leaves_its_record():
    """After a create that failed, state finds a stopped container."""
    if command() == "create":
        skip(container.Container, "remove")


@mutant("runtime.errors.rollback")
def a_failed_create_leaves_its_cgroups():
    """After a create that failed, the cgroups are still there."""
    if command() == "create":
        skip(cgroups, "remove")


@mutant("runtime.create.config-changes-no-effect")
def delete_reads_the_configuration_again():
    """The poststop hooks are those that config.json names when delete is called."""

    def run(original, target):
        with open(f"{target.record['bundle']}/config.json", "rb") as file:
            config = jsonlite.loads(file.read())
        target.record["hooks"]["poststop"] = config.get("hooks", {}).get("poststop", [])
        original(target)

    wrap(destroy, "run_poststop_hooks", run)


@mutant("runtime.lifecycle.config-frozen")
def state_reads_the_configuration_again():
    """The annotations are those of config.json when state is called."""

    def document(original, self, status, pid=None):
        if command() == "state":
            with open(f"{self.record['bundle']}/config.json", "rb") as file:
                self.record["annotations"] = jsonlite.loads(file.read()).get("annotations", {})
        return original(self, status, pid)

    wrap(container.Container, "document", document)


@mutant("runtime.lifecycle.create.resources-created", also=["linux.cgroups*", "linux.resources*"])
def no_cgroups_are_made():
    """The container stays in the cgroups of the runtime's caller."""
    drop(op_create.STEPS, op_create.Cgroups)


@mutant("runtime.lifecycle.hook-order.phases")
def create_container_hooks_come_first():
    """createContainer hooks run before createRuntime hooks."""
    drop(init.ROOT, init.CreateContainerHooks)
    init.ENVIRONMENT.append(init.CreateContainerHooks())


@mutant("runtime.lifecycle.create.environment-per-config")
def the_ipc_namespace_is_made_at_start():
    """Create leaves the ipc namespace to start."""
    del namespaces.FLAGS["ipc"]

    class Unshare(steps.Step):
        def run(self, made):
            if made.has_new_namespace("ipc"):
                syscalls.unshare(syscalls.CLONE_NEWIPC)

    init.PROGRAM.insert(0, Unshare())
