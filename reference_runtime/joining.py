"""The processes of exec inside the container: one that joins its namespaces, and the program.

They are what stage.py and init.py are to create: the first joins by path every namespace in which
the container process is not with the runtime, forks, and exits (setns(2): a pid namespace is
entered by children only).
"""

from __future__ import annotations

import os

from reference_runtime import (
    attributes,
    devices,
    execution,
    forks,
    init,
    keys,
    lsm,
    signals,
    stage,
    steps,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation

PROGRAM_PID, IN_CGROUPS = "program-pid", "in-cgroups"


def fork(creation: Creation) -> int:
    """Fork the process that joins; return its pid."""
    return forks.child(join, creation)


def join(creation: Creation) -> None:
    """Join, and fork the program's process."""
    signals.reset_to_default()
    creation.here.close()
    steps.run_all(JOINING, creation)


def become_program(creation: Creation) -> None:
    """Be the program once the runtime has put this process into the cgroups."""
    creation.there.expect(IN_CGROUPS, "the runtime")
    steps.run_all(PROGRAM, creation)


class ChangeRoot(steps.Step):
    """A container without a mount namespace of its own has changed its root by chroot(2)."""

    describe = "change the root to the container's, if its mount namespace does not"
    lifecycle = 8

    def run(self, creation: Creation) -> None:
        """Change it by the descriptor that was opened before."""
        if not creation.has_namespace("mount"):
            os.fchdir(creation.root_fd)
            os.chroot(".")
        os.close(creation.root_fd)
        os.chdir("/")
        creation.root_fd = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


class ForkProgram(steps.Step):
    """The child is in the pid namespace; the container's processes must not look into it."""

    describe = "fork the program's process, undumpable"
    lifecycle = 8

    def run(self, creation: Creation) -> None:
        """Fork; the child never returns from here."""
        forks.named_child(become_program, PROGRAM_PID, creation)


class OpenTerminal(steps.Step):
    """The terminal of exec is no /dev/console."""

    describe = "open the terminal, if one is asked for"
    lifecycle = 8

    def run(self, creation: Creation) -> None:
        """Take it for stdio."""
        if creation.console is not None:
            from reference_runtime import console  # loaded already

            console.set_up(creation, bind=False)


JOINING: list[steps.Step] = [
    stage.SealImporter(),
    stage.EnterUserNamespace(),
    stage.EnterNamespaces(),
    ChangeRoot(),
    ForkProgram(),
]
PROGRAM: list[steps.Step] = [
    init.NewSession(),
    keys.NewKeyring(),
    lsm.OpenAttributes(),
    OpenTerminal(),
    devices.OwnNull(),
    init.FindProgram(),
    *attributes.STEPS,
    lsm.SetAttributes(),
    init.BecomeUser(),
    init.EnterDirectory(),
    execution.PrepareExecution(),
    execution.LoadSeccompFilter(),
    execution.Execute(),
]
