"""The kill operation (runtime.md#kill)."""

from __future__ import annotations

import os

from reference_runtime import container, destroy, errors, processes, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal

    from reference_runtime.command_line import Arguments
    from reference_runtime.container import Container
else:
    import _signal as signal

_STOP_SIGNAL = "org.opencontainers.image.stopSignal"  # config.md#annotations


def run(arguments: Arguments) -> None:
    """Send a signal to the container process of a created or running container."""
    target = container.load(arguments.root, arguments.id)
    number = signals.number(arguments.signal) if arguments.signal else default_signal(target)
    if arguments.all:
        signal_all(target, number)
        return
    if target.status() not in {container.CREATED, container.RUNNING, container.PAUSED}:
        raise not_running(target)
    pidfd = target.open_process()
    if pidfd is None:
        raise not_running(target)
    processes.send_signal(pidfd, number)
    if number == signal.SIGKILL:
        destroy.thaw(target)


def signal_all(target: Container, number: int) -> None:
    """Signal every process of the container, which may have stopped: containerd cleans up so."""
    from reference_runtime import cgroups

    if target.status() == container.CREATING:
        raise not_running(target)
    planned = target.record.get("cgroups", [])
    pids = set(cgroups.members(planned))
    first = target.open_process()
    if first is not None and not planned:
        from reference_runtime import pid_namespace

        pids.update(pid_namespace.members(target.record["pid"]))
    if first is not None:
        processes.send_signal(first, number)
        pids.discard(target.record["pid"])
    for pid in pids:
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        processes.send_signal(pidfd, number)
        os.close(pidfd)
    if number == signal.SIGKILL:
        cgroups.kill_all(planned)  # what was forked meanwhile
        destroy.thaw(target)


def default_signal(target: Container) -> int:
    """Return the signal that the annotations name, else SIGTERM."""
    annotated = target.record.get("annotations", {}).get(_STOP_SIGNAL, "")
    try:
        return signals.number(annotated)
    except errors.OperationError:
        return signals.number("TERM")


def not_running(target: Container) -> errors.OperationError:
    """Return the error that clients recognise by its words."""
    return errors.OperationError(f"cannot send a signal to {target.id!r}: container not running")
