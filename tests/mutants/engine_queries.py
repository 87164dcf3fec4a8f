"""Mutants of what engines need: ps, list, features, options and the log."""

from __future__ import annotations

import os
import signal
import sys

from reference_runtime import (
    cli,
    command_line,
    errors,
    jsonlite,
    op_features,
    op_list,
    op_ps,
    report,
)
from tests.mutants.breaking import mutant, replace, skip, wrap


@mutant("engine.ps.json")
def strings_are_listed():
    """ps --format json prints the numbers as strings."""
    wrap(op_ps, "process_ids", lambda original, target: [str(pid) for pid in original(target)])


@mutant("engine.ps.exec")
def the_first_alone_is_listed():
    """ps lists the container process alone."""
    replace(op_ps, "process_ids", lambda target: [target.record["pid"]])


@mutant("engine.ps.created")
def a_created_container_has_none():
    """ps of a created container is an error."""

    def process_ids(original, target):
        if target.status() == "created":
            raise errors.OperationError("container not running")
        return original(target)

    wrap(op_ps, "process_ids", process_ids)


@mutant("engine.ps.stopped")
def ps_crashes():
    """ps of a stopped container dies by a segmentation fault."""

    def process_ids(original, target):
        if target.open_process() is None:
            os.kill(os.getpid(), signal.SIGSEGV)
        return original(target)

    wrap(op_ps, "process_ids", process_ids)


def listing(change):
    """Have list show what ``change`` makes of the states."""

    def states(original, root):
        found = original(root)
        change(found)
        return found

    wrap(op_list, "states", states)


@mutant("engine.list.json")
def bundles_are_not_listed():
    """The states of list have no bundle."""
    listing(lambda found: [state.pop("bundle") for state in found])


@mutant("engine.list.created-time")
def the_time_is_not_listed():
    """The states of list have no time."""
    listing(lambda found: [state.pop("created") for state in found])


@mutant("engine.list.empty")
def nothing_is_an_error():
    """list fails if there is no container."""

    def change(found):
        if not found:
            raise errors.OperationError("there is no container")

    listing(change)


@mutant("engine.list.stopped")
def the_dead_have_a_number():
    """list shows the former pid of a container that has stopped."""
    listing(lambda found: [state.update(pid=state["pid"] or 4321) for state in found])


@mutant("engine.features.versions")
def features_have_no_versions():
    """features does not say which versions it takes."""
    op_features.FEATURES.pop("ociVersionMin")


@mutant("engine.version.text")
def there_is_no_version():
    """--version is an unknown option."""
    if "--version" in sys.argv and "list" not in sys.argv:
        wrap(cli, "say", lambda original, _text: original("a runtime"))


@mutant("engine.options.root-forms")
def the_root_has_one_form():
    """--root=DIR is an unknown option."""
    if any(word.startswith("--root=") for word in sys.argv):

        def parse(original, words):
            del original, words
            raise errors.OperationError("unknown option --root=")

        wrap(command_line, "parse_globals", parse)


@mutant("engine.options.debug")
def there_is_nothing_to_debug():
    """--debug is an unknown option."""
    command_line.GLOBAL.pop("--debug")


@mutant("engine.options.systemd-cgroup")
def systemd_is_ignored():
    """--systemd-cgroup is taken and forgotten."""
    skip(cli, "refuse_managers")


@mutant("engine.log.one-object", "engine.log.exec-one-object")
def a_warning_comes_first():
    """The log has a line more than the error."""

    def error(original, message):
        if report.Options.log:
            report._append_to_log("a warning")
        original(message)

    wrap(report, "error", error)


def logging(change):
    """Have the log say what ``change`` makes of its entries."""

    def dumps(original, value):
        if isinstance(value, dict) and "msg" in value:
            change(value)
        return original(value)

    wrap(jsonlite, "dumps", dumps)


@mutant("engine.log.level")
def the_level_is_in_capitals():
    """The level of an error is ERROR."""
    logging(lambda entry: entry.update(level="ERROR"))


@mutant("engine.log.time")
def the_time_is_a_number():
    """The time of an error is in seconds since 1970."""
    logging(lambda entry: entry.update(time="1790000000"))


@mutant("engine.log.silent-success")
def each_operation_is_logged():
    """Operations that succeed write a line to the log."""

    def run(original, words):
        status = original(words)
        if report.Options.log:
            report._append_to_log("done")
        return status

    wrap(cli, "run", run)


@mutant("engine.log.appended")
def the_log_begins_anew():
    """Each operation that fails empties the log first."""

    def append(original, message):
        if os.path.exists(report.Options.log):
            os.truncate(report.Options.log, 0)
        original(message)

    wrap(report, "_append_to_log", append)


@mutant("engine.log.form")
def the_format_is_a_word_of_its_own():
    """--log-format=json is an unknown option."""
    if "--log-format=json" in sys.argv:

        def parse(original, words):
            del original, words
            raise errors.OperationError("unknown option --log-format=")

        wrap(command_line, "parse_globals", parse)


@mutant("engine.log.stderr-too")
def errors_are_logged_alone():
    """With --log an error is not on standard error."""

    def write(original, message):
        if not report.Options.log:
            original(message)

    wrap(report, "_write_stderr", write)


@mutant("engine.log.stderr-alone")
def errors_without_a_log_are_lost():
    """Without --log an error is nowhere."""

    def write(original, message):
        if report.Options.log:
            original(message)

    wrap(report, "_write_stderr", write)
