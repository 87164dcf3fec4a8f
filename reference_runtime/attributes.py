"""What execve(2) leaves as it is: scheduling, I/O priority, personality, memory policy.

config.md#linux-process (scheduler, ioPriority), config-linux.md#personality, #memory-policy. init
takes them at start, while it has its capabilities; a child of it tries them at create.
"""

from __future__ import annotations

import os

from reference_runtime import forks, ranges, steps, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation

POLICIES = {
    "SCHED_OTHER": 0,
    "SCHED_FIFO": 1,
    "SCHED_RR": 2,
    "SCHED_BATCH": 3,
    "SCHED_ISO": 4,  # reserved, not implemented by any kernel: sched_setattr(2) gives EINVAL
    "SCHED_IDLE": 5,
    "SCHED_DEADLINE": 6,
}
REALTIME = ("SCHED_FIFO", "SCHED_RR")
SCHEDULER_FLAGS = {
    f"SCHED_FLAG_{name}": 1 << bit
    for bit, name in enumerate((
        "RESET_ON_FORK", "RECLAIM", "DL_OVERRUN", "KEEP_POLICY", "KEEP_PARAMS", "UTIL_CLAMP_MIN",
        "UTIL_CLAMP_MAX",
    ))
}  # fmt: skip
IO_CLASSES = {"IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3}
DOMAINS = {"LINUX": 0x0000, "LINUX32": 0x0008}
MEMORY_MODES = {
    f"MPOL_{name}": number
    for number, name in enumerate((
        "DEFAULT", "PREFERRED", "BIND", "INTERLEAVE", "LOCAL", "PREFERRED_MANY",
        "WEIGHTED_INTERLEAVE",
    ))
}  # fmt: skip
MEMORY_FLAGS = {
    "MPOL_F_NUMA_BALANCING": 1 << 13,
    "MPOL_F_RELATIVE_NODES": 1 << 14,
    "MPOL_F_STATIC_NODES": 1 << 15,
}
LAST_NODE = 1023  # MAX_NUMNODES - 1 of the largest kernel

_IOPRIO_CLASS_SHIFT = 13
_OF_PROCESS, _OF_LINUX = {"scheduler", "ioPriority"}, {"personality", "memoryPolicy"}


class Scheduler(steps.Step):
    """Set the scheduling policy and its parameters (sched_setattr(2), sched(7))."""

    describe = "set the scheduling policy"
    lifecycle = 8

    def run(self, creation: Creation) -> None:
        """Set them; a nice value is kept for later by policies that do not use it."""
        wanted = creation.process.get("scheduler")
        if not wanted:
            return
        with creation.naming(f"process.scheduler ({wanted['policy']})"):
            syscalls.sched_setattr(
                POLICIES[wanted["policy"]],
                flags(SCHEDULER_FLAGS, wanted),
                nice=wanted.get("nice", 0),
                priority=wanted.get("priority", 0),
                times=tuple(wanted.get(name, 0) for name in ("runtime", "deadline", "period")),
            )
            if wanted.get("nice") and "SCHED_FLAG_KEEP_PARAMS" not in wanted.get("flags", []):
                os.setpriority(os.PRIO_PROCESS, 0, wanted["nice"])


class IoPriority(steps.Step):
    """Set the I/O priority (ioprio_set(2)); init leads its process group, the others inherit it."""

    describe = "set the I/O priority"
    lifecycle = 8

    def run(self, creation: Creation) -> None:
        """Set it: of the group this process alone is left."""
        wanted = creation.process.get("ioPriority")
        if wanted:
            with creation.naming(f"process.ioPriority ({wanted['class']})"):
                kind = IO_CLASSES[wanted["class"]] << _IOPRIO_CLASS_SHIFT
                syscalls.ioprio_set(kind | wanted["priority"])


class Personality(steps.Step):
    """Set the execution domain (personality(2))."""

    describe = "set the personality"
    lifecycle = 8

    def run(self, creation: Creation) -> None:
        """Set it; no flags are specified."""
        wanted = creation.linux.get("personality")
        if wanted:
            with creation.naming(f"linux.personality ({wanted['domain']})"):
                syscalls.personality(DOMAINS[wanted["domain"]])


class MemoryPolicy(steps.Step):
    """Set the NUMA memory policy (set_mempolicy(2))."""

    describe = "set the memory policy"
    lifecycle = 8

    def run(self, creation: Creation) -> None:
        """Set mode and flags, with the nodes as a mask."""
        wanted = creation.linux.get("memoryPolicy")
        if wanted:
            with creation.naming(f"linux.memoryPolicy ({wanted['mode']})"):
                mode = MEMORY_MODES[wanted["mode"]] | flags(MEMORY_FLAGS, wanted)
                mask = sum(1 << node for node in nodes(wanted.get("nodes", "")))
                syscalls.set_mempolicy(mode, mask.to_bytes((LAST_NODE + 1) // 8, "little"))


class Rehearse(steps.Step):
    """Try them in the container's cgroups, which may forbid them: start can no longer error.

    init itself must not have them yet: it may have hooks to fork, which SCHED_DEADLINE forbids.
    """

    describe = "try scheduling, I/O priority, personality and memory policy in a child"
    lifecycle = 5

    def run(self, creation: Creation) -> None:
        """Fork a child if there is anything to try; it is the one that reports an error."""
        process, linux = creation.process, creation.linux
        if not (process.keys() & _OF_PROCESS or linux.keys() & _OF_LINUX):
            return
        try:
            child = forks.child(rehearse, creation)
        except BlockingIOError:
            return  # pids.max leaves no room for it: if there is an error, it will be start's
        if os.waitpid(child, 0)[1]:
            os._exit(1)


def rehearse(creation: Creation) -> None:
    """Take them, as start will."""
    steps.run_all(STEPS, creation)


STEPS: list[steps.Step] = [Scheduler(), IoPriority(), Personality(), MemoryPolicy()]


def flags(names: dict[str, int], wanted: dict[str, list[str]]) -> int:
    """Return the mask of an object's flags."""
    mask = 0
    for name in wanted.get("flags", []):
        mask |= names[name]
    return mask


def nodes(text: str) -> set[int]:
    """Return the numbers of a list such as 0-3,7; ValueError when it is none."""
    return ranges.numbers(text, LAST_NODE, "memory node") if text else set()
