"""Mutants of runtime.md: the hooks of the lifecycle, and what follows when one fails."""

from __future__ import annotations

import os
import signal

from reference_runtime import container, destroy, errors, hooks, init, op_create, op_start
from tests.mutants.breaking import command, mutant, skip, wrap


def only_the_first(kind):
    """Run the first hook of a kind, no other."""

    def run_all(original, given, entries, state):
        original(given, entries[:1] if given == kind else entries, state)

    wrap(hooks, "run_all", run_all)


def with_failures_ignored(kind):
    """Go on when a hook of this kind fails."""

    def run_all(original, given, entries, state):
        try:
            original(given, entries, state)
        except errors.HookError:
            if given != kind:
                raise

    wrap(hooks, "run_all", run_all)


def with_failures_told_at_the_end(kind):
    """Run the hooks behind one that fails, and err then."""

    def run_all(original, given, entries, state):
        failures = []
        for entry in entries if given == kind else []:
            try:
                original(given, [entry], state)
            except errors.HookError as failure:
                failures.append(failure)
        if given != kind:
            original(given, entries, state)
        if failures:
            raise failures[0]

    wrap(hooks, "run_all", run_all)


@mutant("runtime.lifecycle.prestart.invoked")
def one_prestart_hook_runs():
    """Of the prestart hooks only the first one runs."""
    only_the_first("prestart")


@mutant("runtime.lifecycle.create-runtime.invoked")
def one_create_runtime_hook_runs():
    """Of the createRuntime hooks only the first one runs."""
    only_the_first("createRuntime")


@mutant("runtime.lifecycle.create-container.invoked")
def one_create_container_hook_runs():
    """Of the createContainer hooks only the first one runs."""
    only_the_first("createContainer")


@mutant("runtime.lifecycle.start-container.invoked")
def one_start_container_hook_runs():
    """Of the startContainer hooks only the first one runs."""
    only_the_first("startContainer")


@mutant("runtime.lifecycle.poststart.invoked")
def one_poststart_hook_runs():
    """Of the poststart hooks only the first one runs."""
    only_the_first("poststart")


@mutant("runtime.lifecycle.prestart.in-start", also=["runtime.lifecycle.prestart.*"])
def failing_prestart_hooks_were_ignored():
    """Neither create nor start errs when a prestart hook fails."""
    with_failures_ignored("prestart")


@mutant("runtime.lifecycle.prestart.failure-errors", also=["runtime.lifecycle.prestart.*"])
def failing_prestart_hooks_are_ignored():
    """Create goes on when a prestart hook fails."""
    with_failures_ignored("prestart")


@mutant(
    "runtime.lifecycle.create-runtime.failure-errors", also=["runtime.lifecycle.create-runtime.*"]
)
def failing_create_runtime_hooks_are_ignored():
    """Create goes on when a createRuntime hook fails."""
    with_failures_ignored("createRuntime")


@mutant(
    "runtime.lifecycle.create-container.failure-errors",
    also=["runtime.lifecycle.create-container.*"],
)
def failing_create_container_hooks_are_ignored():
    """Create goes on when a createContainer hook fails."""
    with_failures_ignored("createContainer")


@mutant(
    "runtime.lifecycle.start-container.failure-errors",
    also=["runtime.lifecycle.start-container.*"],
)
def failing_start_container_hooks_are_ignored():
    """Start goes on when a startContainer hook fails."""
    with_failures_ignored("startContainer")


@mutant("runtime.lifecycle.poststart.failure-errors", also=["runtime.lifecycle.poststart.*"])
def failing_poststart_hooks_are_ignored():
    """Start succeeds when a poststart hook fails, as in the releases before 1.3.0."""
    with_failures_ignored("poststart")


@mutant("runtime.lifecycle.poststart.failure-warns")
def failing_poststart_hooks_end_start():
    """As release 1.3.0 has it."""


@mutant("runtime.lifecycle.prestart.failure-skips-later-steps")
def all_prestart_hooks_run():
    """The prestart hooks behind one that fails run."""
    with_failures_told_at_the_end("prestart")


@mutant("runtime.lifecycle.create-runtime.failure-skips-later-steps")
def all_create_runtime_hooks_run():
    """The createRuntime hooks behind one that fails run."""
    with_failures_told_at_the_end("createRuntime")


