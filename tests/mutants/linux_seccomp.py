"""Mutants of config-linux.md: seccomp, what the configuration of a filter may be."""

from __future__ import annotations

import errno
import os

from reference_runtime import errors, execution, seccomp, seccomp_rules
from tests.mutants.breaking import mutant, reads, wrap

KNOWN = {
    "action": ("SCMP_ACT_", seccomp_rules.ACTIONS),
    "defaultAction": ("SCMP_ACT_", seccomp_rules.ACTIONS),
    "op": ("SCMP_CMP_", seccomp_rules.OPERATORS),
}
NEITHER = set(seccomp_rules.ACTIONS) - set(seccomp_rules.LARGEST_ERRNO)
"""Actions that return no errno."""


def of_filter(change):
    """Have the runtime take linux.seccomp for what ``change`` makes of it, before any check."""

    def read(config):
        filter_ = config.get("linux", {}).get("seccomp")
        if filter_:
            change(filter_)

    reads(read)


def of_entries(change):
    """The same of each entry of syscalls."""

    def read(filter_):
        for entry in filter_.get("syscalls", []):
            change(entry)

    of_filter(read)


def of_conditions(change):
    """The same of each entry of args."""

    def read(entry):
        for condition in entry.get("args", []):
            change(condition)

    of_entries(read)


def compiling(change):
    """Make the filter of what ``change`` makes of a valid linux.seccomp."""

    def compile_filter(original, filter_, where):
        given = {**filter_, "syscalls": [dict(entry) for entry in filter_.get("syscalls", [])]}
        change(given)
        return original(given, where)

    wrap(seccomp, "compile_filter", compile_filter)


def only_known(member, known):
    """Pass over what is not known in a list."""

    def change(filter_):
        if member in filter_:
            filter_[member] = [name for name in filter_[member] if name in known]

    of_filter(change)


def without_entries_that(are_broken):
    """Pass over broken entries of syscalls."""

    def change(filter_):
        entries = filter_.get("syscalls", [])
        filter_["syscalls"] = [entry for entry in entries if not are_broken(entry)]

    of_filter(change)


@mutant("linux.seccomp.names-map-to-libseccomp")
def names_have_short_forms():
    """allow, ERRNO, eq and x86_64 will do for SCMP_ACT_ALLOW and the like."""

    def long(member, value):
        prefix, known = KNOWN[member]
        spelt = prefix + value.upper().removeprefix(prefix)
        return spelt if spelt in known else value

    def change(filter_):
        filter_["defaultAction"] = long("defaultAction", filter_.get("defaultAction", ""))
        for entry in filter_.get("syscalls", []):
            entry["action"] = long("action", entry.get("action", ""))
            for condition in entry.get("args", []):
                condition["op"] = long("op", condition.get("op", ""))

    of_filter(change)


@mutant("linux.seccomp.default-action-required")
def without_a_default_action_everything_is_allowed():
    """A default action may be left out."""
    of_filter(lambda filter_: filter_.setdefault("defaultAction", "SCMP_ACT_ALLOW"))


@mutant("linux.seccomp.default-action")
def the_default_action_kill_allows():
    """A call that no entry matches is made, though KILL is the default action."""

    def change(filter_):
        if filter_["defaultAction"] == "SCMP_ACT_KILL":
            filter_["defaultAction"] = "SCMP_ACT_ALLOW"

    compiling(change)


@mutant("linux.seccomp.default-errno-ret")
def the_default_errno_is_ignored():
    """Whatever defaultErrnoRet says, a call without an entry fails with EPERM."""
    compiling(lambda filter_: filter_.pop("defaultErrnoRet", None))


@mutant("linux.seccomp.default-errno-ret")
def the_default_errno_is_every_errno():
    """defaultErrnoRet goes before the errnoRet of an entry."""

    def change(filter_):
        for entry in filter_["syscalls"]:
            if "errnoRet" in entry and "defaultErrnoRet" in filter_:
                entry["errnoRet"] = filter_["defaultErrnoRet"]

    compiling(change)


@mutant("linux.seccomp.default-errno-ret.unsupported-fails")
def a_default_errno_that_means_nothing_is_dropped():
    """defaultErrnoRet is ignored beside an action that returns none."""

    def change(filter_):
        if filter_.get("defaultAction") in NEITHER:
            filter_.pop("defaultErrnoRet", None)

    of_filter(change)


@mutant("linux.seccomp.default-errno-ret.default-eperm")
def calls_without_an_entry_are_not_implemented():
    """The default action ERRNO returns ENOSYS."""

    def change(filter_):
        if filter_["defaultAction"] == "SCMP_ACT_ERRNO":
            filter_.setdefault("defaultErrnoRet", errno.ENOSYS)

    compiling(change)


@mutant("linux.seccomp.architectures.native")
def the_machines_own_architecture_is_taken_for_no_filter():
    """A filter that lists the machine's own architecture only has no effect."""

    def change(filter_):
        if len(filter_.get("architectures", [])) == 1:
            filter_["syscalls"] = []

    compiling(change)


