"""The ps operation, which engines know and the specification does not.

The processes of a container are those in its cgroups; without one, those in its pid namespace.
"""

from __future__ import annotations

import os

from reference_runtime import cgroups, container, errors, jsonlite, pid_namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.command_line import Arguments
    from reference_runtime.container import Container


_PATH = "/usr/local/bin:/usr/bin:/bin"


def run(arguments: Arguments) -> None:
    """Print the process IDs, as this pid namespace numbers them."""
    if arguments.format not in {"", "table", "json"}:
        message = f"--format: {arguments.format!r} is neither table nor json"
        raise errors.OperationError(message)
    pids = process_ids(container.load(arguments.root, arguments.id))
    if arguments.format == "json":
        text = jsonlite.dumps(pids)
    else:
        text = listed_by_ps(arguments.words, pids) if arguments.words else table(pids)
    os.write(1, text.encode() + b"\n")


def process_ids(target: Container) -> list[int]:
    """Return the processes of the container; a stopped one may have left some."""
    pids = set(cgroups.members(target.record.get("cgroups", [])))
    pidfd = target.open_process()
    if pidfd is not None:
        pids.add(target.record["pid"])
        if not target.record.get("cgroups"):
            pids.update(pid_namespace.members(target.record["pid"]))
    return sorted(pids)


def table(pids: list[int]) -> str:
    """Return a line for each process, with its command line."""
    return "\n".join(["PID      COMMAND", *(f"{pid:<8} {command(pid)}" for pid in pids)])


def listed_by_ps(options: list[str], pids: list[int]) -> str:
    """Return what ps(1) prints with the options, less the lines of other processes."""
    output = os.memfd_create("ps")
    try:
        pid = os.posix_spawnp(
            "ps", ["ps", *options], {"PATH": _PATH}, file_actions=[(os.POSIX_SPAWN_DUP2, output, 1)]
        )
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except OSError as error:
        message = f"ps: {errors.reason(error)}"
        raise errors.OperationError(message) from None
    header, *rows = os.pread(output, os.fstat(output).st_size, 0).decode(
        errors="replace"
    ).splitlines() or [""]
    end = f" {header} ".find(" PID ") + len("PID")  # where the numbers of the column end
    if status or "PID" not in header.split():
        message = f"ps {' '.join(options)}: exit status {status}, no column PID"
        raise errors.OperationError(message)
    wanted = set(map(str, pids))
    return "\n".join([header, *(row for row in rows if wanted & set(row[:end].split()[-1:]))])


def command(pid: int) -> str:
    """Return the arguments of a process (proc(5)); they may hold anything."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().rstrip(b"\0").split(b"\0")
    except OSError:
        return ""
    text = " ".join(word.decode(errors="backslashreplace") for word in words)
    return "".join(character if character.isprintable() else "?" for character in text)
