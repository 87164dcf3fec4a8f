"""The delete operation (runtime.md#delete; lifecycle, steps 11 to 13)."""

from __future__ import annotations

from reference_runtime import container, destroy, errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal

    from reference_runtime.command_line import Arguments
    from reference_runtime.container import Container
else:
    import _signal as signal

_PATIENCE = 10  # seconds that delete --force waits for an operation in progress to give up


def run(arguments: Arguments) -> None:
    """Delete a stopped container; with --force stop it first, and mind no unknown one."""
    container.remove_abandoned(arguments.root)
    try:
        target = container.load(arguments.root, arguments.id)
        if arguments.force:
            stop_by_force(target)
        else:
            refuse_unless_stopped(target)
            target.take_lock()
    except errors.OperationError:
        if arguments.force and not container.exists(arguments.root, arguments.id):
            return
        raise
    refuse_unless_stopped(target)
    destroy.undo_create(target)
    destroy.run_poststop_hooks(target)


def refuse_unless_stopped(target: Container) -> None:
    """Error without an effect on a container that is not stopped."""
    status = target.status()
    if status != container.STOPPED:
        message = f"cannot delete container {target.id} that is not stopped: {status}"
        raise errors.OperationError(message)


def stop_by_force(target: Container) -> None:
    """Stop the container (no operation of the specification: callers clean up by it)."""
    destroy.stop(target)
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(_PATIENCE)
    target.take_lock(block=True)
    signal.alarm(0)
    destroy.stop(target)


def give_up(_signal: int, _frame: object) -> None:
    """End the wait for the lock."""
    message = f"another operation on the container has not ended in {_PATIENCE} s"
    raise errors.OperationError(message)
