"""Freezing all processes of a container: the freezer of cgroup v1, cgroup.freeze of version 2.

Kernel: admin-guide/cgroup-v1/freezer-subsystem, admin-guide/cgroup-v2. The specification has no
such operation; a frozen container's status is one of the values that runtime.md#state lets the
runtime define. A frozen process of v1 cannot even die: who kills has to thaw.
"""

from __future__ import annotations

import os

from reference_runtime import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.model import Json

STATE, FREEZE, EVENTS = "freezer.state", "cgroup.freeze", "cgroup.events"
_THAWED = {STATE: "THAWED", FREEZE: "0"}
_SECONDS = 10.0


def is_frozen(planned: list[Json]) -> bool:
    """Say whether one of the cgroups is frozen, or about to be."""
    return any(_read(f"{entry['leaf']}/{file}") not in {"", thawed}
               for entry in planned for file, thawed in _THAWED.items())  # fmt: skip


def freeze(planned: list[Json]) -> None:
    """Freeze all processes and wait until they are; where that fails, thaw them."""
    for file in (STATE, FREEZE):  # a hybrid host has both: version 1 goes first
        for entry in planned:
            if os.path.exists(f"{entry['leaf']}/{file}"):
                _refuse_own(entry["leaf"])
                try:
                    (_freeze_v1 if file == STATE else _freeze_v2)(entry["leaf"])
                except BaseException:
                    thaw(planned)
                    raise
                return
    message = "the container has no cgroup that can be frozen"
    raise errors.OperationError(message)


def thaw(planned: list[Json]) -> None:
    """Thaw the cgroups, and below those that are the container's own all that it has frozen."""
    for entry in planned:
        if not any(os.path.exists(f"{entry['leaf']}/{file}") for file in _THAWED):
            continue
        is_own = entry["leaf"] in entry["made"]
        tree = [top for top, _, _ in os.walk(entry["leaf"])] if is_own else [entry["leaf"]]
        for directory in tree:
            for file, thawed in _THAWED.items():
                if _read(f"{directory}/{file}") not in {"", thawed}:
                    _write(f"{directory}/{file}", thawed)


def _refuse_own(leaf: str) -> None:
    for directory, _, _ in os.walk(leaf):
        if str(os.getpid()) in _read(f"{directory}/cgroup.procs").split():
            message = f"the runtime itself is in the cgroup {leaf}"
            raise errors.OperationError(message)


def _freeze_v1(leaf: str) -> None:
    import time

    deadline = time.monotonic() + _SECONDS
    while True:
        _write(f"{leaf}/{STATE}", "FROZEN")  # each time it tries those anew that were missed
        if _read(f"{leaf}/{STATE}") == "FROZEN":
            return
        if time.monotonic() > deadline:
            raise _not_in_time(leaf)
        time.sleep(0.001)  # version 1 tells nobody


def _freeze_v2(leaf: str) -> None:
    import select

    fd = os.open(f"{leaf}/{EVENTS}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        poll = select.poll()
        poll.register(fd, select.POLLPRI)
        _write(f"{leaf}/{FREEZE}", "1")
        while b"frozen 1" not in os.pread(fd, 4096, 0):
            if not poll.poll(int(_SECONDS * 1000)):
                raise _not_in_time(leaf)
    finally:
        os.close(fd)


def _not_in_time(leaf: str) -> errors.OperationError:
    return errors.OperationError(f"the cgroup {leaf} does not freeze within {_SECONDS:g} s")


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""  # not of this version, or gone


def _write(path: str, value: str) -> None:
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(value)
    except FileNotFoundError:
        pass  # gone
