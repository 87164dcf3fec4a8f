"""The end of init: the program is executed, behind the seccomp filter (lifecycle, step 8).

From the filter on, any system call may be the last one. So execve(2) is the only one that is left
to be made then: its memory is allocated before, and the capabilities need no further call, because
execve computes the permitted and effective ones anew from the other sets (capabilities(7)).
"""

from __future__ import annotations

import errno
import os

from reference_runtime import errors, process, report, signals, steps, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation

EXECUTING = "executing"
_LAST_FD = 2**32 - 1


def executable_paths(creation: Creation) -> list[str]:
    """Return the paths that execvp(3) would try and may execute: without one, error in time."""
    candidates = process.candidates(creation.process)
    paths = [path for path in candidates if os.access(path, os.X_OK, effective_ids=True)]
    if not paths:
        found = any(os.path.exists(path) for path in candidates)
        raise _failure(creation, errno.EACCES if found else errno.ENOENT)
    return paths


def _failure(creation: Creation, number: int) -> errors.OperationError:
    name = creation.process["args"][0]
    reason = errors.reason(OSError(number, os.strerror(number)))
    return errors.OperationError(f'exec: "{name}": {reason}')


class PrepareExecution(steps.Step):
    """Make the calls of execve ready."""

    describe = "make execve ready; nothing of the runtime is to stay open"
    lifecycle = 8

    def run(self, creation: Creation) -> None:
        """Allocate what the calls need, of which one is to succeed."""
        args = [text.encode() for text in creation.process["args"]]
        env = [text.encode() for text in creation.process.get("env", [])]
        paths = executable_paths(creation)
        creation.executions = syscalls.execve_calls(paths, args, env)
        signals.reset_to_default()
        syscalls.close_range(3, _LAST_FD, syscalls.CLOSE_RANGE_CLOEXEC)
        if creation.preserved_fds:
            from reference_runtime import descriptors  # loaded already

            descriptors.pass_on(creation.preserved_fds)
        creation.there.send(EXECUTING, creation.seccomp.obstacle if creation.seccomp else "")


class LoadSeccompFilter(steps.Step):
    """Load the seccomp filter."""

    describe = "load the seccomp filter"
    lifecycle = 8

    def run(self, creation: Creation) -> None:
        """Load what was compiled before the fork."""
        if creation.seccomp is not None:
            report.Options.debug = False  # the next message would be a call to be filtered
            try:
                listener = creation.seccomp.load()
            except OSError as error:
                message = f"linux.seccomp: {errors.reason(error)}"
                raise errors.OperationError(message) from None
            if creation.listening is not None:
                creation.listening.wait_until_sent(listener)


class Execute(steps.Step):
    """Execute the program; the caller's connection closes by that."""

    describe = "execute the program; the caller's connection closes by that"
    lifecycle = 8

    def run(self, creation: Creation) -> None:
        """Become the program, or say why not, if the filter lets it be said."""
        number = errno.EACCES
        for call in creation.executions:
            try:
                call()
            except OSError as error:
                number = error.errno or number
                if number not in {errno.ENOENT, errno.ENOTDIR, errno.EACCES}:
                    break
        if creation.listening is not None:
            creation.listening.fail(number)
        raise _failure(creation, number)
