"""The processes of exec inside the container: one that joins its namespaces, and the program.

They are what stage.py and init.py are to create: the first joins by path every namespace in which
the container process is not with the runtime, forks, and exits (setns(2): a pid namespace is
entered by children only).
"""

from __future__ import annotations

import os

from reference_runtime import attributes, execution, init, signals, stage, steps, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation

PROGRAM_PID, IN_CGROUPS = "program-pid", "in-cgroups"


def fork(creation: Creation) -> int:
    """Fork the process that joins; return its pid."""
    pid = os.fork()
    if pid == 0:
        join(creation)
    return pid


def join(creation: Creation) -> None:
    """Join and fork: whatever happens, this process ends here."""
    status = 1
    try:
        signals.reset_to_default()
        creation.here.close()
        steps.run_all(JOINING, creation)
        status = 0
    except BaseException as error:  # noqa: BLE001 (all of them go to the runtime)
        creation.there.send_error(error)
    finally:
        os._exit(status)


def become_program(creation: Creation, named: int) -> None:
    """Be the program once the runtime knows this process and has put it into the cgroups."""
    try:
        if os.read(named, 1):  # else the one that joins was killed before it could name this one
            os.close(named)
            creation.there.expect(IN_CGROUPS, "the runtime")
            steps.run_all(PROGRAM, creation)
    except BaseException as error:  # noqa: BLE001 (all of them go to the runtime)
        creation.there.send_error(error)
    finally:
        os._exit(1)


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
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
        named, name = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(name)
            become_program(creation, named)
        creation.there.send(PROGRAM_PID, str(pid))
        os.write(name, b"!")


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
    OpenTerminal(),
    init.FindProgram(),
    *attributes.STEPS,
    init.BecomeUser(),
    init.EnterDirectory(),
    execution.PrepareExecution(),
    execution.LoadSeccompFilter(),
    execution.Execute(),
]