@mutant("linux.seccomp.architectures.foreign")
def only_the_first_architecture_counts():
    """Calls of 32-bit programs get what those of an unlisted architecture get."""
    compiling(lambda filter_: filter_.update(architectures=filter_.get("architectures", [])[:1]))


@mutant("linux.seccomp.architectures.constants")
def unknown_architectures_are_passed_over():
    """An architecture that nobody knows is no error."""
    only_known("architectures", seccomp_rules.ARCHITECTURES)


def without_flag(flag):
    """Drop a flag."""

    def change(filter_):
        given = filter_.get("flags", [])
        filter_["flags"] = [each for each in given if each != f"SECCOMP_FILTER_FLAG_{flag}"]

    compiling(change)


@mutant("linux.seccomp.flag.log")
def the_flag_log_is_dropped():
    """Denied calls are not logged."""
    without_flag("LOG")


@mutant("linux.seccomp.flag.wait-killable-recv")
def the_flag_wait_killable_recv_is_dropped():
    """A signal interrupts a call that the agent has taken."""
    without_flag("WAIT_KILLABLE_RECV")


@mutant("linux.seccomp.flags.unknown-errors")
def unknown_flags_are_passed_over():
    """A flag that nobody knows is no error."""
    only_known("flags", seccomp_rules.FLAGS)


# A filter without entries is what defaultErrnoRet is refused in.
@mutant(
    "linux.seccomp.syscalls.optional", also=["linux.seccomp.default-errno-ret.unsupported-fails"]
)
def a_filter_without_entries_is_none():
    """Without syscalls there is no filter, whatever its default action is."""

    def read(config):
        linux = config.get("linux", {})
        if not linux.get("seccomp", {}).get("syscalls"):
            linux.pop("seccomp", None)

    reads(read)


@mutant("linux.seccomp.syscalls.names-required")
def an_entry_without_names_is_passed_over():
    """An entry may have no names."""
    without_entries_that(lambda entry: "names" not in entry)


@mutant("linux.seccomp.syscalls.names-non-empty")
def an_entry_with_an_empty_list_of_names_is_passed_over():
    """An entry may have an empty list of names."""
    without_entries_that(lambda entry: entry.get("names") == [])


@mutant("linux.seccomp.syscalls.action-required")
def an_entry_without_an_action_has_the_default_one():
    """An action may be left out."""

    def change(filter_):
        for entry in filter_.get("syscalls", []):
            entry.setdefault("action", filter_.get("defaultAction"))

    of_filter(change)


@mutant("linux.seccomp.action.unknown-errors")
def unknown_actions_allow():
    """An action that nobody knows is ALLOW."""

    def known(action):
        return action if action in seccomp_rules.ACTIONS else "SCMP_ACT_ALLOW"

    def change(filter_):
        if "defaultAction" in filter_:
            filter_["defaultAction"] = known(filter_["defaultAction"])
        for entry in filter_.get("syscalls", []):
            if "action" in entry:
                entry["action"] = known(entry["action"])

    of_filter(change)


@mutant("linux.seccomp.op.unknown-errors")
def unknown_operators_compare_for_equality():
    """An operator that nobody knows is SCMP_CMP_EQ."""

    def change(condition):
        if "op" in condition and condition["op"] not in seccomp_rules.OPERATORS:
            condition["op"] = "SCMP_CMP_EQ"

    of_conditions(change)


@mutant("linux.seccomp.args.op-required")
def a_condition_without_an_operator_compares_for_equality():
    """An operator may be left out."""
    of_conditions(lambda condition: condition.setdefault("op", "SCMP_CMP_EQ"))


@mutant("linux.seccomp.args.index")
def an_index_beyond_the_sixth_is_the_sixth():
    """An index may be as large as one likes."""
    of_conditions(lambda condition: condition.update(index=min(condition.get("index", 0), 5)))


@mutant("linux.seccomp.errno-ret.unsupported-fails")
def an_errno_that_means_nothing_is_dropped():
    """errnoRet is ignored beside an action that returns none."""

    def change(entry):
        if entry.get("action") in NEITHER:
            entry.pop("errnoRet", None)

    of_entries(change)


@mutant("linux.seccomp.listener.ignored-without-notify")
def a_listener_has_to_be_there():
    """A listenerPath where nobody listens is an error, also if there is nothing to tell."""

    def change(filter_):
        path = filter_.get("listenerPath")
        if path and not os.path.exists(path):
            message = f"linux.seccomp.listenerPath: {path}: nobody listens"
            raise errors.OperationError(message)

    of_filter(change)


@mutant("linux.seccomp.applied-to-program")
def a_filter_that_takes_privileges_is_skipped():
    """Without noNewPrivileges a program that is not root's has no filter."""

    def load(original, step, creation):
        process = creation.process
        if process.get("noNewPrivileges") or process["user"]["uid"] == 0:
            original(step, creation)

    wrap(execution.LoadSeccompFilter, "run", load)
