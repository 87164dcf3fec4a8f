"""The list operation, which engines know and the specification does not."""

from __future__ import annotations

import os

from reference_runtime import container, errors, jsonlite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.command_line import Arguments
    from reference_runtime.model import Json

_COLUMNS = ("id", "pid", "status", "bundle", "created", "owner")


def run(arguments: Arguments) -> None:
    """Print the states of all containers below --root."""
    if arguments.format not in {"", "table", "json"}:
        message = f"--format: {arguments.format!r} is neither table nor json"
        raise errors.OperationError(message)
    found = states(arguments.root)
    if arguments.quiet:
        text = "".join(f"{state['id']}\n" for state in found)
    elif arguments.format == "json":
        text = jsonlite.dumps(found) + "\n"
    else:
        text = table(found)
    os.write(1, text.encode(errors="backslashreplace"))


def states(root: str) -> list[Json]:
    """Return the state of each container, with a pid of 0 where it has no process."""
    found: list[Json] = []
    try:
        names = sorted(os.listdir(root))
    except FileNotFoundError:
        return found
    for name in names:
        if container.exists(root, name):
            try:
                target = container.load(root, name)
                owner = os.stat(target.directory).st_uid
                document = target.document(target.status())
            except (errors.OperationError, FileNotFoundError):
                continue  # deleted meanwhile
            found.append({"pid": 0, **document, "owner": user_name(owner)})
    return found


def user_name(uid: int) -> str:
    """Return the name of a user, or the number of one without a name (passwd(5))."""
    try:
        with open("/etc/passwd", encoding="utf-8", errors="replace") as rows:
            for row in rows:
                fields = row.split(":")
                if fields[2:3] == [str(uid)]:
                    return fields[0]
    except OSError:
        pass
    return str(uid)


def table(found: list[Json]) -> str:
    """Return the states for people, in columns."""
    rows = [[name.upper() for name in _COLUMNS]]
    rows += [[str(state.get(name, "")) for name in _COLUMNS] for state in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        + "\n"
        for row in rows
    )
