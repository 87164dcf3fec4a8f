"""Mutants of config-linux.md: seccomp, what entries of syscalls do."""

from __future__ import annotations

import errno

from reference_runtime import seccomp
from tests.mutants.breaking import mutant, replace, wrap
from tests.mutants.linux_seccomp import compiling


def entries(change):
    """Change each entry of a valid filter."""

    def each(filter_):
        for entry in filter_["syscalls"]:
            change(entry)

    compiling(each)


def conditions(change):
    """Change each condition of a valid filter: ``change`` returns it."""
    wrap(seccomp, "pack", lambda original, condition: original(change(dict(condition))))


def taken_for(action, other, **members):
    """Take one action in entries for another one."""

    def change(entry):
        if entry["action"] == f"SCMP_ACT_{action}":
            entry.pop("errnoRet", None)
            entry.update(action=f"SCMP_ACT_{other}", **members)

    entries(change)


def compared_as(operator, other):
    """Take one operator for another one."""

    def change(condition):
        if condition["op"] == f"SCMP_CMP_{operator}":
            condition["op"] = f"SCMP_CMP_{other}"
        return condition

    conditions(change)


@mutant("linux.seccomp.syscalls.names-match")
def only_the_first_name_counts():
    """Of the names of an entry all but the first are ignored."""

    def change(entry):
        if entry["action"] != "SCMP_ACT_ALLOW":
            entry["names"] = entry["names"][:1]

    entries(change)


@mutant("linux.seccomp.action.kill")
def kill_ends_the_process():
    """KILL is KILL_PROCESS."""
    taken_for("KILL", "KILL_PROCESS")


@mutant("linux.seccomp.action.kill-process")
def kill_process_ends_a_thread():
    """KILL_PROCESS is KILL_THREAD."""
    taken_for("KILL_PROCESS", "KILL_THREAD")


@mutant("linux.seccomp.action.kill-thread")
def kill_thread_ends_the_process():
    """KILL_THREAD is KILL_PROCESS."""
    taken_for("KILL_THREAD", "KILL_PROCESS")


@mutant("linux.seccomp.action.trap")
def trap_kills():
    """The signal of TRAP cannot be caught."""
    taken_for("TRAP", "KILL_THREAD")


@mutant("linux.seccomp.action.errno")
def errno_only_logs():
    """A call that is to fail is made."""
    taken_for("ERRNO", "LOG")


@mutant("linux.seccomp.action.trace")
def trace_asks_nobody():
    """TRACE has the call fail with ENOSYS, whether there is a tracer or not."""
    taken_for("TRACE", "ERRNO", errnoRet=errno.ENOSYS)


@mutant("linux.seccomp.action.allow")
def only_the_first_entry_allows():
    """Calls of a second entry with ALLOW are denied."""

    def change(filter_):
        allowed = [e for e in filter_["syscalls"] if e["action"] == "SCMP_ACT_ALLOW"]
        others = [e for e in filter_["syscalls"] if e not in allowed]
        filter_["syscalls"] = allowed[:1] + others

    compiling(change)


@mutant("linux.seccomp.action.log")
def log_only_allows():
    """A call that is to be logged is made, but not logged."""
    taken_for("LOG", "ALLOW")


@mutant("linux.seccomp.action.log")
def log_denies():
    """A call that is to be logged is not made."""
    taken_for("LOG", "ERRNO")


@mutant("linux.seccomp.action.notify")
def notify_denies():
    """A call that an agent is to answer fails at once."""
    taken_for("NOTIFY", "ERRNO")


@mutant("linux.seccomp.errno-ret")
def the_errno_is_ignored():
    """Whatever errnoRet says, the call fails with EPERM."""
    entries(lambda entry: entry.pop("errnoRet", None))


@mutant("linux.seccomp.errno-ret")
def the_errno_for_a_tracer_is_ignored():
    """A tracer is told nothing of errnoRet."""

    def change(entry):
        if entry["action"] == "SCMP_ACT_TRACE":
            entry.pop("errnoRet", None)

    entries(change)


@mutant("linux.seccomp.errno-ret.default-eperm")
def calls_without_an_errno_are_not_implemented():
    """Without errnoRet the call fails with ENOSYS."""

    def change(entry):
        if entry["action"] == "SCMP_ACT_ERRNO":
            entry.setdefault("errnoRet", errno.ENOSYS)

    entries(change)


@mutant("linux.seccomp.args.index")
def the_first_argument_is_compared():
    """index is ignored."""
    conditions(lambda condition: {**condition, "index": 0})


@mutant("linux.seccomp.args.value")
def values_have_32_bits():
    """The high half of a value is lost."""
    conditions(lambda condition: {**condition, "value": condition["value"] & 0xFFFFFFFF})


@mutant("linux.seccomp.args.value")
def values_are_floating_point_numbers():
    """A value of more than 53 bits is rounded."""
    conditions(lambda condition: {**condition, "value": int(float(condition["value"]))})


@mutant("linux.seccomp.args.value-two")
def mask_and_datum_are_swapped():
    """For MASKED_EQ value is what valueTwo should be."""

    def change(condition):
        two = condition.get("valueTwo", 0)
        return {**condition, "value": two, "valueTwo": condition["value"]}

    def masked(condition):
        return change(condition) if condition["op"] == "SCMP_CMP_MASKED_EQ" else condition

    conditions(masked)


@mutant("linux.seccomp.op.ne")
def not_equal_is_greater():
    """NE is GT."""
    compared_as("NE", "GT")


@mutant("linux.seccomp.op.lt")
def less_is_at_most():
    """LT is LE."""
    compared_as("LT", "LE")


@mutant("linux.seccomp.op.le")
def at_most_is_less():
    """LE is LT."""
    compared_as("LE", "LT")


@mutant("linux.seccomp.op.eq")
def equal_is_at_least():
    """EQ is GE."""
    compared_as("EQ", "GE")


@mutant("linux.seccomp.op.ge")
def at_least_is_greater():
    """GE is GT."""
    compared_as("GE", "GT")


@mutant("linux.seccomp.op.gt")
def greater_is_at_least():
    """GT is GE."""
    compared_as("GT", "GE")


@mutant("linux.seccomp.op.masked-eq")
def masks_have_32_bits():
    """The high half of a mask is lost."""

    def change(condition):
        if condition["op"] == "SCMP_CMP_MASKED_EQ":
            condition["value"] &= 0xFFFFFFFF
            condition["valueTwo"] &= 0xFFFFFFFF
        return condition

    conditions(change)


@mutant("linux.seccomp.args.multiple")
def one_condition_is_enough():
    """Of several conditions one has to hold."""
    replace(seccomp, "alternatives", lambda given: [[each] for each in given] or [[]])
