"""The pause operation, which engines know and the specification does not: see freezer.py."""

from __future__ import annotations

from reference_runtime import container, errors, freezer, processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.command_line import Arguments
    from reference_runtime.container import Container


def run(arguments: Arguments) -> None:
    """Freeze all processes of a created or running container."""
    target = container.load(arguments.root, arguments.id)
    target.take_joining_lock()
    refuse_unless_alive(target)
    freezer.freeze(target.record.get("cgroups", []))
    if is_ending(target):
        freezer.thaw(target.record["cgroups"])  # else it could not end, nor another begin there
        raise not_running(target, container.STOPPED)


def refuse_unless_alive(target: Container) -> None:
    """Error without an effect on a container that has nothing to freeze."""
    status = target.status()
    if status not in {container.CREATED, container.RUNNING}:
        raise not_running(target, status)


def is_ending(target: Container) -> bool:
    """Say whether the container process is gone or was killed."""
    pidfd = target.open_process()
    if pidfd is None:
        return True
    dying = processes.is_dying(target.record["pid"])
    return dying or processes.has_exited(pidfd)


def not_running(target: Container, status: str) -> errors.OperationError:
    """Return the error that clients recognise by its words."""
    message = f"cannot pause {target.id!r}: container not running or created: {status}"
    if status == container.STOPPED:
        message = f"cannot pause {target.id!r}: container not running"
    return errors.OperationError(message)
