"""Mutants of what engines need: create, and what the container process gets of the caller."""

from __future__ import annotations

import os

from reference_runtime import (
    cgroups,
    command_line,
    errors,
    execution,
    hooks,
    init,
    op_create,
    preparation,
    processes,
    report,
    validate,
)
from tests.mutants.breaking import behind_a_daemon, command, mutant, saying, skip, wrap


def in_the_program(act):
    """Act in the container process, or in that of exec, when all is ready for the program."""

    def run(original, self, made):
        original(self, made)
        act(made)

    wrap(execution.PrepareExecution, "run", run)


@mutant("engine.create.pid-file.form")
def the_pid_file_ends_in_a_newline():
    """containerd cannot parse the pid file."""
    if command() != "exec":
        wrap(processes, "write_pid_file", lambda original, path, pid: original(path, f"{pid}\n"))


@mutant("engine.create.pid-file.names-the-process")
def the_pid_file_names_the_runtime():
    """The pid file has the number of the runtime's own process, which ends."""
    if command() != "exec":
        wrap(processes, "write_pid_file", lambda original, path, _pid: original(path, os.getpid()))


@mutant("engine.create.option-forms")
def options_with_an_equals_sign_are_unknown():
    """--pid-file=PATH is an unknown option."""

    def options(original, words, known, arguments, *, most):
        for word in words:
            if word.startswith("--pid-file="):
                raise errors.OperationError(f"unknown option {word}")
        return original(words, known, arguments, most=most)

    wrap(command_line, "options", options)


