"""Hooks (config.md#posix-platform-hooks): programs that run at six points of the lifecycle.

Each gets the state on its stdin, from a file in memory: a hook that does not read it can neither
block the runtime nor kill it by SIGPIPE. What a hook prints is kept for the error message.
"""

from __future__ import annotations

import os

from reference_runtime import environment, errors, jsonlite, processes, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal

    from reference_runtime.model import Json
else:
    import _signal as signal

KINDS = (
    "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
)  # fmt: skip
_SHOWN = 2048  # bytes of a failed hook's output in the error message


def run_all(kind: str, hooks: list[Json], state: Json) -> None:
    """Run the hooks of one kind in the listed order; the first HookError ends it."""
    for index, hook in enumerate(hooks):
        _run(f"hooks.{kind}[{index}]", hook, state)


def run_poststop(hooks: list[Json], state: Json) -> None:
    """Run the poststop hooks: one that fails is a warning, the others run (lifecycle, step 13)."""
    for index, hook in enumerate(hooks):
        try:
            _run(f"hooks.poststop[{index}]", hook, state)
        except errors.HookError as error:
            report.warning(str(error))


def _run(name: str, hook: Json, state: Json) -> None:
    stdin = _memory_file(jsonlite.dumps(state).encode())
    output = _memory_file(b"")
    try:
        problem = _spawn_and_wait(hook, stdin, output)
        if problem:
            printed = os.pread(output, _SHOWN, max(0, os.fstat(output).st_size - _SHOWN))
            details = printed.decode(errors="replace").strip()
            message = f"{name} ({hook['path']}) {problem}" + (f": {details}" if details else "")
            raise errors.HookError(message)
    finally:
        os.close(stdin)
        os.close(output)


def _memory_file(content: bytes) -> int:
    fd = os.memfd_create("hook")
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _spawn_and_wait(hook: Json, stdin: int, output: int) -> str:
    """Run one hook; say what went wrong, or nothing."""
    path = hook["path"]
    try:
        pid = os.posix_spawn(
            path,
            hook.get("args") or [path],
            environment.Environment(hook.get("env", [])),  # type: ignore[arg-type]
            file_actions=[
                (os.POSIX_SPAWN_DUP2, stdin, 0),
                (os.POSIX_SPAWN_DUP2, output, 1),
                (os.POSIX_SPAWN_DUP2, output, 2),
            ],
            setpgroup=0,
            setsigmask=[],
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM],
        )
    except (OSError, ValueError) as error:
        return f"cannot be executed: {errors.reason(error)}"
    try:
        pidfd = os.pidfd_open(pid)
        timed_out = not processes.wait(pidfd, hook.get("timeout"))
        os.close(pidfd)
    except BaseException:  # the operation is interrupted: take the hook along
        os.killpg(pid, signal.SIGKILL)
        raise
    if timed_out:
        os.killpg(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if timed_out:
        return f"was aborted after its timeout of {hook['timeout']} s"
    if status < 0:
        return f"was killed by signal {-status}"
    return f"exited with status {status}" if status else ""
