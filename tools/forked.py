"""Do tasks side by side, each in a process forked for it, without waiting for one that is lost.

A pool of ``multiprocessing`` waits for ever for a worker that something has killed. Here a task is
lost when its process ends without a result or takes too long; it is done once more, and if it is
lost again that is said of it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from dataclasses import dataclass
from multiprocessing import connection
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.context import ForkProcess

Task = TypeVar("Task")
Result = TypeVar("Result")

TIMES = 2
GRACE = 30.0  # seconds for what is interrupted to clean up


@dataclass(frozen=True)
class Lost(Generic[Task]):
    """A task without a result, and why."""

    task: Task
    why: str


@dataclass
class _Worker(Generic[Task, Result]):
    task: Task
    times: int
    process: ForkProcess
    results: connection.Connection[object, Result]
    pidfd: int
    deadline: float

    def end(self) -> None:
        """End it; one that had no result is interrupted before, as a terminal does."""
        for sign in (signal.SIGINT, signal.SIGKILL):
            if not connection.wait([self.pidfd], 0):
                signal.pidfd_send_signal(self.pidfd, sign)
                connection.wait([self.pidfd], GRACE)
        self.process.join()
        os.close(self.pidfd)
        self.results.close()


def each(
    act: Callable[[Task], Result], tasks: Sequence[Task], jobs: int, seconds: float
) -> Iterator[Result | Lost[Task]]:
    """Yield what ``act`` returns of each task, as they end, ``jobs`` at once.

    ``seconds`` are for one task.
    """
    waiting = [(task, 1) for task in reversed(tasks)]
    running: list[_Worker[Task, Result]] = []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(_begin(act, *waiting.pop(), seconds))
            for worker in _ended(running):
                running.remove(worker)
                result = _result(worker, seconds)
                worker.end()
                if isinstance(result, Lost) and worker.times < TIMES:
                    sys.stderr.write(f"{result.task}: {result.why}; it is done once more\n")
                    waiting.append((worker.task, worker.times + 1))
                else:
                    yield result
    finally:
        for worker in running:
            worker.end()


def _begin(
    act: Callable[[Task], Result], task: Task, times: int, seconds: float
) -> _Worker[Task, Result]:
    results, ours = multiprocessing.Pipe(duplex=False)

    def inside() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        ours.send(act(task))

    process = multiprocessing.get_context("fork").Process(target=inside, daemon=True)
    process.start()
    ours.close()
    pidfd = os.pidfd_open(process.pid or 0)
    return _Worker(task, times, process, results, pidfd, time.monotonic() + seconds)


def _ended(running: list[_Worker[Task, Result]]) -> list[_Worker[Task, Result]]:
    """Wait for some that have a result, are dead or are overdue."""
    until = min(worker.deadline for worker in running)
    of: list[object] = [each for worker in running for each in (worker.results, worker.pidfd)]
    ready = connection.wait(of, max(0.0, until - time.monotonic()))  # type: ignore[arg-type]
    now = time.monotonic()
    return [w for w in running if w.results in ready or w.pidfd in ready or w.deadline <= now]


def _result(worker: _Worker[Task, Result], seconds: float) -> Result | Lost[Task]:
    # What its process has left behind may hold the pipe open: no end of file is waited for.
    if not worker.results.poll():
        if not connection.wait([worker.pidfd], 0):
            return Lost(worker.task, f"took more than {seconds:.0f} s")
        worker.process.join()
        return Lost(worker.task, f"its process ended with {worker.process.exitcode}")
    try:
        return worker.results.recv()
    except EOFError:
        worker.process.join(GRACE)
        return Lost(worker.task, f"its process ended with {worker.process.exitcode}")
