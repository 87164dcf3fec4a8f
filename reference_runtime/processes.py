"""A process known for certain: by its pid and the time it was started, and held by a pidfd.

A pid alone may by now belong to somebody else (pidfd_open(2), proc(5)).
"""

from __future__ import annotations

import errno
import os
import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal  # the signal module imports enum: 5 ms

_INT_MAX = 2**31 - 1
_FLAGS, _THREADS, _START_TIME = 5, 16, 18  # of /proc/PID/stat, from its field 4 on
_PF_EXITING = 0x4


def start_time(pid: int) -> int:
    """Return field 22 of /proc/PID/stat: when the process was started, in ticks since boot."""
    return _stat(pid)[_START_TIME]


def is_exiting(pid: int) -> bool:
    """Say whether the process is past its last instruction, if not a zombie yet (PF_EXITING).

    The first process of a pid namespace stays so until all others in it are reaped, which those
    that exec has brought are by processes outside (pid_namespaces(7)).
    """
    try:
        fields = _stat(pid)
    except (FileNotFoundError, ProcessLookupError):
        return True
    return bool(fields[_FLAGS] & _PF_EXITING) and fields[_THREADS] <= 1


def _stat(pid: int) -> list[int]:
    """Return the numbers of /proc/PID/stat, of which the first is the parent's pid: field 4."""
    with open(f"/proc/{pid}/stat", "rb") as stat:
        return [int(field) for field in stat.read().rpartition(b")")[2].split()[1:]]


def write_pid_file(path: str, pid: int) -> None:
    """Write a pid file in one step, and without a newline: containerd takes no other."""
    new = f"{path}.{os.getpid()}"
    with open(new, "w", encoding="utf-8") as file:
        file.write(str(pid))
    os.rename(new, path)


def open_process(pid: int, started: int) -> int | None:
    """Return a pidfd of the process if it still runs; a zombie does not."""
    if pid <= 0:
        return None
    try:
        pidfd = os.pidfd_open(pid)
    except OSError as error:
        if error.errno == errno.ESRCH:
            return None
        raise
    try:
        if not has_exited(pidfd) and start_time(pid) == started and not is_exiting(pid):
            return pidfd
    except (FileNotFoundError, ProcessLookupError):
        pass
    os.close(pidfd)
    return None


def has_exited(pidfd: int) -> bool:
    """Say whether the process is gone or a zombie: then its pidfd is readable."""
    return wait(pidfd, 0)


def wait(pidfd: int, seconds: float | None) -> bool:
    """Wait until the process has exited, but not longer than the given time."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    # poll(2) takes an int: a wait of more than 24 days ends early, which no test could tell.
    return bool(poll.poll(None if seconds is None else min(max(0, int(seconds * 1000)), _INT_MAX)))


def wait_for_end(pid: int, pidfd: int, seconds: float) -> bool:
    """Wait until the process exits, which a pidfd may tell late: see is_exiting."""
    deadline, step = time.monotonic() + seconds, 0.001
    while not wait(pidfd, step):
        if is_exiting(pid):
            return True
        if time.monotonic() > deadline:
            return False
        step = min(2 * step, 0.016)
    return True


def send_signal(pidfd: int, number: int) -> None:
    """Send a signal to exactly this process; one that has just exited is no error."""
    try:
        signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        pass


def is_dying(pid: int) -> bool:
    """Say whether SIGKILL waits for the process, which a frozen one cannot follow (proc(5))."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as status:
            masks = [line for line in status if line.startswith(("SigPnd:", "ShdPnd:"))]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return any(int(line.split()[1], 16) >> signal.SIGKILL - 1 & 1 for line in masks)


def kill_and_wait(pid: int, started: int) -> None:
    """Stop a process with SIGKILL and wait until it is gone."""
    pidfd = open_process(pid, started)
    if pidfd is not None:
        send_signal(pidfd, signal.SIGKILL)
        wait_for_end(pid, pidfd, float("inf"))
        os.close(pidfd)
