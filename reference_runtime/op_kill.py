"""The kill operation (runtime.md#kill)."""

from __future__ import annotations

from reference_runtime import container, errors, processes, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.cli import Arguments
    from reference_runtime.container import Container

_STOP_SIGNAL = "org.opencontainers.image.stopSignal"  # config.md#annotations


def run(arguments: Arguments) -> None:
    """Send a signal to the container process of a created or running container."""
    target = container.load(arguments.root, arguments.id)
    number = signals.number(arguments.signal) if arguments.signal else default_signal(target)
    if target.status() not in {container.CREATED, container.RUNNING}:
        raise not_running(target)
    pidfd = target.open_process()
    if pidfd is None:
        raise not_running(target)
    processes.send_signal(pidfd, number)


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
