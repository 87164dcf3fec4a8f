"""Mutants of config.md: kinds and entries of hooks, and what a hook is given."""

from __future__ import annotations

import os

from reference_runtime import container, errors, hooks
from tests.mutants.breaking import mutant, reads, skip, wrap

IN_CREATE = ("prestart", "createRuntime", "createContainer")


TOLD_BY_HOOKS = [
    "config.extensibility.unknown-ignored",
    "config.hooks.*",
    "features.hooks.supported",
    "runtime.create.config-changes-no-effect",
    "runtime.lifecycle.*",
    "runtime.state.*",
    "runtime.warnings.flow-continues",
]
"""What cases learn by hooks of each kind."""


def kind_of(name):
    """Return the kind of the hook at ``hooks.KIND[0]``."""
    return name.removeprefix("hooks.").partition("[")[0]


def never_called(kind):
    """Call no hooks of this kind."""

    def run_all(original, given, entries, state):
        original(given, [] if given == kind else entries, state)

    wrap(hooks, "run_all", run_all)


def changed(change):
    """Run each hook as ``change`` has it: given kind, entry and state, it returns the two."""

    def run(original, name, hook, state):
        hook, state = change(kind_of(name), dict(hook), dict(state))
        original(name, hook, state)

    wrap(hooks, "_run", run)


def told(status, *kinds):
    """Tell hooks of these kinds another status."""

    def change(kind, hook, state):
        return hook, {**state, "status": status} if kind in kinds else state

    changed(change)


def each_entry(change):
    """Take each entry for what ``change`` makes of it."""

    def every(config):
        for entries in config.get("hooks", {}).values():
            for entry in entries:
                change(entry)

    reads(every)


@mutant("config.hooks.prestart.supported", also=TOLD_BY_HOOKS)
def prestart_hooks_are_not_called():
    """prestart hooks are accepted, and not called."""
    never_called("prestart")


@mutant("config.hooks.create-runtime.supported", also=TOLD_BY_HOOKS)
def create_runtime_hooks_are_not_called():
    """createRuntime hooks are accepted, and not called."""
    never_called("createRuntime")


@mutant("config.hooks.create-container.supported", also=TOLD_BY_HOOKS)
def create_container_hooks_are_not_called():
    """createContainer hooks are accepted, and not called."""
    never_called("createContainer")


@mutant("config.hooks.start-container.supported", also=TOLD_BY_HOOKS)
def start_container_hooks_are_not_called():
    """startContainer hooks are accepted, and not called."""
    never_called("startContainer")


@mutant("config.hooks.poststart.supported", also=TOLD_BY_HOOKS)
def poststart_hooks_are_not_called():
    """poststart hooks are accepted, and not called."""
    never_called("poststart")


@mutant("config.hooks.poststop.supported", also=TOLD_BY_HOOKS)
def poststop_hooks_are_not_called():
    """poststop hooks are accepted, and not called."""
    skip(hooks, "run_poststop")


@mutant("config.hooks.entry.path-required")
def args_name_the_program():
    """An entry without a path is executed by the first of its args."""

    def change(entry):
        if not entry.get("path") and entry.get("args"):
            entry["path"] = entry["args"][0]

    each_entry(change)


@mutant("config.hooks.entry.path-absolute")
def relative_paths_begin_where_the_runtime_is_called():
    """A relative path is looked up in the working directory of the runtime's caller."""

    def change(entry):
        if entry.get("path"):
            entry["path"] = os.path.abspath(entry["path"])

    each_entry(change)


@mutant("config.hooks.entry.timeout-positive")
def without_time_there_is_no_timeout():
    """A timeout of zero or less is as good as none."""

    def change(entry):
        if entry.get("timeout", 1) <= 0:
            del entry["timeout"]

    each_entry(change)


@mutant("config.hooks.entry.path-execv", also=["config.hooks.*"])
def the_path_is_given_to_a_shell():
    """Hooks are command lines of a shell."""

    def change(_kind, hook, state):
        words = [hook["path"], *[f"'{word}'" for word in hook.get("args", [])[1:]]]
        return {**hook, "path": "/bin/sh", "args": ["sh", "-c", " ".join(words)]}, state

    changed(change)


