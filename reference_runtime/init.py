"""init: the container process, from the fork to the program (runtime.md#lifecycle, steps 2 to 8).

It works in four parts and waits for the runtime between them. When the runtime dies, it dies.
It can import nothing (stage.SealImporter): all that it needs was loaded before the fork.
"""

from __future__ import annotations

import os

from reference_runtime import (
    attributes,
    channel,
    container,
    devices,
    errors,
    execution,
    hooks,
    keys,
    locks,
    lsm,
    mounts,
    namespaces,
    process,
    rootfs,
    signals,
    steps,
    syscalls,
    sysctls,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation

GO, ENVIRONMENT_MADE, HOOKS_DONE, READY, KEEP = "go", "environment", "hooks-done", "ready", "keep"
START, WON = "start", "won"  # the next is execution.EXECUTING


def run(creation: Creation) -> None:
    """Be init: this process ends here or becomes the program."""
    runtime = creation.there
    try:
        signals.reset_to_default()
        locks.take(creation.created_lock, block=True)
        runtime.expect(GO, "the runtime")
        os.umask(0)
        steps.run_all(ENVIRONMENT, creation)
        os.umask(creation.umask)
        runtime.send(ENVIRONMENT_MADE)
        runtime.expect(HOOKS_DONE, "the runtime")
        steps.run_all(ROOT, creation)
        runtime.send(READY)
        runtime.expect(KEEP, "the runtime")
        runtime.close()
    except BaseException as error:  # noqa: BLE001 (all of them go to the runtime)
        runtime.send_error(error)
        os._exit(1)
    wait_for_start(creation)


def wait_for_start(creation: Creation) -> None:
    """Wait at the socket; the first caller that says start gets the program executed."""
    while True:
        caller = channel.accept(creation.listener)
        if caller.receive() == (START, "") and has_program(creation, caller):
            break
        caller.close()
    creation.listener.close()  # whoever calls from now on is refused
    caller.send(WON)
    creation.there = caller
    try:
        steps.run_all(PROGRAM, creation)
    except BaseException as error:  # noqa: BLE001 (all of them go to the runtime)
        caller.send_error(error)
    finally:
        os._exit(1)


def has_program(creation: Creation, caller: channel.Channel) -> bool:
    """Look for the program while a start that errors leaves all as it was (runtime.md#errors)."""
    try:
        process.check_program(creation)
    except errors.OperationError as error:
        caller.send_error(error)
        return False
    return True


class NewSession(steps.Step):
    """Setsid: leave the caller's terminal and job control."""

    describe = "setsid: leave the caller's terminal and job control"

    def run(self, _creation: Creation) -> None:
        """Lead a session."""
        os.setsid()


class CgroupNamespace(steps.Step):
    """Make the cgroup namespace, now that the process is in its cgroups."""

    describe = "make the cgroup namespace, now that the process is in its cgroups"

    def run(self, creation: Creation) -> None:
        """Leave the runtime's view of cgroups."""
        namespaces.enter_new_cgroup_namespace(creation)


class Names(steps.Step):
    """Set hostname and domainname."""

    describe = "set hostname and domainname"

    def run(self, creation: Creation) -> None:
        """Name the uts namespace."""
        if creation.config.get("hostname"):
            with creation.naming("hostname"):
                syscalls.sethostname(creation.config["hostname"])
        if creation.config.get("domainname"):
            with creation.naming("domainname"):
                syscalls.setdomainname(creation.config["domainname"])


class PrepareRoot(steps.Step):
    """Make the root filesystem a mount of its own."""

    describe = "make the root filesystem a mount of its own"

    def run(self, creation: Creation) -> None:
        """Open what is needed of the host, and the root."""
        creation.null_fd = os.open("/dev/null", os.O_PATH | os.O_CLOEXEC)
        rootfs.prepare(creation)


class Mounts(steps.Step):
    """Mount each entry of mounts, in the listed order."""

    describe = "mount each entry of mounts, in the listed order"

    def run(self, creation: Creation) -> None:
        """Mount them below the root to be."""
        mounts.mount_all(creation)


class Console(steps.Step):
    """Open the terminal, if one is asked for."""

    describe = "open the terminal, if one is asked for"

    def run(self, creation: Creation) -> None:
        """Take it for stdio."""
        if creation.console is not None:
            from reference_runtime import console  # loaded already

            console.set_up(creation)


class CreateContainerHooks(steps.Step):
    """Run the createContainer hooks, in the container's namespaces, before pivot_root."""

    describe = "run the createContainer hooks, in the container's namespaces, before pivot_root"
    lifecycle = 5

    def run(self, creation: Creation) -> None:
        """Run them; they see this process by the number that it has in the container."""
        to_run = creation.hooks.get("createContainer", [])
        state = creation.container.document(container.CREATING, os.getpid())
        hooks.run_all("createContainer", to_run, state)


class ProtectPaths(steps.Step):
    """Make paths read-only, mask paths."""

    describe = "make paths read-only, mask paths"
    lifecycle = 5

    def run(self, creation: Creation) -> None:
        """Mount over them, after all that the hooks have mounted."""
        rootfs.protect_readonly_paths(creation)
        rootfs.mask_paths(creation)


class Pivot(steps.Step):
    """Pivot_root: the root filesystem becomes the root."""

    describe = "pivot_root: the root filesystem becomes the root"
    lifecycle = 5

    def run(self, creation: Creation) -> None:
        """Leave the host's files."""
        rootfs.pivot(creation)


class ReadonlyRoot(steps.Step):
    """Make the root read-only, give it its propagation."""

    describe = "make the root read-only, give it its propagation"
    lifecycle = 5

    def run(self, creation: Creation) -> None:
        """Make the working directory first: it may be missing."""
        if creation.process:
            process.prepare_directory(creation)
        rootfs.make_readonly(creation)
        rootfs.set_propagation(creation)


class FindProgram(steps.Step):
    """Check that the program is there."""

    describe = "check that the program is there"
    lifecycle = 5

    def run(self, creation: Creation) -> None:
        """Look for args[0] as execvp(3) will."""
        if creation.process:
            process.check_program(creation)


class StartContainerHooks(steps.Step):
    """Run the startContainer hooks, inside the container."""

    describe = "run the startContainer hooks, inside the container"
    lifecycle = 7

    def run(self, creation: Creation) -> None:
        """Run them; the container is still created (runtime.md#state)."""
        to_run = creation.hooks.get("startContainer", [])
        state = creation.container.document(container.CREATED, os.getpid())
        hooks.run_all("startContainer", to_run, state)


class BecomeUser(steps.Step):
    """Take limits, user and capabilities."""

    describe = "take limits, user and capabilities"
    lifecycle = 8

    def run(self, creation: Creation) -> None:
        """Give up what the program is not to have."""
        process.become_user(creation)


class EnterDirectory(steps.Step):
    """Change to the working directory."""

    describe = "change to the working directory"
    lifecycle = 8

    def run(self, creation: Creation) -> None:
        """Change as the user, whose rights decide."""
        process.enter_directory(creation)


ENVIRONMENT: list[steps.Step] = [
    NewSession(),
    keys.NewKeyring(),
    CgroupNamespace(),
    Names(),
    PrepareRoot(),
    Mounts(),
    devices.MakeDevices(),
    Console(),
]
ROOT: list[steps.Step] = [
    CreateContainerHooks(),
    lsm.OpenAttributes(),
    sysctls.SetParameters(),
    ProtectPaths(),
    Pivot(),
    devices.OwnNull(),
    ReadonlyRoot(),
    FindProgram(),
    attributes.Rehearse(),
]
PROGRAM: list[steps.Step] = [
    StartContainerHooks(),
    *attributes.STEPS,
    lsm.SetAttributes(),
    BecomeUser(),
    EnterDirectory(),
    execution.PrepareExecution(),
    execution.LoadSeccompFilter(),
    execution.Execute(),
]
