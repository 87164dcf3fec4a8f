"""The one door through which programs are started: the runtime, and the few tools of our own.

Output goes to files, not pipes: a container inherits them, and a pipe that a container keeps never
closes. Waiting is on a pidfd: ``Popen.wait(timeout)`` polls with doubling sleeps and would inflate
every measured duration.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import linux
from harness.faults import HarnessError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Finished:
    """A program that has ended.

    ``exit_status`` is None when a signal ended it; ``hung`` when that signal was ours, sent at the
    deadline to its whole process group.
    """

    argv: list[str]
    exit_status: int | None
    signal: int | None
    seconds: float
    hung: bool


class Started:
    """A running program. ``finish`` waits for its end; there is no other way to lose it."""

    def __init__(
        self, argv: list[str], process: subprocess.Popen[bytes], began: float, deadline: float
    ) -> None:
        self.argv = argv
        self.pid = process.pid
        self._process = process
        self._began = began
        self._deadline = deadline
        self.pidfd = os.pidfd_open(process.pid)

    def finish(self) -> Finished:
        """Wait for the end, at most until the deadline, then end the whole process group."""
        remaining = self._began + self._deadline - time.monotonic()
        hung = not readable(self.pidfd, max(0.0, remaining))
        if hung:
            self.end()
        status = self._process.wait()
        seconds = time.monotonic() - self._began
        os.close(self.pidfd)
        return Finished(
            argv=self.argv,
            exit_status=status if status >= 0 else None,
            signal=-status if status < 0 else None,
            seconds=seconds,
            hung=hung,
        )

    @property
    def running(self) -> bool:
        """Whether it has not ended; not to be asked after ``finish``."""
        return not readable(self.pidfd, 0.0)

    def end(self) -> None:
        """SIGKILL the process group that was made for this program."""
        # The leader has not been reaped, so its number still names this group and no other.
        os.killpg(self.pid, signal.SIGKILL)


def start(  # noqa: PLR0913 - the attributes of a process, each by name
    argv: Sequence[str],
    *,
    stdout: Path,
    stderr: Path,
    deadline: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: Path | None = None,
    become: Callable[[], None] | None = None,
    descriptors: Sequence[int] = (),
    inherits: bool = False,
) -> Started:
    """Start ``argv`` in a session and a process group of its own.

    ``stdout`` and ``stderr`` are appended to, ``stdin`` is opened anew (default /dev/null, looked
    up now: the sandbox has a private one). SIGPIPE and SIGXFSZ are at their defaults in the child,
    which Python ignores and an ignored signal would be inherited by the container. ``become`` is
    called in the child, before the program is executed, which has our ``descriptors`` as well, or
    all that is inheritable then if it ``inherits``.

    Raises UsageError if there is no such program or it cannot be executed.
    """
    with (
        # It may be a terminal, which must not become our own.
        os.fdopen(os.open(stdin or "/dev/null", os.O_RDONLY | os.O_NOCTTY), "rb") as in_,
        stdout.open("ab") as out,
        stderr.open("ab") as err,
    ):
        # Before: on a busy host the program may be well under way when Popen returns.
        began = time.monotonic()
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=in_,
                stdout=out,
                stderr=err,
                cwd=cwd,
                env=env,
                # A session too: without a controlling terminal, /dev/tty is nobody's to change.
                start_new_session=True,
                pass_fds=descriptors,
                close_fds=not inherits,
                preexec_fn=become,  # noqa: PLW1509 - it makes system calls only
            )
        except FileNotFoundError as error:
            raise UsageError(f"{argv[0]}: no such program; give the path of a runtime") from error
        except PermissionError as error:
            raise UsageError(f"{argv[0]}: not executable; chmod +x it or give another") from error
        except OSError as error:
            raise UsageError(f"{argv[0]}: cannot be executed ({error.strerror})") from error
    return Started(list(argv), process, began, deadline)


def run(  # noqa: PLR0913 - as start
    argv: Sequence[str],
    *,
    stdout: Path,
    stderr: Path,
    deadline: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Finished:
    """Start ``argv`` and wait for its end."""
    started = start(argv, stdout=stdout, stderr=stderr, deadline=deadline, cwd=cwd, env=env)
    return started.finish()


@dataclass(frozen=True)
class Said:
    """What a tool of our own printed and how it ended; below zero: by that signal."""

    exit_status: int
    stdout: str
    stderr: str


def tool(argv: Sequence[str], deadline: float = 60.0) -> Said:
    """Run a tool of our own to its end; OSError if it cannot be started or does not end."""
    try:
        done = subprocess.run(
            list(argv), capture_output=True, timeout=deadline, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{argv[0]}: not ended after {deadline:g} s") from error
    stdout, stderr = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
    return Said(done.returncode, stdout, stderr)


def output(argv: Sequence[str], deadline: float = 60.0) -> str:
    """Return what a tool of our own prints; HarnessError if it fails."""
    try:
        said = tool(argv, deadline)
    except OSError as error:
        raise HarnessError(f"{argv[0]}: {error}") from error
    if said.exit_status:
        text = said.stderr.strip()
        raise HarnessError(f"{' '.join(argv)}: exit status {said.exit_status}: {text[:500]}")
    return said.stdout


def fork(body: Callable[[], int]) -> int:
    """Fork a process of ours that runs ``body`` and ends with its status, 255 if it raises."""
    pid = os.fork()
    if pid == 0:
        status = 255
        try:
            status = body()
        finally:
            os._exit(status)
    return pid


def execute_as(number: int, argv: Sequence[str]) -> int:
    """Start ``argv`` without stdio under this process number; OSError of EEXIST if it is taken."""
    pid = linux.fork_as(number)
    if pid == 0:
        try:
            os.setpgid(0, 0)
            null = os.open("/dev/null", os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(null, fd)
            os.execv(argv[0], list(argv))  # noqa: S606 - no shell is wanted
        finally:
            os._exit(255)
    return pid


def readable(fd: int, seconds: float) -> bool:
    """Whether ``fd`` becomes readable within ``seconds``; a pidfd does when its process ends."""
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    return bool(poller.poll(seconds * 1000))
