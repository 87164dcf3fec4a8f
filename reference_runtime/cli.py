"""One call of the runtime: the operation that the command line names, its errors, its exit status.

    reference-runtime [--root DIR] [--log FILE] [--log-format text|json] [--debug] OPERATION ...

The specification leaves the command line open; engines have agreed on this one (command_line.py).
"""

from __future__ import annotations

import os
import sys

from reference_runtime import command_line, errors, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from reference_runtime.command_line import Arguments

_LAST_FD = 2**31 - 1
_FIRST_FD = 3  # behind stdin, stdout and stderr

PROTECTED = {"create", "exec", "run"}  # operations of which a process will be in the container


FAILURE = {"exec": 255, "run": 255}  # the other statuses are the program's


class Failure:
    """The exit status of the operation when it fails."""

    status = 1


def main() -> NoReturn:
    """Run one operation and end the process with its status."""
    try:
        open_stdio()
        status = run(sys.argv[1:])
    except errors.OperationError as error:
        report.error(str(error))
        status = Failure.status
    except KeyboardInterrupt:
        report.error("interrupted")
        status = Failure.status
    except Exception as error:  # noqa: BLE001 (one line, whatever happens)
        if report.Options.debug:
            sys.excepthook(type(error), error, error.__traceback__)  # the traceback
        report.error(errors.reason(error))
        status = Failure.status
    os._exit(status)  # nothing is buffered; the interpreter's own end would cost 2 ms


def open_stdio() -> None:
    """Have 0, 1 and 2 open, so that nothing else becomes them."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def keep_only_stdio(preserved: int) -> None:
    """Close what the caller has leaked, but not the descriptors of --preserve-fds."""
    for fd in range(_FIRST_FD, _FIRST_FD + preserved):
        try:
            os.fstat(fd)
        except (OSError, OverflowError):
            message = f"--preserve-fds {preserved}: the descriptor {fd} is not open"
            raise errors.OperationError(message) from None
    os.closerange(_FIRST_FD + preserved, _LAST_FD)


def run(words: list[str]) -> int:
    """Parse the command line and run the operation that it names; return the exit status."""
    arguments = command_line.parse_globals(words)
    configure_report(arguments)
    if arguments.version:
        from reference_runtime import SPEC_VERSION, VERSION

        say(f"{report.NAME} version {VERSION}\nspec: {SPEC_VERSION}")
        return 0
    Failure.status = FAILURE.get(arguments.operation, 1)
    command_line.parse_operation(arguments)
    keep_only_stdio(arguments.preserve_fds)
    if arguments.help or not arguments.operation:
        say(command_line.usage(report.NAME, arguments.operation))
        if not arguments.help:
            message = "no operation is given"
            raise errors.OperationError(message)
        return 0
    refuse_managers(arguments)
    arguments.root = os.path.abspath(arguments.root) if arguments.root else default_root()
    if arguments.operation in PROTECTED:
        from reference_runtime import protect

        protect.run_from_readonly_mount()  # which begins anew: so before the many imports
    status: int | None = module(arguments.operation).run(arguments)
    return status or 0


def default_root() -> str:
    """Return where the state is kept; engines say so themselves."""
    from reference_runtime import privileges

    return privileges.state_root()


def refuse_managers(arguments: Arguments) -> None:
    """Refuse to have cgroups managed by whom they cannot be."""
    if arguments.systemd_cgroup or arguments.cgroup_manager == "systemd":
        option = "--systemd-cgroup" if arguments.systemd_cgroup else "--cgroup-manager systemd"
        message = f"{option}: this runtime does not implement systemd's cgroup manager"
        if not os.path.isdir("/run/systemd/system"):  # sd_booted(3)
            message = f"{option}: systemd does not run on this host"
        raise errors.OperationError(message)
    if arguments.cgroup_manager not in {"cgroupfs", "disabled"}:
        message = f"--cgroup-manager: {arguments.cgroup_manager!r} is neither cgroupfs nor disabled"
        raise errors.OperationError(message)


def module(operation: str):  # type: ignore[no-untyped-def] # noqa: ANN201 (a module)
    """Import the one module of the operation."""
    name = f"reference_runtime.op_{operation}"
    __import__(name)
    return sys.modules[name]


def configure_report(arguments: Arguments) -> None:
    """Set where errors go."""
    if arguments.log_format not in {"text", "json"}:
        message = f"--log-format: {arguments.log_format!r} is neither text nor json"
        raise errors.OperationError(message)
    report.Options.log = arguments.log
    report.Options.json = arguments.log_format == "json"
    report.Options.debug = arguments.debug


def say(text: str) -> None:
    """Print to stdout."""
    os.write(1, text.encode() + b"\n")
