"""The CPUs that exec's process runs on (config.md#linux-process, execCPUAffinity)."""

from __future__ import annotations

import os

from reference_runtime import errors, ranges

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.model import Json

_LAST = 1 << 16  # beyond every kernel's NR_CPUS: 0-4000000000 must not take our memory


def apply(pid: int, affinities: Json, when: str) -> None:
    """Let a process run on the CPUs listed for `initial` (not yet in the cgroup) or `final`."""
    if affinities.get(when):
        try:
            os.sched_setaffinity(pid, cpus(affinities[when]))
        except (OSError, ValueError) as error:
            message = f"process.execCPUAffinity.{when}: {errors.reason(error)}"
            raise errors.OperationError(message) from None


def cpus(text: str) -> set[int]:
    """Return the CPUs of a list such as 0-3,7, which may have blanks behind its commas."""
    return ranges.numbers(",".join(map(str.strip, text.split(","))), _LAST, "CPU")
