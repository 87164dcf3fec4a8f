"""Mutants of config.md: when hooks are called."""

from __future__ import annotations

import os

from reference_runtime import container, destroy, hooks, init, op_create, op_start
from reference_runtime.op_create import STEPS, FinishRoot, Fork, MakeEnvironment, RuntimeHooks
from tests.mutants.breaking import drop, mutant, position, skip, wrap


def taken_out():
    """Take the steps of the prestart and createRuntime hooks out of create."""
    return [STEPS.pop(position(STEPS, RuntimeHooks)) for _ in range(2)]


def moved_before(step):
    """Run prestart and createRuntime hooks before another step of create."""
    steps = taken_out()
    where = position(STEPS, step)
    STEPS[where:where] = steps


def moved_behind(step):
    """Run prestart and createRuntime hooks after another step of create."""
    steps = taken_out()
    where = position(STEPS, step) + 1
    STEPS[where:where] = steps


def run_by_start(*kinds):
    """Run hooks of these kinds by start: return what does, given the container."""

    def first_record(original, made, arguments):
        record = original(made, arguments)
        record["hooks"].update({kind: made.hooks.get(kind, []) for kind in kinds})
        return record

    wrap(op_create.preparation, "first_record", first_record)

    def run(target):
        for kind in kinds:
            hooks.run_all(kind, target.record["hooks"][kind], target.document(container.CREATED))

    return run


def in_background(act):
    """Act in a process of its own that nobody waits for."""
    if os.fork() == 0:
        try:
            act()
        finally:
            os._exit(0)


@mutant("config.hooks.prestart.timing.after-start", also=["config.hooks.*", "runtime.*"])
def the_program_runs_without_prestart_hooks():
    """prestart hooks are not called, neither before nor after the program."""
    del STEPS[position(STEPS, RuntimeHooks)]


@mutant(
    "config.hooks.prestart.timing.during-create",
    "config.hooks.create-runtime.timing.during-create",
    also=["config.hooks.*", "runtime.lifecycle.*"],
)
def create_time_hooks_are_called_by_start():
    """prestart and createRuntime hooks are called by start."""
    taken_out()
    run = run_by_start("prestart", "createRuntime")

    def execute(original, target):
        run(target)
        original(target)

    wrap(op_start, "execute", execute)


@mutant(
    "config.hooks.create-container.timing.during-create",
    also=["config.hooks.*", "runtime.lifecycle.*"],
)
def create_container_hooks_are_called_by_start():
    """createContainer hooks are called by start."""
    drop(init.ROOT, init.CreateContainerHooks)
    run = run_by_start("createContainer")

    def execute(original, target):
        run(target)
        original(target)

    wrap(op_start, "execute", execute)


@mutant(
    "config.hooks.prestart.timing.after-environment",
    "config.hooks.create-runtime.timing.after-environment",
    "config.hooks.create-runtime.timing.mounts-performed",
    also=["config.hooks.*", "runtime.lifecycle.*"],
)
def hooks_are_called_before_there_is_a_process():
    """prestart and createRuntime hooks are called before the namespaces are made."""
    moved_before(Fork)


@mutant("config.hooks.create-runtime.timing.mounts-performed", also=["config.hooks.*"])
def hooks_are_called_before_the_mounts():
    """prestart and createRuntime hooks are called before the mounts are performed."""
    moved_before(MakeEnvironment)


@mutant(
    "config.hooks.create-container.timing.after-environment",
    "config.hooks.create-container.timing.mounts-set-up",
    also=["config.hooks.*"],
)
def create_container_hooks_are_called_before_the_mounts():
    """createContainer hooks are called before the mounts are performed."""
    step = init.ROOT.pop(position(init.ROOT, init.CreateContainerHooks))
    init.ENVIRONMENT.insert(position(init.ENVIRONMENT, init.PrepareRoot), step)


@mutant(
    "config.hooks.prestart.timing.before-pivot",
    "config.hooks.create-runtime.timing.before-pivot",
    also=["config.hooks.*"],
)
def hooks_are_called_when_the_root_is_changed():
    """prestart and createRuntime hooks are called after pivot_root."""
    moved_behind(FinishRoot)


@mutant("config.hooks.create-container.timing.after-create-runtime", also=["config.hooks.*"])
def create_container_hooks_are_called_first():
    """createRuntime hooks are called after createContainer hooks."""
    moved_behind(FinishRoot)


@mutant("config.hooks.create-container.timing.before-pivot", also=["config.hooks.*"])
def create_container_hooks_are_called_in_the_root():
    """createContainer hooks are called with the container's root for theirs."""

    def run(original, self, creation):
        root = creation.rootfs
        if os.fork() == 0:
            # There has to be a program, and the log that it writes to.
            for hook in creation.hooks.get("createContainer", []):
                hook["path"] = "/probe"
            os.makedirs(root + root)
            os.symlink("/log", f"{root}{root}/log")
            os.chroot(root)
            original(self, creation)
            os._exit(0)
        os.wait()

    wrap(init.CreateContainerHooks, "run", run)


@mutant("config.hooks.prestart.timing.before-create-runtime", also=["runtime.lifecycle.*"])
def prestart_hooks_are_called_second():
    """prestart hooks are called after createRuntime hooks."""
    first, second = taken_out()
    where = position(STEPS, FinishRoot)
    STEPS[where:where] = [second, first]


@mutant("config.hooks.start-container.timing.during-start", also=["config.hooks.*"])
def start_container_hooks_are_called_by_create():
    """startContainer hooks are called by create."""
    init.ROOT.append(init.PROGRAM.pop(position(init.PROGRAM, init.StartContainerHooks)))


@mutant("config.hooks.start-container.timing.before-program", also=["config.hooks.*"])
def the_program_does_not_wait_for_hooks():
    """The program is executed while startContainer hooks run."""

    def run(original, self, creation):
        in_background(lambda: original(self, creation))

    wrap(init.StartContainerHooks, "run", run)


@mutant(
    "config.hooks.poststart.timing.after-program-exec",
    also=["config.hooks.poststart.*", "runtime.lifecycle.*"],
)
def poststart_hooks_are_called_before_the_program():
    """poststart hooks are called before the program is executed."""
    run_hooks = op_start.run_poststart_hooks

    def execute(original, target):
        run_hooks(target)
        original(target)

    wrap(op_start, "execute", execute)
    skip(op_start, "run_poststart_hooks")


@mutant("config.hooks.poststart.timing.before-start-returns", also=["config.hooks.*"])
def start_does_not_wait_for_hooks():
    """Start returns while poststart hooks run."""

    def run(original, target):
        in_background(lambda: original(target))

    wrap(op_start, "run_poststart_hooks", run)


@mutant("config.hooks.poststop.timing.before-delete-returns", also=["config.hooks.*"])
def delete_does_not_wait_for_hooks():
    """Delete returns while poststop hooks run."""

    def run(original, *arguments):
        in_background(lambda: original(*arguments))

    wrap(hooks, "run_poststop", run)


@mutant("config.hooks.poststop.timing.after-delete")
def poststop_hooks_are_called_first():
    """poststop hooks are called while the container is still there."""
    run_hooks = destroy.run_poststop_hooks

    def undo(original, target):
        run_hooks(target)
        original(target)

    wrap(destroy, "undo_create", undo)
    skip(destroy, "run_poststop_hooks")
