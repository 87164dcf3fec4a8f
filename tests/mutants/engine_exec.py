"""Mutants of what engines need: exec."""

from __future__ import annotations

import os

from reference_runtime import (
    cgroups,
    command_line,
    errors,
    exec_process,
    execution,
    op_exec,
    processes,
    supervision,
)
from tests.mutants.breaking import behind_a_daemon, command, mutant, saying, skip, wrap

_EXEC = command() == "exec"


def describing(change):
    """Have exec take its process for what ``change`` makes of it."""

    def describe(original, target, arguments):
        found = original(target, arguments)
        change(found)
        return found

    wrap(exec_process, "describe", describe)


def forgetting(name):
    """Have exec forget a member of its process."""
    describing(lambda found: found.pop(name, None))


@mutant("engine.exec.process-file.args")
def the_last_word_is_lost():
    """exec executes all words of the file but the last."""
    describing(lambda found: found.update(args=found["args"][:-1]))


@mutant("engine.exec.process-file.env")
def the_environment_is_lost():
    """What exec executes has no variable of the file."""
    forgetting("env")


@mutant("engine.exec.process-file.cwd")
def the_directory_is_lost():
    """What exec executes begins in /."""
    describing(lambda found: found.update(cwd="/"))


@mutant("engine.exec.process-file.user")
def everybody_is_root():
    """What exec executes has user and groups of root."""
    describing(lambda found: found["user"].update(uid=0, gid=0, additionalGids=[]))


@mutant("engine.exec.process-file.umask")
def the_umask_is_lost():
    """What exec executes has the umask of the runtime's caller."""
    describing(lambda found: found["user"].pop("umask", None))


@mutant("engine.exec.process-file.capabilities")
def capabilities_are_lost():
    """What exec executes has the capabilities of the container's program."""
    forgetting("capabilities")


@mutant("engine.exec.process-file.rlimits")
def limits_are_lost():
    """What exec executes has the limits of the runtime's caller."""
    forgetting("rlimits")


@mutant("engine.exec.process-file.no-new-privileges")
def privileges_may_grow():
    """What exec executes may gain privileges."""
    forgetting("noNewPrivileges")


def not_joining(*kinds):
    """Leave what exec executes in the runtime's namespaces of these kinds."""

    def foreign(original, pid):
        return [entry for entry in original(pid) if entry["type"] not in kinds]

    wrap(op_exec, "foreign_namespaces", foreign)


@mutant("engine.exec.namespaces")
def a_namespace_is_not_joined():
    """What exec executes is in the runtime's uts namespace."""
    not_joining("uts")


@mutant("engine.exec.root")
def the_root_is_the_hosts():
    """What exec executes has the root and the mounts of the host."""
    not_joining("mount")
    skip(os, "chroot")


@mutant("engine.exec.cgroups")
def exec_is_in_no_cgroup():
    """What exec executes stays in the cgroups of the runtime's caller."""
    if _EXEC:
        skip(cgroups, "attach")


@mutant("engine.exec.exit-status")
def each_exec_succeeds():
    """exec ends with 0, whatever came of its program."""

    def wait_for(original, pid, preserved_fds=0):
        original(pid, preserved_fds)
        return 0

    wrap(supervision, "wait_for", wait_for)


@mutant("engine.exec.signalled-status")
def the_signal_is_the_status():
    """exec ends with the number of the signal that has ended its program."""

    def wait_for(original, pid, preserved_fds=0):
        status = original(pid, preserved_fds)
        return status - 128 if status > 128 and status != 255 else status

    wrap(supervision, "wait_for", wait_for)


def in_its_process(act):
    """Act in the process that exec has made when all is ready for the program."""

    def run(original, self, made):
        original(self, made)
        act()

    if _EXEC:
        wrap(execution.PrepareExecution, "run", run)


@mutant("engine.exec.stdio")
def input_of_exec_is_empty():
    """What exec executes reads from /dev/null."""
    in_its_process(lambda: os.dup2(os.open(os.devnull, os.O_RDONLY), 0))


@mutant("engine.exec.detach")
def exec_always_waits():
    """exec --detach returns when its program has ended."""

    def run(original, arguments):
        supervision.adopt_orphans()
        original(arguments)
        os.waitpid(-1, 0)

    wrap(op_exec, "run", run)


@mutant("engine.exec.reparented", "engine.exec.exit-status-by-wait")
def a_daemon_of_its_own_adopts_the_program():
    """The runtime stays behind as the parent of what it has executed."""
    wrap(op_exec, "run", behind_a_daemon)


@mutant("engine.exec.pid-file.form")
def the_pid_file_ends_in_a_newline():
    """containerd cannot parse the pid file."""
    if _EXEC:
        wrap(processes, "write_pid_file", lambda original, path, pid: original(path, f"{pid}\n"))


@mutant("engine.exec.pid-file.names-the-program")
def the_pid_file_names_the_first_process():
    """The pid file of exec has the number of the container process."""

    def execute(original, made, target):
        original(made, target)
        made.init_pid = target.record["pid"]

    wrap(op_exec, "execute", execute)


@mutant("engine.exec.pid-file.not-on-failure")
def the_pid_file_comes_first():
    """exec writes its pid file before it knows that it will succeed."""

    def execute(original, made, target):
        if made.pid_file:
            processes.write_pid_file(made.pid_file, os.getpid())
        original(made, target)

    wrap(op_exec, "execute", execute)


@mutant("engine.exec.option-forms")
def options_with_an_equals_sign_are_unknown():
    """--pid-file=PATH is an unknown option of exec."""

    def options(original, words, known, arguments, *, most):
        for word in words:
            if word.startswith("--pid-file=") and _EXEC:
                raise errors.OperationError(f"unknown option {word}")
        return original(words, known, arguments, most=most)

    wrap(command_line, "options", options)


@mutant("engine.exec.missing-program-errors")
def a_missing_program_is_no_error():
    """exec succeeds if there is no such program."""

    def execute(original, made, target):
        try:
            original(made, target)
        except errors.OperationError:
            raise SystemExit(0) from None

    wrap(op_exec, "execute", execute)


@mutant("engine.exec.missing-program-text")
def a_missing_program_is_unknown():
    """The error for a missing program is one of the runtime's own words."""
    saying("no such file or directory", "unknown", of="exec")


@mutant("engine.exec.not-executable-text")
def a_plain_file_is_wrong():
    """The error for a program that cannot be executed is one of the runtime's own words."""
    saying("permission denied", "wrong", of="exec")


@mutant("engine.exec.stopped-errors")
def a_stopped_container_executes_nothing():
    """exec in a stopped container succeeds and does nothing."""

    def living(original, target):
        try:
            return original(target)
        except errors.OperationError:
            raise SystemExit(0) from None

    wrap(op_exec, "living_process", living)
