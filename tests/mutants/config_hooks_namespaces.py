"""Mutants of config.md: where hooks are looked up and executed."""

from __future__ import annotations

import os

from reference_runtime import container, hooks, init, op_create, op_start, syscalls
from tests.mutants.breaking import drop, mutant, position, wrap
from tests.mutants.config_hooks import IN_CREATE, changed, in_child


def looked_up_in_the_root(*kinds):
    """Look the path of hooks of these kinds up in the container's root filesystem."""

    def change(kind, hook, state):
        inside = f"{state['bundle']}/rootfs{hook['path']}"
        return {**hook, "path": inside} if kind in kinds else hook, state

    changed(change)


@mutant(
    "config.hooks.prestart.path-namespace",
    "config.hooks.create-runtime.path-namespace",
    "config.hooks.create-container.path-namespace",
    "config.hooks.poststart.path-namespace",
    "config.hooks.poststop.path-namespace",
    also=["config.hooks.*"],
)
def paths_are_looked_up_in_the_container():
    """Hooks are files of the container."""
    looked_up_in_the_root(*IN_CREATE, "poststart", "poststop")


def run_by_start(kind):
    """Have start run the hooks of this kind, by the runtime and before the program."""

    def first_record(original, made, arguments):
        record = original(made, arguments)
        record["hooks"][kind] = made.hooks.get(kind, [])
        return record

    def execute(original, target):
        hooks.run_all(kind, target.record["hooks"][kind], target.document(container.CREATED))
        original(target)

    wrap(op_create.preparation, "first_record", first_record)
    wrap(op_start, "execute", execute)


@mutant("config.hooks.start-container.path-namespace", also=["config.hooks.*"])
def start_container_hooks_are_run_by_the_runtime():
    """startContainer hooks are files of the host, and are executed there."""
    drop(init.PROGRAM, init.StartContainerHooks)
    run_by_start("startContainer")


@mutant(
    "config.hooks.prestart.exec-namespace",
    "config.hooks.create-runtime.exec-namespace",
    also=["config.hooks.*"],
)
def hooks_of_the_runtime_are_run_in_the_container():
    """prestart and createRuntime hooks are executed in the container's namespaces."""
    for _ in range(2):
        drop(op_create.STEPS, op_create.RuntimeHooks)

    def run(original, self, creation):
        for kind in IN_CREATE[:2]:
            state = creation.container.document(container.CREATING, os.getpid())
            hooks.run_all(kind, creation.hooks.get(kind, []), state)
        original(self, creation)

    wrap(init.CreateContainerHooks, "run", run)


# The state says the pid that the container process has where the hook is run.
@mutant(
    "config.hooks.create-container.exec-namespace",
    also=["config.hooks.create-container.*", "runtime.state.pid.container-namespace-hooks"],
)
def create_container_hooks_are_run_in_the_runtime_namespace():
    """createContainer hooks are executed in the runtime's namespaces."""
    drop(init.ROOT, init.CreateContainerHooks)
    before = position(op_create.STEPS, op_create.FinishRoot)
    op_create.STEPS.insert(before, op_create.RuntimeHooks("createContainer", 5))


@mutant("config.hooks.poststart.exec-namespace")
def poststart_hooks_are_run_in_the_container():
    """poststart hooks are executed in the container's uts namespace."""

    def run(original, target):
        namespace = os.open(f"/proc/{target.record['pid']}/ns/uts", os.O_RDONLY)
        syscalls.setns(namespace, 0)
        original(target)

    wrap(op_start, "run_poststart_hooks", run)


@mutant("config.hooks.poststop.exec-namespace")
def poststop_hooks_are_run_in_a_namespace_of_their_own():
    """poststop hooks are executed in a new uts namespace."""

    def run(original, *arguments):
        syscalls.unshare(syscalls.CLONE_NEWUTS)
        original(*arguments)

    wrap(hooks, "run_poststop", run)


@mutant("config.hooks.start-container.exec-namespace")
def start_container_hooks_are_run_in_a_namespace_of_their_own():
    """startContainer hooks are executed in the container, but for a new uts namespace."""

    def run(original, self, creation):
        def apart():
            syscalls.unshare(syscalls.CLONE_NEWUTS)
            original(self, creation)

        os.waitpid(in_child(apart), 0)

    wrap(init.StartContainerHooks, "run", run)
