"""Mutants of config.md: scheduler, ioPriority and execCPUAffinity."""

from __future__ import annotations

import os
import signal

from reference_runtime import affinity, attributes, init, process, syscalls
from tests.mutants.breaking import drop, mutant, reads, replace, wrap


def without_step(step):
    """Leave a step out where it is tried and where it is taken."""
    drop(attributes.STEPS, step)
    drop(init.PROGRAM, step)


def of(name, change):
    """Change a member of process as it is read, where it is there."""

    def member(config):
        if name in config["process"]:
            change(config["process"][name])

    reads(member)


def deadline(change):
    """Change a scheduler of the deadline policy as it is read."""
    of("scheduler", lambda its: its.get("policy") == "SCHED_DEADLINE" and change(its))


def kernel(change):
    """Change what sched_setattr(2) is given: ``change(policy, flags, nice, priority, times)``."""

    def call(original, policy, flags, *, nice, priority, times):
        policy, flags, nice, priority, times = change(policy, flags, nice, priority, times)
        original(policy, flags, nice=nice, priority=priority, times=times)

    wrap(syscalls, "sched_setattr", call)


@mutant(
    "config.process.scheduler.policy.sched-other",
    "config.process.scheduler.policy.sched-fifo",
    "config.process.scheduler.policy.sched-rr",
    "config.process.scheduler.policy.sched-batch",
    "config.process.scheduler.policy.sched-iso",
    "config.process.scheduler.policy.sched-idle",
    "config.process.scheduler.policy.sched-deadline",
    "config.process.scheduler.nice",
    "config.process.scheduler.priority",
    "config.process.scheduler.runtime",
    "config.process.scheduler.deadline",
    "config.process.scheduler.period",
    "config.process.scheduler.flag.reset-on-fork",
    "config.process.scheduler.flag.reclaim",
    "config.process.scheduler.flag.dl-overrun",
)
def the_scheduler_is_ignored():
    """The scheduler is parsed and dropped."""
    without_step(attributes.Scheduler)


@mutant("config.process.scheduler.policy.sched-fifo", "config.process.scheduler.policy.sched-rr")
def real_time_policies_are_mixed_up():
    """SCHED_FIFO and SCHED_RR mean each other."""
    attributes.POLICIES.update(SCHED_FIFO=2, SCHED_RR=1)


@mutant("config.process.scheduler.policy.sched-batch", "config.process.scheduler.policy.sched-idle")
def policies_for_background_work_are_mixed_up():
    """SCHED_BATCH and SCHED_IDLE mean each other."""
    attributes.POLICIES.update(SCHED_BATCH=5, SCHED_IDLE=3)


@mutant("config.process.scheduler.policy.sched-iso")
def a_policy_that_no_kernel_has_is_the_usual_one():
    """SCHED_ISO is taken for SCHED_OTHER."""
    attributes.POLICIES["SCHED_ISO"] = 0


@mutant("config.process.scheduler.policy-required")
def no_policy_is_the_idle_one():
    """A scheduler without a policy puts the program behind all others."""
    of("scheduler", lambda its: its.setdefault("policy", "SCHED_IDLE"))


# A flag is seen by the nice value that it keeps.
@mutant("config.process.scheduler.nice", also=["config.process.scheduler.flag.*"])
def nice_is_ignored():
    """The nice value is parsed and dropped."""
    of("scheduler", lambda its: its.pop("nice", None))


@mutant("config.process.scheduler.nice-default-zero")
def an_unset_nice_value_is_inherited():
    """Without nice the program has the nice value of the caller."""
    of("scheduler", lambda its: its.setdefault("nice", os.getpriority(os.PRIO_PROCESS, 0)))


@mutant("config.process.scheduler.priority-default-zero")
def an_unset_priority_is_the_lowest():
    """A real-time policy without a priority gets 1."""

    def change(its):
        if its["policy"] in attributes.REALTIME:
            its.setdefault("priority", 1)

    of("scheduler", change)


