"""The create operation (runtime.md#create; lifecycle, steps 1 to 5)."""

from __future__ import annotations

import gc
import os

from reference_runtime import (
    bpf,
    cgroup_v1,
    cgroup_v2,
    cgroups,
    channel,
    container,
    destroy,
    hooks,
    init,
    locks,
    namespaces,
    outside,
    preparation,
    process,
    processes,
    resources,
    shared_mounts,
    stage,
    steps,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal

    from reference_runtime.command_line import Arguments
    from reference_runtime.creation import Creation
else:
    import _signal as signal


_OF_CGROUPS = ("version", "controllers", "leaf", "made")  # what later operations need


def run(arguments: Arguments) -> None:
    """Create a container, or leave everything as it was."""
    container.check_id(arguments.id)
    if arguments.plan:
        from reference_runtime import plan

        plan.show(arguments)
        return
    made = preparation.prepare(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # undo before ending
    made.container = container.claim(
        arguments.root, arguments.id, preparation.first_record(made, arguments)
    )
    try:
        steps.run_all(STEPS, made)
    except BaseException:
        undo(made)
        raise
    made.container.release_lock()


def undo(made: Creation) -> None:
    """Leave the environment as it was (runtime.md#errors); after a hook go on at step 12."""
    if made.stage_pid:
        os.kill(made.stage_pid, signal.SIGKILL)
        os.waitpid(made.stage_pid, 0)
    if made.init_pid:
        processes.kill_and_wait(made.init_pid, made.init_started)
    if made.moves is not None:
        made.moves.undo()
    if "here" in vars(made):
        made.here.close()
    if made.pid_file_written:
        os.unlink(made.pid_file)
    destroy.undo_create(made.container)
    if made.hooks_have_run:
        destroy.run_poststop_hooks(made.container)


class PlanCgroups(steps.Step):
    """Decide where the cgroups will be; init, which may have to mount them, knows it from here."""

    describe = "plan the cgroups"

    def run(self, made: Creation) -> None:
        """Look at what is mounted and what is there already."""
        if made.without_cgroups:
            return
        if made.is_rootless:
            from reference_runtime import delegation

            made.cgroups = delegation.plan(made, cgroups.hierarchies())
            return
        path = made.linux.get("cgroupsPath")
        made.cgroups = cgroups.plan(path, made.container.id, cgroups.hierarchies())


class Fork(steps.Step):
    """Fork stage1, which enters the namespaces and forks init."""

    describe = "fork the process that will enter the container's namespaces"

    def run(self, made: Creation) -> None:
        """Open what both sides need, then fork."""
        process.pass_on_oom_score(made)
        directory = made.container.directory
        made.here, made.there = channel.pair()
        made.listener = channel.listen(directory, container.SOCKET)
        made.created_lock = locks.open_file(directory, container.CREATED_LOCK)
        gc.disable()
        gc.freeze()  # the child shares what it does not touch
        made.stage_pid = stage.fork(made)
        made.there.close()
        made.listener.close()
        os.close(made.created_lock)


class MapIds(steps.Step):
    """Map the IDs of a new user namespace, which only a process outside may do."""

    describe = "write the ID maps of the new user namespace"

    def run(self, made: Creation) -> None:
        """Write them when stage1 is in it."""
        if made.has_new_namespace("user"):
            made.here.expect(stage.IN_USER_NAMESPACE, "the process that enters the namespaces")
            namespaces.write_id_maps(made, made.stage_pid)
            made.here.send(stage.MAPPED)


class LearnInit(steps.Step):
    """Learn the pid of init, as this pid namespace numbers it."""

    describe = "learn the container process"

    def run(self, made: Creation) -> None:
        """Record it before it does anything."""
        made.init_pid = int(made.here.expect(stage.INIT, "the process that forks init"))
        made.init_started = processes.start_time(made.init_pid)
        _, status = os.waitpid(made.stage_pid, 0)
        made.stage_pid = 0
        made.container.record.update(pid=made.init_pid, startTime=made.init_started)
        if status:
            processes.kill_and_wait(
                made.init_pid, made.init_started
            )  # if stage1 was killed, init lives
            made.here.expect("", "the process that forks init")


class Cgroups(steps.Step):
    """Make the cgroups, set the limits, put init into them."""

    describe = "make the cgroups and move the container process into them"

    def run(self, made: Creation) -> None:
        """Record what will be made, then make it."""
        made.container.record["cgroups"] = [
            {name: entry[name] for name in _OF_CGROUPS} for entry in made.cgroups
        ]
        if not made.has_namespace("mount"):
            made.container.record["mountedOver"] = shared_mounts.remember(made.rootfs)
        made.container.save()
        if made.without_cgroups:
            return
        cgroups.make(made.cgroups)
        wanted = made.linux.get("resources", {})
        if cgroups.is_unified(made.cgroups):
            cgroup_v2.enable_controllers(made.cgroups)
            settings = cgroup_v2.settings(wanted)
        else:
            settings = cgroup_v1.settings(wanted)
            if "swap" in wanted.get("memory", {}):
                from reference_runtime import limits

                settings = limits.swap_first_when_it_rises(made.cgroups, settings)
        settings += resources.settings(made.cgroups, wanted)
        cgroups.apply(made.cgroups, settings)
        cgroups.attach(made.cgroups, made.init_pid)
        if made.has_new_namespace("cgroup"):
            from reference_runtime import ownership

            with made.naming("linux.cgroupsPath"):
                ownership.change(made)


class OomScore(steps.Step):
    """Set oom_score_adj from outside: the container may have no /proc."""

    describe = "set oom_score_adj"

    def run(self, made: Creation) -> None:
        """Set it if it is given."""
        process.set_oom_score(made)


class MakeEnvironment(steps.Step):
    """Let init make the environment: init.ENVIRONMENT."""

    describe = "let the container process make mounts and devices"

    def run(self, made: Creation) -> None:
        """Wait until it is made."""
        made.here.send(init.GO)
        made.here.expect(init.ENVIRONMENT_MADE, "the container process")


class DeviceRules(steps.Step):
    """The device rules come after the container's own devices are made."""

    describe = "set the device rules"

    def run(self, made: Creation) -> None:
        """Write them in their order, or attach the program that they are for version 2."""
        if made.without_cgroups or made.is_rootless:  # see delegation.py
            return
        rules = made.linux.get("resources", {}).get("devices", [])
        if cgroups.is_unified(made.cgroups):
            bpf.attach_rules(made.cgroups, rules)
        else:
            cgroups.apply(made.cgroups, cgroup_v1.device_settings(rules))


class RuntimeHooks(steps.Step):
    """Hooks in the runtime's namespaces, between the environment and pivot_root."""

    def __init__(self, kind: str, lifecycle: int) -> None:
        """Run the hooks of one kind."""
        self.kind = kind
        self.lifecycle = lifecycle
        self.describe = f"run the {kind} hooks"

    def run(self, made: Creation) -> None:
        """Run them; the container is still being created (runtime.md#state)."""
        made.hooks_have_run |= bool(made.hooks.get(self.kind))
        state = made.container.document(container.CREATING)
        hooks.run_all(self.kind, made.hooks.get(self.kind, []), state)


class FinishRoot(steps.Step):
    """Let init run the createContainer hooks and change its root: init.ROOT."""

    describe = "let the container process change its root"
    lifecycle = 5

    def run(self, made: Creation) -> None:
        """Wait until init is ready for start."""
        made.hooks_have_run |= bool(made.hooks.get("createContainer"))
        made.here.send(init.HOOKS_DONE)
        made.here.expect(init.READY, "the container process")


class Finish(steps.Step):
    """Make it known that the container is created, then let init outlive this process."""

    describe = "record the container as created, write the pid file"
    lifecycle = 5

    def run(self, made: Creation) -> None:
        """Write the record last: a killed create leaves no container that seems created."""
        if made.pidfd_socket:
            from reference_runtime import descriptors

            descriptors.hand_over_pidfd(made.pidfd_socket, made.init_pid)
        if made.pid_file:
            processes.write_pid_file(made.pid_file, made.init_pid)
            made.pid_file_written = True
        made.container.record["phase"] = container.CREATED
        made.container.save()
        made.here.send(init.KEEP)


STEPS: list[steps.Step] = [
    PlanCgroups(),
    outside.IdmappedMounts(),
    outside.SeccompListener(),
    Fork(),
    MapIds(),
    LearnInit(),
    Cgroups(),
    outside.IntelRdt(),
    OomScore(),
    MakeEnvironment(),
    DeviceRules(),
    outside.NetworkDevices(),
    RuntimeHooks("prestart", 3),
    RuntimeHooks("createRuntime", 4),
    FinishRoot(),
    Finish(),
]