@mutant("config.hooks.entry.args")
def the_first_argument_is_the_path():
    """The first of a hook's args is replaced by its path."""

    def change(_kind, hook, state):
        return {**hook, "args": [hook["path"], *hook.get("args", [])[1:]]}, state

    changed(change)


@mutant("config.hooks.entry.args-absent")
def args_are_required():
    """An entry without args is an error."""

    def change(entry):
        if "args" not in entry:
            message = "a hook needs args"
            raise errors.OperationError(message)

    each_entry(change)


@mutant("config.hooks.entry.env")
def the_environment_of_the_runtime_is_added():
    """A hook has the environment of the runtime beside its own."""

    def change(_kind, hook, state):
        return {**hook, "env": [*hook.get("env", []), "CONFORMANCE_CALLER=runtime"]}, state

    changed(change)


@mutant("config.hooks.entry.same-schema", also=["config.hooks.entry.env"])
def the_environment_of_poststop_hooks_is_ignored():
    """env is ignored of hooks of one kind."""

    def change(kind, hook, state):
        return {**hook, "env": []} if kind == "poststop" else hook, state

    changed(change)


@mutant("config.hooks.entry.timeout-aborts")
def an_aborted_hook_has_not_failed():
    """A hook that has run into its timeout is ended, and the operation goes on."""

    def run(original, *arguments):
        problem = original(*arguments)
        return "" if problem.startswith("was aborted") else problem

    wrap(hooks, "_spawn_and_wait", run)


# Which have run when one fails, and after it, is told by their order.
@mutant(
    "config.hooks.listed-order",
    also=["config.hooks.*", "runtime.lifecycle.*", "runtime.warnings.flow-continues"],
)
def hooks_are_called_backwards():
    """The last hook of a kind is called first."""

    def backwards(original, *arguments):
        *before, entries, state = arguments
        original(*before, entries[::-1], state)

    wrap(hooks, "run_all", backwards)
    wrap(hooks, "run_poststop", backwards)


@mutant("config.hooks.sequential", also=["config.hooks.listed-order"])
def hooks_are_called_at_once():
    """The hooks of a kind run at the same time."""

    def run_all(original, kind, entries, state):
        for pid in [in_child(lambda one=entry: original(kind, [one], state)) for entry in entries]:
            os.waitpid(pid, 0)

    wrap(hooks, "run_all", run_all)


def in_child(act):
    """Act in a process of its own."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(0)
    return pid


@mutant(
    "config.hooks.prestart.stdin-state",
    "config.hooks.create-runtime.stdin-state",
    "config.hooks.create-container.stdin-state",
    "config.hooks.start-container.stdin-state",
    "config.hooks.poststart.stdin-state",
    "config.hooks.poststop.stdin-state",
)
def annotations_are_not_told():
    """The state that hooks are given has no annotations."""

    def change(_kind, hook, state):
        state.pop("annotations", None)
        return hook, state

    changed(change)


@mutant("config.hooks.stdin-unread-tolerated")
def hooks_have_to_read_the_state():
    """A hook that does not read the whole state has failed."""

    def run(original, hook, stdin, output):
        problem = original(hook, stdin, output)
        unread = os.fstat(stdin).st_size - os.lseek(stdin, 0, os.SEEK_CUR)
        return problem or ("broken pipe" if unread > 65536 else "")  # what a pipe holds

    wrap(hooks, "_spawn_and_wait", run)


@mutant(
    "config.hooks.prestart.stdin-status",
    "config.hooks.create-runtime.stdin-status",
    "config.hooks.create-container.stdin-status",
)
def create_time_hooks_are_told_running():
    """Hooks of create are told that the program runs."""
    told(container.RUNNING, *IN_CREATE)


@mutant("config.hooks.prestart.stdin-status.in-start")
def prestart_hooks_were_told_running():
    """prestart hooks are told that the program runs."""
    told(container.RUNNING, "prestart")


@mutant("config.hooks.start-container.stdin-status")
def start_container_hooks_are_told_running():
    """startContainer hooks are told that the program runs."""
    told(container.RUNNING, "startContainer")


@mutant("config.hooks.poststart.stdin-status")
def poststart_hooks_are_told_created():
    """poststart hooks are told that the program has not been executed."""
    told(container.CREATED, "poststart")


@mutant("config.hooks.poststop.stdin-status")
def poststop_hooks_are_told_running():
    """poststop hooks are told that the program runs."""
    told(container.RUNNING, "poststop")
