"""The command line, as engines speak it to every OCI runtime; the specification leaves it open.

    reference-runtime [--root DIR] [--log FILE] [--log-format text|json] [--debug] OPERATION ...

Parsed by hand: argparse costs 10 ms, more than most operations take.
"""

from __future__ import annotations

import os
import sys

from reference_runtime import errors, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

DEFAULT_ROOT = "/run/reference-runtime"
_LAST_FD = 2**31 - 1


class Arguments:
    """What the command line said; each option is an attribute."""

    root = DEFAULT_ROOT
    log = ""
    log_format = "text"
    debug = False
    version = False
    help = False
    systemd_cgroup = False
    id = ""
    bundle = "."
    pid_file = ""
    console_socket = ""
    force = False
    signal = ""
    all = False
    format = ""
    quiet = False
    process = ""
    detach = False
    tty = False


FLAG, VALUE = False, True  # an option without and with a value
GLOBAL = {
    "--root": VALUE, "--log": VALUE, "--log-format": VALUE, "--debug": FLAG,
    "--systemd-cgroup": FLAG, "--version": FLAG, "--help": FLAG,
}  # fmt: skip
SHORT = {
    "-a": "--all", "-b": "--bundle", "-d": "--detach", "-f": "--force", "-h": "--help",
    "-p": "--process", "-q": "--quiet", "-t": "--tty", "-v": "--version",
}  # fmt: skip

# operation: (options, names of its arguments: optional ones in brackets)
OPERATIONS: dict[str, tuple[dict[str, bool], tuple[str, ...]]] = {
    "create": ({"--bundle": VALUE, "--pid-file": VALUE, "--console-socket": VALUE}, ("id",)),
    "start": ({}, ("id",)),
    "state": ({}, ("id",)),
    "kill": ({"--all": FLAG}, ("id", "[signal]")),
    "delete": ({"--force": FLAG}, ("id",)),
    "exec": (
        {
            "--process": VALUE,
            "--detach": FLAG,
            "--pid-file": VALUE,
            "--console-socket": VALUE,
            "--tty": FLAG,
        },
        ("id",),
    ),
    "features": ({}, ()),
    "list": ({"--format": VALUE, "--quiet": FLAG}, ()),
    "pause": ({}, ("id",)),
    "ps": ({"--format": VALUE}, ("id",)),
    "resume": ({}, ("id",)),
    "run": (
        {
            "--bundle": VALUE,
            "--detach": FLAG,
            "--pid-file": VALUE,
            "--console-socket": VALUE,
        },
        ("id",),
    ),
}

PROTECTED = {"create", "exec", "run"}  # operations of which a process will be in the container


FAILURE = {"exec": 255, "run": 255}  # the other statuses are the program's


class Failure:
    """The exit status of the operation when it fails."""

    status = 1


def main() -> NoReturn:
    """Run one operation and end the process with its status."""
    try:
        keep_only_stdio()
        status = run(sys.argv[1:])
    except errors.OperationError as error:
        report.error(str(error))
        status = Failure.status
    except KeyboardInterrupt:
        report.error("interrupted")
        status = Failure.status
    except Exception as error:  # no traceback: one line, whatever happens
        if report.Options.debug:
            raise
        report.error(errors.reason(error))
        status = Failure.status
    os._exit(status)  # nothing is buffered; the interpreter's own end would cost 2 ms


def keep_only_stdio() -> None:
    """Close what the caller has leaked; have 0, 1 and 2 open, so that nothing else becomes them."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    os.closerange(3, _LAST_FD)


def run(words: list[str]) -> int:
    """Parse the command line and run the operation that it names; return the exit status."""
    arguments = Arguments()
    rest = options(words, GLOBAL, arguments, stop_at_word=True)
    configure_report(arguments)
    if arguments.version:
        from reference_runtime import SPEC_VERSION, VERSION

        say(f"{report.NAME} version {VERSION}\nspec: {SPEC_VERSION}")
        return 0
    if arguments.help or not rest:
        say(usage())
        if not arguments.help:
            message = "no operation is given"
            raise errors.OperationError(message)
        return 0
    if arguments.systemd_cgroup:
        message = "--systemd-cgroup: this runtime does not implement it"
        raise errors.OperationError(message)
    operation = rest.pop(0)
    if operation not in OPERATIONS:
        message = f"unknown operation {operation!r}: one of {', '.join(OPERATIONS)}"
        raise errors.OperationError(message)
    Failure.status = FAILURE.get(operation, 1)
    known, names = OPERATIONS[operation]
    positional(operation, names, options(rest, known, arguments), arguments)
    arguments.root = os.path.abspath(arguments.root)
    if operation in PROTECTED:
        from reference_runtime import protect

        protect.run_from_readonly_mount()  # which begins anew: so before the many imports
    status: int | None = module(operation).run(arguments)
    return status or 0


def module(operation: str):  # type: ignore[no-untyped-def] # noqa: ANN201 (a module)
    """Import the one module of the operation."""
    name = f"reference_runtime.op_{operation}"
    __import__(name)
    return sys.modules[name]


def options(
    words: list[str], known: dict[str, bool], arguments: Arguments, *, stop_at_word: bool = False
) -> list[str]:
    """Take the options out of the words, as --name value or --name=value; return the rest."""
    rest: list[str] = []
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word == "--":
            return rest + words[position:]
        if not word.startswith("-") or word == "-":
            rest.append(word)
            if stop_at_word:
                return rest + words[position:]
            continue
        name, has_value, value = word.partition("=")
        name = SHORT.get(name, name)
        if name not in known:
            message = f"unknown option {name}"
            raise errors.OperationError(message)
        if known[name] == VALUE and not has_value:
            if position == len(words):
                message = f"{name} needs a value"
                raise errors.OperationError(message)
            value = words[position]
            position += 1
        setattr(arguments, name[2:].replace("-", "_"), value if known[name] == VALUE else True)
    return rest


def positional(
    operation: str, names: tuple[str, ...], words: list[str], arguments: Arguments
) -> None:
    """Give the words that are left their names."""
    required = [name for name in names if not name.startswith("[")]
    if not len(required) <= len(words) <= len(names):
        wanted = " ".join(name.upper() for name in names) or "no arguments"
        message = f"{operation} takes {wanted}, not {len(words)} arguments"
        raise errors.OperationError(message)
    for name, word in zip(names, words, strict=False):
        setattr(arguments, name.strip("[]"), word)


def configure_report(arguments: Arguments) -> None:
    """Set where errors go."""
    if arguments.log_format not in {"text", "json"}:
        message = f"--log-format: {arguments.log_format!r} is neither text nor json"
        raise errors.OperationError(message)
    report.Options.log = arguments.log
    report.Options.json = arguments.log_format == "json"
    report.Options.debug = arguments.debug


def usage() -> str:
    """Return what --help prints."""
    lines = [f"usage: {report.NAME} [options] operation ..."]
    lines.append("  options: " + " ".join(GLOBAL))
    for operation, (known, names) in OPERATIONS.items():
        lines.append("  " + " ".join((operation, *known, *(name.upper() for name in names))))
    return "\n".join(lines)


def say(text: str) -> None:
    """Print to stdout."""
    os.write(1, text.encode() + b"\n")
