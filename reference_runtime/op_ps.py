"""The ps operation, which engines know and the specification does not.

The processes of a container are those in its cgroups; without one only the first is known.
"""

from __future__ import annotations

import os

from reference_runtime import cgroups, container, errors, jsonlite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.cli import Arguments
    from reference_runtime.container import Container


def run(arguments: Arguments) -> None:
    """Print the process IDs, as this pid namespace numbers them."""
    if arguments.format not in {"", "table", "json"}:
        message = f"--format: {arguments.format!r} is neither table nor json"
        raise errors.OperationError(message)
    pids = process_ids(container.load(arguments.root, arguments.id))
    text = jsonlite.dumps(pids) if arguments.format == "json" else table(pids)
    os.write(1, text.encode() + b"\n")


def process_ids(target: Container) -> list[int]:
    """Return the processes of the container; a stopped one may have left some."""
    pids = set(cgroups.members(target.record.get("cgroups", [])))
    pidfd = target.open_process()
    if pidfd is not None:
        pids.add(target.record["pid"])
    return sorted(pids)


def table(pids: list[int]) -> str:
    """Return a line for each process, with its command line."""
    return "\n".join(["PID      COMMAND", *(f"{pid:<8} {command(pid)}" for pid in pids)])


def command(pid: int) -> str:
    """Return the arguments of a process (proc(5)); they may hold anything."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().rstrip(b"\0").split(b"\0")
    except OSError:
        return ""
    text = " ".join(word.decode(errors="backslashreplace") for word in words)
    return "".join(character if character.isprintable() else "?" for character in text)