@mutant("engine.create.any-directory")
def create_writes_where_it_is_called():
    """Create wants to keep a file in the directory that it is called in."""

    def read(original, path):
        try:
            os.close(os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise errors.OperationError(f"cannot write here: {error.strerror}") from None
        return original(path)

    wrap(preparation, "read_configuration", read)


@mutant("engine.create.private-bundle")
def the_user_has_to_read_the_bundle():
    """A program's user who cannot read the bundle's directory is an error."""

    def prepare(original, made, arguments):
        original(made, arguments)
        if made.process["user"]["uid"] and not os.stat(arguments.bundle).st_mode & 0o001:
            raise errors.OperationError("the bundle is not accessible to the user")

    wrap(preparation, "prepare_process", prepare)


def without_option(name):
    """Know an option of create no more."""
    known, names = command_line.OPERATIONS["create"]
    kept = {option: kind for option, kind in known.items() if option != name}
    command_line.OPERATIONS["create"] = (kept, names)


@mutant("engine.create.no-new-keyring")
def the_keyring_option_is_unknown():
    """--no-new-keyring is an unknown option."""
    without_option("--no-new-keyring")


@mutant("engine.create.no-pivot")
def the_option_against_pivot_root_is_unknown():
    """--no-pivot is an unknown option."""
    without_option("--no-pivot")


@mutant("engine.create.reparented", "engine.create.exit-status-by-wait")
def a_daemon_of_its_own_adopts_the_container_process():
    """The runtime stays behind as the parent of the container process."""
    wrap(op_create, "run", behind_a_daemon)


@mutant("engine.create.exit-status-by-wait")
def statuses_become_zero():
    """The program runs in a child of the container process, which ends in status 0."""

    def run(original, self, made):
        child = os.fork()
        if child:
            made.there.close()
            os.waitpid(child, 0)
            os._exit(0)
        original(self, made)

    wrap(execution.Execute, "run", run)


@mutant("engine.create.stdio-is-the-callers")
def errors_go_nowhere():
    """What the program writes to standard error is lost."""
    in_the_program(lambda _: os.dup2(os.open(os.devnull, os.O_RDWR), 2))


@mutant("engine.create.stdio-is-not-used")
def create_tells_that_it_is_done():
    """A create that succeeds says so on standard error."""

    def run(original, arguments):
        original(arguments)
        report.warning("created")

    wrap(op_create, "run", run)


@mutant("engine.create.cgroup-at-return")
def the_process_joins_its_cgroup_by_and_by():
    """The cgroups are made, and the container process is in none of them."""
    skip(cgroups, "attach")


@mutant("engine.create.missing-program-errors")
def a_missing_program_is_for_start_to_find():
    """create succeeds though the program is not there."""
    no_check_of_the_program()


@mutant("engine.create.not-executable-errors")
def a_plain_file_is_for_start_to_find():
    """create succeeds though the program cannot be executed."""
    no_check_of_the_program()


def no_check_of_the_program():
    """Let any path be the program until it is executed."""
    init.PROGRAM[:] = [step for step in init.PROGRAM if type(step) is not init.FindProgram]
    for steps in (init.ROOT, init.ENVIRONMENT):
        steps[:] = [step for step in steps if type(step) is not init.FindProgram]


@mutant("engine.create.missing-program-text")
def a_missing_program_is_unknown():
    """The error for a missing program is one of the runtime's own words."""
    saying("no such file or directory", "unknown", of="create")
    saying("executable file not found in", "cannot find", of="create")


@mutant("engine.create.missing-program-lower-case")
def a_missing_program_begins_a_sentence():
    """The error for a missing program is as strerror(3) says it: No such file or directory."""
    saying("no such file", "No such file", of="create")
    saying("executable file not", "Executable file not", of="create")


@mutant("engine.create.not-executable-text")
def a_plain_file_is_wrong():
    """The error for a program that cannot be executed is one of the runtime's own words."""
    saying("permission denied", "wrong", of="create")


@mutant("engine.create.not-executable-lower-case")
def a_plain_file_begins_a_sentence():
    """The error for a program that cannot be executed is as strerror(3) says it."""
    saying("permission denied", "Permission denied", of="create")


@mutant("engine.create.id-in-use-text")
def an_id_in_use_is_not_explained():
    """The error for an ID that is in use does not say so."""
    saying("already exists", "is invalid", of="create")


@mutant("engine.create.device-file-mode")
def the_mode_has_a_type():
    """A fileMode of more than permissions is refused."""

    def configuration(original, config):
        original(config)
        for device in config.get("linux", {}).get("devices", []):
            if device.get("fileMode", 0) > 0o7777:
                raise errors.OperationError("linux.devices.fileMode: too large")

    wrap(validate, "configuration", configuration)


@mutant(
    "engine.create.zero-limits",
    also=[
        # Members that are no limits, of which zero (or false) is asked for.
        "linux.resources.cpu.idle",
        "linux.resources.memory.swappiness",
        "linux.resources.memory.disable-oom-killer",
    ],
)
def zeros_are_written():
    """A limit of zero is written as it is, which the kernel refuses."""

    def configuration(original, config):
        original(config)
        limits = config.get("linux", {}).get("resources", {})
        if 0 in [value for group in limits.values() if isinstance(group, dict)
                 for value in group.values()]:  # fmt: skip
            raise errors.OperationError("linux.resources: invalid argument")

    wrap(validate, "configuration", configuration)


@mutant("engine.create.oci-version-pre-release")
def a_pre_release_is_no_version():
    """An ociVersion with -dev is refused."""

    def configuration(original, config):
        original(config)
        if "-dev" in config["ociVersion"]:
            raise errors.OperationError("ociVersion: not a release")

    wrap(validate, "configuration", configuration)


@mutant("engine.create.unknown-system-calls")
def an_unknown_system_call_is_an_error():
    """A filter with a name that nobody here knows is refused."""

    def configuration(original, config):
        original(config)
        for rules in config.get("linux", {}).get("seccomp", {}).get("syscalls", []):
            if any(name.startswith("no_such") for name in rules["names"]):
                raise errors.OperationError("linux.seccomp: unknown system call")

    wrap(validate, "configuration", configuration)


@mutant("engine.create.prestart-hook")
def prestart_hooks_wait_for_start():
    """create runs no prestart hook."""

    def run_all(original, kind, to_run, state):
        if kind != "prestart":
            original(kind, to_run, state)

    wrap(hooks, "run_all", run_all)
