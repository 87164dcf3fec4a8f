"""The exec operation, which engines know and the specification does not: a further program.

--process is a file with what config.md#process describes. The program gets the namespaces and the
cgroups of the container, and of that file user, capabilities, limits, environment and directory.
"""

from __future__ import annotations

import gc
import os

from reference_runtime import (
    affinity,
    cgroups,
    channel,
    container,
    creation,
    errors,
    exec_process,
    execution,
    joining,
    lsm,
    namespaces,
    preparation,
    process,
    processes,
    supervision,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.command_line import Arguments
    from reference_runtime.container import Container
    from reference_runtime.creation import Creation
    from reference_runtime.model import Json

_NAMESPACE_FILES = {"network": "net", "mount": "mnt"}  # others are named as in config.json
_WHO = "the process that joins the container"


def run(arguments: Arguments) -> int:
    """Execute a program in a created or running container; wait for it unless --detach."""
    target = container.load(arguments.root, arguments.id)
    wanted = exec_process.describe(target, arguments)
    lock = target.take_joining_lock()
    made = prepare(target, wanted, arguments)
    if not arguments.detach:
        supervision.adopt_orphans()
    try:
        execute(made, target)
        if made.pidfd_socket:
            from reference_runtime import descriptors

            descriptors.hand_over_pidfd(made.pidfd_socket, made.init_pid)
        if made.pid_file:
            processes.write_pid_file(made.pid_file, made.init_pid)
    except BaseException:
        processes.kill_and_wait(made.init_pid, made.init_started)
        if made.init_pid and not arguments.detach:
            supervision.wait_for(made.init_pid)  # as a zombie it would keep the pid namespace
        raise
    os.close(lock)
    if arguments.detach:
        return 0
    return supervision.wait_for(made.init_pid, made.preserved_fds)


def prepare(target: Container, wanted: Json, arguments: Arguments) -> Creation:
    """Check all that can be checked, and open what paths lead to while they mean what they do."""
    pid = living_process(target)
    config = {
        "process": {"oomScoreAdj": oom_score(pid), **wanted},
        "root": {"path": target.record["rootfs"]},
        "linux": {**target.record.get("forExec", {}), "namespaces": foreign_namespaces(pid)},
    }
    umask = os.umask(0o022)  # the only way to ask for it
    os.umask(umask)
    made = creation.Creation(config, target.record["bundle"], umask)
    made.container = target
    lsm.check(made)
    namespaces.open_paths(made)
    made.proc_fd = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    made.root_fd = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    if living_process(target) != pid:  # else what was opened may be another process's
        raise stopped()
    preparation.prepare_process(made, arguments)
    return made


def living_process(target: Container) -> int:
    """Return the pid of the container process; error unless exec can join it."""
    status = target.status()
    if status == container.STOPPED:
        raise stopped()
    if status not in {container.CREATED, container.RUNNING}:
        message = f"cannot exec in a container that is {status}"
        raise errors.OperationError(message)
    pid: int = target.record["pid"]
    return pid


def stopped() -> errors.OperationError:
    """Return the error that clients recognise by its words."""
    return errors.OperationError("cannot exec in a stopped container: container not running")


def foreign_namespaces(pid: int) -> list[Json]:
    """Return the namespaces that the process does not share with this one (namespaces(7))."""
    found = []
    for kind in namespaces.FLAGS:
        file = _NAMESPACE_FILES.get(kind, kind)
        path = f"/proc/{pid}/ns/{file}"
        try:
            if not os.path.samestat(os.stat(path), os.stat(f"/proc/self/ns/{file}")):
                found.append({"type": kind, "path": path})
        except FileNotFoundError:
            continue  # no such kind in this kernel; that the process lives is looked at later
    return found


def oom_score(pid: int) -> int:
    """Return the oom_score_adj of the container process, which exec's has too."""
    with open(f"/proc/{pid}/oom_score_adj", encoding="utf-8") as file:
        return int(file.read())


def execute(made: Creation, target: Container) -> None:
    """Fork, and wait until the program is executed: its end of the channel then closes."""
    made.here, made.there = channel.pair()
    process.pass_on_oom_score(made)
    affinities = made.process.get("execCPUAffinity", {})
    if made.seccomp is not None and made.seccomp.listens:
        from reference_runtime import seccomp_listener

        made.listening = seccomp_listener.Shared(os.memfd_create("seccomp"))
    gc.disable()
    gc.freeze()  # the children share what they do not touch
    joined = joining.fork(made)
    made.there.close()
    try:
        made.init_pid = int(made.here.expect(joining.PROGRAM_PID, _WHO))
        made.init_started = processes.start_time(made.init_pid)
    finally:
        os.waitpid(joined, 0)
    affinity.apply(made.init_pid, affinities, "initial")
    cgroups.attach(target.record.get("cgroups", []), made.init_pid)
    if "resctrl" in target.record:
        from reference_runtime import resctrl

        resctrl.assign(target.record["resctrl"], made.init_pid)
    affinity.apply(made.init_pid, affinities, "final")
    process.set_oom_score(made)
    made.here.send(joining.IN_CGROUPS)
    problem = made.here.expect(execution.EXECUTING, "the process in the container")
    if made.listening is not None:
        from reference_runtime import seccomp_listener

        program = made.init_pid, made.init_started
        seccomp_listener.hand_over(target, made.listening, program, made.here)
    failure = made.here.receive()
    if failure is not None:
        raise errors.OperationError(failure[1])
    problem = problem or (made.listening.problem if made.listening is not None else "")
    if problem:  # what the process could not say itself, behind its seccomp filter
        raise errors.OperationError(problem)