@mutant("runtime.lifecycle.create-container.failure-skips-later-steps")
def all_create_container_hooks_run():
    """The createContainer hooks behind one that fails run."""
    with_failures_told_at_the_end("createContainer")


@mutant("runtime.lifecycle.start-container.failure-skips-later-steps")
def all_start_container_hooks_run():
    """The startContainer hooks behind one that fails run."""
    with_failures_told_at_the_end("startContainer")


@mutant("runtime.lifecycle.poststart.failure-skips-later-steps")
def all_poststart_hooks_run():
    """The poststart hooks behind one that fails run."""
    with_failures_told_at_the_end("poststart")


# A container that is still there is neither stopped nor destroyed, nor are its later hooks spared.
@mutant(
    "runtime.lifecycle.prestart.failure-stops",
    "runtime.lifecycle.create-runtime.failure-stops",
    "runtime.lifecycle.create-container.failure-stops",
    also=["runtime.lifecycle.prestart.*", "runtime.lifecycle.create-*"],
)
def a_failing_hook_leaves_the_container_created():
    """Create errs when a hook fails, and the container is there all the same."""

    def hook_step(original, self, made):
        try:
            original(self, made)
        except errors.HookError as failure:
            with open(f"{made.container.directory}/failed", "w", encoding="utf-8") as file:
                file.write(str(failure))

    def run(original, arguments):
        original(arguments)
        if os.path.exists(f"{arguments.root}/{arguments.id}/failed"):
            message = "a hook has failed"
            raise errors.OperationError(message)

    wrap(op_create.RuntimeHooks, "run", hook_step)
    wrap(init.CreateContainerHooks, "run", hook_step)
    wrap(op_create, "run", run)


# A hook that is aborted, or cannot be executed, fails like any other.
@mutant(
    "runtime.lifecycle.start-container.failure-stops",
    also=[
        "config.hooks.entry.timeout-aborts",
        "config.hooks.start-container.path-namespace",
        "runtime.lifecycle.start-container.*",
    ],
)
def a_failing_hook_leaves_init_waiting():
    """Start errs when a startContainer hook fails, and the container process lives on."""

    def hook_step(original, self, made):
        try:
            original(self, made)
        except errors.HookError as failure:
            made.there.send_error(failure)
            made.there.close()
            while True:
                signal.pause()

    def execute(original, target):
        try:
            original(target)
        except errors.HookError:
            skip(destroy, "stop")
            skip(destroy, "undo_create")
            raise

    wrap(init.StartContainerHooks, "run", hook_step)
    wrap(op_start, "execute", execute)


@mutant("runtime.lifecycle.poststart.failure-stops", also=["runtime.lifecycle.poststart.*"])
def a_failing_poststart_hook_leaves_the_program_running():
    """Start errs when a poststart hook fails, and the program runs on."""
    if command() == "start":
        skip(destroy, "stop")
        skip(destroy, "undo_create")


@mutant(
    "runtime.lifecycle.prestart.failure-destroys",
    "runtime.lifecycle.create-runtime.failure-destroys",
    "runtime.lifecycle.create-container.failure-destroys",
    also=["runtime.errors.rollback", "runtime.create.*"],
)
def a_failed_create_is_not_undone():
    """Create leaves a stopped container behind."""
    if command() == "create":
        skip(container.Container, "remove")


@mutant(
    "runtime.lifecycle.start-container.failure-destroys",
    "runtime.lifecycle.poststart.failure-destroys",
)
def a_failed_start_leaves_a_stopped_container():
    """Start leaves a stopped container behind."""
    if command() == "start":
        skip(destroy, "undo_create")


@mutant(
    "runtime.lifecycle.prestart.failure-runs-poststop",
    "runtime.lifecycle.create-runtime.failure-runs-poststop",
    "runtime.lifecycle.create-container.failure-runs-poststop",
)
def a_failed_create_runs_no_poststop_hooks():
    """Create cleans up without running the poststop hooks."""
    if command() == "create":
        skip(destroy, "run_poststop_hooks")


@mutant(
    "runtime.lifecycle.start-container.failure-runs-poststop",
    "runtime.lifecycle.poststart.failure-runs-poststop",
)
def a_failed_start_runs_no_poststop_hooks():
    """Start cleans up without running the poststop hooks."""
    if command() == "start":
        skip(destroy, "run_poststop_hooks")
