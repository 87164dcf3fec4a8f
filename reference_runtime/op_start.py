"""The start operation (runtime.md#start; lifecycle, steps 6 to 9)."""

from __future__ import annotations

from reference_runtime import channel, container, errors, processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.channel import Channel
    from reference_runtime.command_line import Arguments
    from reference_runtime.container import Container
    from reference_runtime.seccomp_listener import Shared

START, WON, EXECUTING = "start", "won", "executing"  # as in init.py, never loaded here
_INIT = "the container process"
_PATIENCE = 10.0  # seconds that a process which did not become the program may take to end


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
    try:
        become_program(target, init)
    except errors.OperationError:
        # Its process ends then: the container is stopped as soon as start has said so.
        pidfd = target.open_process()
        if pidfd is not None:
            processes.wait(pidfd, _PATIENCE)
        raise


def become_program(target: Container, init: Channel) -> None:
    """Wait until init has become the program, or error with what keeps it from that."""
    problem = init.expect(EXECUTING, _INIT)
    shared = hand_over_listener(target, init) if target.record.get("notifies") else None
    failure = init.receive()
    if failure is not None:
        raise errors.OperationError(failure[1])
    problem = problem or (shared.problem if shared is not None else "")
    if problem:  # what the process could not say itself, behind its seccomp filter
        raise errors.OperationError(problem)


def hand_over_listener(target: Container, init: Channel) -> Shared:
    """Send the seccomp filter's descriptor to the agent, who may have to allow execve."""
    from reference_runtime import seccomp_listener

    shared = seccomp_listener.share(target.directory)
    process = target.record["pid"], target.record["startTime"]
    seccomp_listener.hand_over(target, shared, process, init)
    return shared


def run_poststart_hooks(target: Container) -> None:
    """Run the poststart hooks, the program having been executed (lifecycle, step 9)."""
    to_run = target.record["hooks"].get("poststart", [])
    if to_run:
        from reference_runtime import hooks

        hooks.run_all("poststart", to_run, target.document(container.RUNNING))
