"""Waiting for a program of the container, where the caller asked for that: exec and run."""

from __future__ import annotations

import os

from reference_runtime import processes, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal

_SIGNALLED = 128  # and the number of the signal: how shells say it
_LAST_SIGNAL = 64
_FIRST_FD = 3
_OWN = {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGTSTP, signal.SIGCONT, 32, 33}


def adopt_orphans() -> None:
    """Become the parent of the program, as the one that forks it exits (prctl(2))."""
    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)


def wait_for(pid: int, preserved_fds: int = 0) -> int:
    """Pass signals on until the program has ended; return the exit status to have."""
    os.closerange(_FIRST_FD, _FIRST_FD + preserved_fds)  # the program alone is to hold them
    pidfd = os.pidfd_open(pid)

    def pass_on(number: int, _frame: object) -> None:
        processes.send_signal(pidfd, number)

    for number in range(1, _LAST_SIGNAL + 1):
        if number not in _OWN:
            signal.signal(number, pass_on)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return _SIGNALLED + os.WTERMSIG(status)
    return os.WEXITSTATUS(status)
