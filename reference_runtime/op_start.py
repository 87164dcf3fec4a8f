"""The start operation (runtime.md#start; lifecycle, steps 6 to 9)."""

from __future__ import annotations

from reference_runtime import channel, container, errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.cli import Arguments
    from reference_runtime.container import Container

START, WON, EXECUTING = "start", "won", "executing"  # as in init.py, never loaded here
_INIT = "the container process"


def run(arguments: Arguments) -> None:
    """Have init execute the program of a created container."""
    target = container.load(arguments.root, arguments.id)
    refuse_unless_created(target)
    target.take_lock()
    try:
        execute(target)
        run_poststart_hooks(target)
    except errors.HookError:
        from reference_runtime import destroy

        # Steps 7 and 9: stop the container and go on at step 12.
        destroy.stop(target)
        destroy.undo_create(target)
        destroy.run_poststop_hooks(target)
        raise
    target.release_lock()


def refuse_unless_created(target: Container) -> None:
    """Error without an effect on a container that is not created, or has no process."""
    status = target.status()
    if status != container.CREATED:
        words = {
            container.RUNNING: "cannot start an already running container",
            container.STOPPED: "cannot start a container that has stopped",
        }
        message = f"{words.get(status, 'cannot start a container that is ' + status)}: {target.id}"
        raise errors.OperationError(message)
    if not target.record["hasProcess"]:
        message = f"cannot start {target.id}: its configuration has no process"
        raise errors.OperationError(message)


def execute(target: Container) -> None:
    """Call init, and wait until it has become the program: its end then closes."""
    try:
        init = channel.connect(target.directory, container.SOCKET)
    except OSError as error:
        message = f"cannot start {target.id}: it has been started already: {errors.reason(error)}"
        raise errors.OperationError(message) from None
    init.send(START)
    init.expect(WON, _INIT)
    init.expect(EXECUTING, _INIT)
    failure = init.receive()
    if failure is not None:
        raise errors.OperationError(failure[1])


def run_poststart_hooks(target: Container) -> None:
    """Run the poststart hooks, the program having been executed (lifecycle, step 9)."""
    to_run = target.record["hooks"].get("poststart", [])
    if to_run:
        from reference_runtime import hooks

        hooks.run_all("poststart", to_run, target.document(container.RUNNING))
