"""Mutants of config.md: process, its working directory, environment and arguments."""

from __future__ import annotations

import os
import signal

from reference_runtime import (
    container,
    errors,
    execution,
    init,
    op_start,
    preparation,
    process,
    syscalls,
)
from tests.mutants.breaking import drop, mutant, reads, replace, skip, wrap


def before_execution(change):
    """Change the process that init is about to execute."""

    def run(original, step, creation):
        change(creation.process)
        original(step, creation)

    original = execution.PrepareExecution.run
    execution.PrepareExecution.run = lambda step, creation: run(original, step, creation)


@mutant("config.process.optional-at-create")
def a_missing_process_crashes_create():
    """Create dies by a segmentation fault when config.json has no process."""

    def prepare(original, arguments):
        made = original(arguments)
        if not made.process:
            os.kill(os.getpid(), signal.SIGSEGV)
        return made

    wrap(preparation, "prepare", prepare)


@mutant("config.process.required-at-start")
def a_missing_process_is_a_shell():
    """Start of a container without a process reports success."""

    def run(original, arguments):
        if container.load(arguments.root, arguments.id).record["hasProcess"]:
            original(arguments)

    wrap(op_start, "run", run)


@mutant("config.process.cwd.set")
def cwd_is_forgotten():
    """The program runs in the root whatever cwd says."""
    drop(init.PROGRAM, init.EnterDirectory)


@mutant("config.process.cwd.absolute")
def a_relative_cwd_is_taken_from_the_root():
    """A relative cwd is accepted and taken from the container's root."""

    def change(config):
        cwd = config["process"]["cwd"]
        config["process"]["cwd"] = os.path.normpath(os.path.join("/", cwd))

    reads(change)


@mutant("config.process.cwd.required")
def an_absent_cwd_is_the_directory_of_the_configuration():
    """A process without a cwd runs in /etc."""
    reads(lambda config: config["process"].setdefault("cwd", "/etc"))


@mutant("config.process.cwd.nonexistent")
def a_missing_cwd_is_the_root():
    """Where cwd does not exist the program runs in the root."""

    def enter(original, creation):
        try:
            original(creation)
        except errors.OperationError:
            os.chdir("/")

    skip(process, "prepare_directory")
    wrap(process, "enter_directory", enter)


@mutant("config.process.cwd.inside-container")
def cwd_leads_out_through_a_descriptor():
    """A descriptor of the host's root is left open for init, and cwd can name it."""

    def run(original, step, creation):
        os.open("/", os.O_RDONLY | os.O_DIRECTORY)
        original(step, creation)

    original = init.PrepareRoot.run
    init.PrepareRoot.run = lambda step, creation: run(original, step, creation)
    skip(process, "refuse_unreachable_directory")


@mutant("config.process.env.exact")
def the_environment_of_the_caller_leaks():
    """The program gets the environment of the runtime's caller besides its own."""
    leaked = [f"{name}={value}" for name, value in os.environ.items()]
    before_execution(lambda its: its.update(env=[*its.get("env", []), *leaked]))


@mutant("config.process.env.exact")
def variables_are_passed_twice():
    """Each variable of the program is there twice."""
    before_execution(lambda its: its.update(env=its.get("env", []) * 2))


@mutant("config.process.env.semantics")
def values_are_trimmed():
    """White space around a value is lost."""
    before_execution(lambda its: its.update(env=[entry.strip() for entry in its.get("env", [])]))


@mutant("config.process.env.semantics")
def values_end_at_their_second_equals_sign():
    """What follows a further equals sign is lost."""

    def cut(its):
        its["env"] = ["=".join(entry.split("=")[:2]) for entry in its.get("env", [])]

    before_execution(cut)


@mutant("config.process.args.argv")
def empty_arguments_are_dropped():
    """Empty strings of args do not reach the program."""
    before_execution(lambda its: its.update(args=[arg for arg in its["args"] if arg]))


@mutant("config.process.args.argv")
def arguments_are_split_at_blanks():
    """An argument of two words reaches the program as two, as if by a shell."""
    before_execution(lambda its: its.update(args=" ".join(its["args"]).split(" ")))


@mutant("config.process.args.at-least-one")
def no_args_run_a_default_program():
    """A process without args runs a program of the runtime's choice."""

    def change(config):
        config["process"]["args"] = config["process"].get("args") or ["/probe"]

    reads(change)


@mutant("config.process.args.execvp-file")
def the_program_is_looked_up_on_the_path_of_the_caller():
    """args[0] without a slash is looked for along the runtime's own PATH."""

    def candidates(its):
        name = its["args"][0]
        path = [""] if "/" in name else os.environ["PATH"].split(":")
        return [os.path.join(directory, name) for directory in path]

    replace(process, "candidates", candidates)


@mutant("config.process.args.argv0-kept")
def the_first_argument_becomes_the_path():
    """The program sees the path at which it was found as its first argument."""

    def calls(original, paths, args, env):
        return original(paths, [paths[-1].encode(), *args[1:]], env)

    wrap(syscalls, "execve_calls", calls)


@mutant("config.process.args.not-found-errors")
def a_missing_program_is_a_program_that_ends():
    """Start of a container whose program does not exist succeeds; the container just stops."""

    def paths(original, creation):
        try:
            return original(creation)
        except errors.OperationError:
            creation.there.send(execution.EXECUTING)
            os._exit(127)

    skip(process, "check_program")
    wrap(execution, "executable_paths", paths)
