"""The ID maps of a user namespace, written by an ordinary user (user_namespaces(7)).

The user's own ID it may map alone, if nobody in there can drop groups by setgroups(2) any more.
For others there are newuidmap(1) and newgidmap(1), which look into subuid(5) and subgid(5).
"""

from __future__ import annotations

import os

from reference_runtime import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.model import Json

PROGRAMS = {"gid": "newgidmap", "uid": "newuidmap"}
DIRECTORIES = ("/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin")  # engines give no PATH


def write(pid: int, kind: str, rows: list[Json]) -> None:
    """Map the IDs of the user namespace that the process is in; kind is uid or gid."""
    own = os.geteuid() if kind == "uid" else os.getegid()
    if len(rows) == 1 and rows[0]["size"] == 1 and rows[0]["hostID"] == own:
        if kind == "gid":
            write_file(f"/proc/{pid}/setgroups", "deny")
        write_file(f"/proc/{pid}/{kind}_map", text(rows))
        return
    numbers = [str(row[name]) for row in rows for name in ("containerID", "hostID", "size")]
    run(find(PROGRAMS[kind]), str(pid), *numbers)


def text(rows: list[Json]) -> str:
    """Return the rows as the kernel takes them."""
    return "".join(f"{row['containerID']} {row['hostID']} {row['size']}\n" for row in rows)


def find(name: str) -> str:
    """Return the path of a program."""
    for directory in DIRECTORIES:
        if os.access(f"{directory}/{name}", os.X_OK):
            return f"{directory}/{name}"
    message = f"an ordinary user needs {name} to map more than the own ID: it is not installed"
    raise errors.OperationError(message)


def run(path: str, *words: str) -> None:
    """Run a program to its end; what it says is the error if it fails."""
    said = os.memfd_create("stderr")
    to = [(os.POSIX_SPAWN_DUP2, said, 1), (os.POSIX_SPAWN_DUP2, said, 2)]
    name = path.rpartition("/")[2]
    try:
        pid = os.posix_spawn(path, [name, *words], {}, file_actions=to)
        if os.waitpid(pid, 0)[1]:
            lines = os.pread(said, 1000, 0).decode(errors="replace").strip()
            message = f"{name} has failed: {lines or 'it does not say why'}"
            raise errors.OperationError(message)
    finally:
        os.close(said)


def write_file(path: str, content: str) -> None:
    """Write a file of procfs; the kernel takes a map in one write(2) only."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, content.encode())
    finally:
        os.close(fd)