@mutant("config.process.scheduler.runtime-default-zero")
def an_unset_runtime_is_a_tenth_of_the_period():
    """The deadline policy is accepted without a runtime."""
    deadline(lambda its: its.setdefault("runtime", its["period"] // 10))


@mutant("config.process.scheduler.deadline-default-zero")
def an_unset_deadline_is_the_period():
    """The deadline policy is accepted without a deadline."""
    deadline(lambda its: its.setdefault("deadline", its["period"]))


@mutant("config.process.scheduler.period-default-zero")
def an_unset_period_is_twice_the_deadline():
    """A period is invented where there is none."""
    deadline(lambda its: its.setdefault("period", 2 * its["deadline"]))


@mutant("config.process.scheduler.priority")
def nice_is_the_priority():
    """The nice value is given to the kernel as the priority of real-time policies."""
    kernel(lambda policy, flags, nice, priority, times: (
        policy, flags, nice, nice if priority else 0, times
    ))  # fmt: skip


@mutant(
    "config.process.scheduler.runtime",
    "config.process.scheduler.deadline",
    "config.process.scheduler.period",
)
def times_are_in_another_unit():
    """The times of the deadline policy are ten times those configured."""
    kernel(lambda policy, flags, nice, priority, times: (
        policy, flags, nice, priority, tuple(10 * time for time in times)
    ))  # fmt: skip


@mutant("config.process.scheduler.deadline", "config.process.scheduler.period")
def deadline_and_period_are_one():
    """The period is given to the kernel for the deadline, and the deadline for the period."""

    def change(policy, flags, nice, priority, times):
        return policy, flags, nice, priority, (times[0], times[2], times[2] + times[1])

    kernel(change)


@mutant(
    "config.process.scheduler.flag.reset-on-fork",
    "config.process.scheduler.flag.reclaim",
    "config.process.scheduler.flag.dl-overrun",
    "config.process.scheduler.flag.keep-policy",
    "config.process.scheduler.flag.keep-params",
)
def flags_are_ignored():
    """Flags are parsed and dropped."""
    of("scheduler", lambda its: its.pop("flags", None))


@mutant("config.process.scheduler.flag.keep-params")
def nice_is_set_though_it_is_to_be_kept():
    """SCHED_FLAG_KEEP_PARAMS does not keep the nice value."""

    def run(original, step, creation):
        original(step, creation)
        os.setpriority(os.PRIO_PROCESS, 0, creation.process.get("scheduler", {}).get("nice", 0))

    original = attributes.Scheduler.run
    attributes.Scheduler.run = lambda step, creation: run(original, step, creation)


@mutant("config.process.scheduler.unknown-value-errors")
def unknown_policies_are_the_usual_one():
    """An unknown policy is taken for SCHED_OTHER."""

    def change(its):
        if its.get("policy") not in attributes.POLICIES:
            its["policy"] = "SCHED_OTHER"

    of("scheduler", change)


@mutant("config.process.scheduler.unknown-value-errors")
def unknown_flags_are_skipped():
    """A flag that does not exist has no effect and is no error."""

    def change(its):
        its["flags"] = [one for one in its.get("flags", []) if one in attributes.SCHEDULER_FLAGS]

    of("scheduler", change)


@mutant(
    "config.process.io-priority.class-rt",
    "config.process.io-priority.class-be",
    "config.process.io-priority.class-idle",
    "config.process.io-priority.level",
    "config.process.io-priority.process-group",
)
def io_priority_is_ignored():
    """ioPriority is parsed and dropped."""
    without_step(attributes.IoPriority)


@mutant(
    "config.process.io-priority.class-rt",
    "config.process.io-priority.class-be",
    "config.process.io-priority.class-idle",
)
def classes_are_mixed_up():
    """Each class is taken for another one."""
    attributes.IO_CLASSES.update(IOPRIO_CLASS_RT=2, IOPRIO_CLASS_BE=3, IOPRIO_CLASS_IDLE=1)


@mutant("config.process.io-priority.level")
def all_levels_are_the_highest():
    """The level within the class is ignored."""
    wrap(syscalls, "ioprio_set", lambda original, value: original(value & ~0x1FFF))


@mutant("config.process.io-priority.class-required")
def no_class_crashes():
    """Create dies by a segmentation fault when ioPriority has no class."""
    of("ioPriority", lambda its: "class" in its or os.kill(os.getpid(), signal.SIGSEGV))


@mutant("config.process.io-priority.priority-required")
def a_class_without_a_level_is_ignored():
    """ioPriority without a priority has no effect at all."""

    def change(config):
        if "priority" not in config["process"].get("ioPriority", {"priority": 0}):
            del config["process"]["ioPriority"]

    reads(change)


@mutant("config.process.io-priority.range")
def levels_are_cut_to_three_bits():
    """A level beyond the range is taken for one within it."""
    of("ioPriority", lambda its: its.update(priority=its.get("priority", 0) & 7))


@mutant("config.process.io-priority.unknown-class-errors")
def unknown_classes_are_ignored():
    """An ioPriority of an unknown class has no effect and is no error."""

    def change(config):
        wanted = config["process"].get("ioPriority")
        if wanted and wanted.get("class") not in attributes.IO_CLASSES:
            del config["process"]["ioPriority"]

    reads(change)


@mutant("config.process.exec-cpu-affinity.not-for-init")
def the_container_process_is_confined_too():
    """execCPUAffinity holds for the container's own program."""

    def become(original, creation):
        wanted = creation.process.get("execCPUAffinity", {})
        processors = wanted.get("final") or wanted.get("initial")
        if processors:
            os.sched_setaffinity(0, affinity.cpus(processors))
        original(creation)

    wrap(process, "become_user", become)


@mutant("config.process.exec-cpu-affinity.final")
def the_final_processors_are_ignored():
    """final is parsed and dropped."""

    def apply(original, pid, affinities, when):
        if when == "initial":
            original(pid, affinities, when)

    wrap(affinity, "apply", apply)


@mutant("config.process.exec-cpu-affinity.format")
def what_is_no_list_is_every_processor():
    """A list that cannot be read does not confine."""

    def cpus(original, text):
        try:
            return original(text)
        except ValueError:
            return os.sched_getaffinity(0)

    wrap(affinity, "cpus", cpus)


@mutant("config.process.exec-cpu-affinity.format")
def ranges_begin_after_their_first_number():
    """The first processor of a list is left out."""
    replace(affinity, "cpus", lambda text: {int(text.replace("-", ",").split(",")[0]) ^ 1})
