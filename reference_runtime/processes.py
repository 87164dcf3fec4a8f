"""A process known for certain: by its pid and the time it was started, and held by a pidfd.

A pid alone may by now belong to somebody else (pidfd_open(2), proc(5)).
"""

from __future__ import annotations

import errno
import os
import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal  # the signal module imports enum: 5 ms


def start_time(pid: int) -> int:
    """Return field 22 of /proc/PID/stat: when the process was started, in ticks since boot."""
    with open(f"/proc/{pid}/stat", "rb") as stat:
        return int(stat.read().rpartition(b")")[2].split()[19])


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
        if not has_exited(pidfd) and start_time(pid) == started:
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
    return bool(poll.poll(None if seconds is None else max(0, int(seconds * 1000))))


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
        wait(pidfd, None)
        os.close(pidfd)
