"""What the runtime knows of a container between two operations: one directory below --root.

    <root>/<id>/state.json   the record, replaced by rename only
                lock         held by the operation that changes the container
                created      held by the container's init until it has executed the program
                start.sock   where init waits for start
                joining      held by what must not meet a pause: exec, pause and resume

The status is never written down: the kernel is asked for it (runtime.md#state).
"""

from __future__ import annotations

import os

from reference_runtime import SPEC_VERSION, errors, jsonlite, locks, processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.model import Json

CREATING, CREATED, RUNNING, STOPPED = "creating", "created", "running", "stopped"
PAUSED = "paused"  # no status of runtime.md#state, which lets the runtime define more
RECORD, LOCK, CREATED_LOCK, SOCKET = "state.json", "lock", "created", "start.sock"
JOINING_LOCK = "joining"

_ID_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-")
_LONGEST_ID = 255  # NAME_MAX: the id is the name of a directory


def check_id(identifier: str) -> None:
    """Refuse what cannot be an ID (runtime.md#create leaves it to the runtime)."""
    if not identifier:
        message = "the container ID is empty"
    elif len(identifier) > _LONGEST_ID:
        message = f"the container ID is longer than {_LONGEST_ID} characters"
    elif identifier in {".", ".."} or not _ID_CHARACTERS.issuperset(identifier):
        message = f"invalid container ID {identifier!r}: it may hold letters, digits and _+.- only"
    else:
        return
    raise errors.OperationError(message)


class Container:
    """One container: its directory and its record."""

    def __init__(self, root: str, identifier: str, record: Json) -> None:
        """Take the record as it is; nothing is made."""
        self.id = identifier
        self.root = root
        self.directory = f"{root}/{identifier}"
        self.record = record
        self.lock = -1

    def status(self) -> str:
        """Ask the kernel for the status (runtime.md#state)."""
        if self.record["phase"] == CREATING and self.lock < 0:
            if locks.is_held(self.directory, LOCK):
                return CREATING
            self.record = load(self.root, self.id).record  # create may have ended just now
        pidfd = self.open_process()
        if pidfd is None or self.record["phase"] == CREATING:  # the latter: create was killed
            return STOPPED
        os.close(pidfd)
        if self.is_frozen():
            return PAUSED
        return CREATED if locks.is_held(self.directory, CREATED_LOCK) else RUNNING

    def is_frozen(self) -> bool:
        """Say whether the container's processes are frozen."""
        if not self.record.get("cgroups"):
            return False
        from reference_runtime import freezer

        return freezer.is_frozen(self.record["cgroups"])

    def open_process(self) -> int | None:
        """Return a pidfd of the container process, None when it has exited."""
        return processes.open_process(self.record.get("pid", 0), self.record.get("startTime", 0))

    def document(self, status: str, pid: int | None = None) -> Json:
        """Return the state (runtime.md#state); hooks in the container see another pid."""
        state: Json = {"ociVersion": SPEC_VERSION, "id": self.id, "status": status}
        if pid is None:
            pid = self.record.get("pid", 0)
        if status != STOPPED and pid:
            state["pid"] = pid
        for member in ("bundle", "rootfs", "created", "annotations"):
            if member in self.record:
                state[member] = self.record[member]
        return state

    def save(self) -> None:
        """Replace the record in one step: a reader sees the old or the new one."""
        _write_record(self.directory, self.record)

    def take_lock(self, *, block: bool = False) -> None:
        """Become the one operation that changes this container."""
        fd = locks.open_file(self.directory, LOCK)
        if not locks.take(fd, block=block):
            os.close(fd)
            message = f"another operation on container {self.id} is in progress"
            raise errors.OperationError(message)
        self.lock = fd
        if not _is_file(fd, f"{self.directory}/{LOCK}"):
            raise does_not_exist(self.id)  # deleted while this operation waited
        self.record = _read_record(self.directory)

    def release_lock(self) -> None:
        """Let another operation change this container, though this process goes on: run does."""
        os.close(self.lock)
        self.lock = -1

    def take_joining_lock(self) -> int:
        """Wait until neither a pause nor an exec of this container is half done."""
        try:
            fd = locks.open_file(self.directory, JOINING_LOCK)
        except FileNotFoundError:
            raise does_not_exist(self.id) from None
        locks.take(fd, block=True)
        return fd

    def remove(self) -> None:
        """Forget the container: its directory goes in one step, so that the ID is free."""
        grave = _private_name(self.root)
        try:
            os.rename(self.directory, grave)
        except FileNotFoundError:
            return
        _remove_directory(grave)


def does_not_exist(identifier: str) -> errors.OperationError:
    """Return the error of an unknown ID; containerd looks for these words."""
    return errors.OperationError(f"container {identifier!r}: container does not exist")


def exists(root: str, identifier: str) -> bool:
    """Say whether a container has this ID."""
    return os.path.lexists(f"{root}/{identifier}/{RECORD}")


def load(root: str, identifier: str) -> Container:
    """Find a container by its ID."""
    check_id(identifier)
    try:
        record = _read_record(f"{root}/{identifier}")
    except (FileNotFoundError, NotADirectoryError):
        raise does_not_exist(identifier) from None
    return Container(root, identifier, record)


def claim(root: str, identifier: str, record: Json) -> Container:
    """Take the ID by renaming a complete directory to it: of two racing creates one wins."""
    os.makedirs(root, mode=0o700, exist_ok=True)
    remove_abandoned(root)
    container = Container(root, identifier, record)
    private = _private_name(root)
    os.mkdir(private, 0o700)
    try:
        container.lock = locks.open_file(private, LOCK)
        locks.take(container.lock)
        _write_record(private, record)
        os.rename(private, container.directory)
    except BaseException as error:
        _remove_directory(private)
        if isinstance(error, OSError) and os.path.isdir(container.directory):
            message = f"container with given ID already exists: {identifier}"
            raise errors.OperationError(message) from None
        raise
    return container


def _private_name(root: str) -> str:
    # The comma keeps these apart from every ID; pid and start time say who made it.
    pid = os.getpid()
    return f"{root}/,{pid},{processes.start_time(pid)},{os.urandom(4).hex()}"


def remove_abandoned(root: str) -> None:
    """Remove what an operation that was killed has left under a private name."""
    try:
        names = os.listdir(root)
    except FileNotFoundError:
        return
    for name in names:
        if name.startswith(","):
            pid, started = name.split(",")[1:3]
            pidfd = processes.open_process(int(pid), int(started))
            if pidfd is None:
                _remove_directory(f"{root}/{name}")
            else:
                os.close(pidfd)


def _read_record(directory: str) -> Json:
    with open(f"{directory}/{RECORD}", "rb") as file:
        record: Json = jsonlite.loads(file.read())
    return record


def _write_record(directory: str, record: Json) -> None:
    new = f"{directory}/{RECORD}.new"
    with open(new, "w", encoding="utf-8") as file:
        file.write(jsonlite.dumps(record))
    os.rename(new, f"{directory}/{RECORD}")


def _is_file(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False


def _remove_directory(path: str) -> None:
    try:
        for name in os.listdir(path):
            os.unlink(f"{path}/{name}")
        os.rmdir(path)
    except FileNotFoundError:
        pass  # two operations clean up the same abandoned directory
