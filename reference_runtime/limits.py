"""Changing the limits of cgroups that processes are in: all of them, or none.

What is changed is read before it is written; an error puts back what was there, last one first.
"""

from __future__ import annotations

from reference_runtime import cgroup_v1, cgroup_v2, cgroups, errors, report, resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.model import Json

_UNLIMITED = {  # what a device has that is not listed in a file
    "io.max": "rbps=max wbps=max riops=max wiops=max",
    "io.weight": "default",
    "io.bfq.weight": "default",
}
_BY_DEVICE = {"blkio", "io", "rdma", "net_prio"}  # controllers with files of many lines
_LIMIT, _SWAP = "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"


def change(planned: list[Json], wanted: Json) -> None:
    """Write the limits, in an order that the kernel takes."""
    if not wanted:
        return
    if cgroups.is_unified(planned):
        read_what_is_missing(planned, wanted)
        settings = cgroup_v2.settings(wanted)
    else:
        settings = swap_first_when_it_rises(planned, cgroup_v1.settings(wanted))
    settings += resources.settings(planned, wanted)
    written: list[tuple[str, str, str, str]] = []
    try:
        for setting in settings:
            name, controller, file, value = setting
            before = current(planned, controller, file)
            cgroups.apply(planned, [setting])
            if before is not None:
                written.append((name, controller, file, restoring(controller, file, value, before)))
    except errors.OperationError:
        put_back(planned, written)
        raise


def put_back(planned: list[Json], written: list[tuple[str, str, str, str]]) -> None:
    """Write what was there before."""
    for setting in reversed(written):
        try:
            cgroups.apply(planned, [setting])
        except errors.OperationError as error:
            report.warning(f"cannot be put back: {error}")


def restoring(controller: str, file: str, value: str, before: str) -> str:
    """Return what to write to a file so that it says again what it said before."""
    if file == "memory.oom_control":
        return before.split()[1]  # of "oom_kill_disable 0"
    if controller in _BY_DEVICE and " " in value:
        device = value.partition(" ")[0]
        lines = [line for line in before.splitlines() if line.partition(" ")[0] == device]
        return lines[0] if lines else f"{device} {_UNLIMITED.get(file, '0')}"
    return before


def current(planned: list[Json], controller: str, file: str) -> str | None:
    """Return what a control file says, None where there is no such file."""
    for entry in planned:
        if controller in entry["controllers"]:
            try:
                return cgroups.read(f"{entry['leaf']}/{file}")
            except OSError:
                return None
    return None


def swap_first_when_it_rises(
    planned: list[Json], settings: list[tuple[str, str, str, str]]
) -> list[tuple[str, str, str, str]]:
    """Reorder: the limit of memory must at no time be above that of memory and swap together."""
    files = [setting[2] for setting in settings]
    if _LIMIT not in files or _SWAP not in files:
        return settings
    limit, swap = files.index(_LIMIT), files.index(_SWAP)
    before, value = current(planned, "memory", _LIMIT), int(settings[swap][3])
    if before is not None and (value == -1 or value > int(before)):
        settings.insert(limit, settings.pop(swap))
    return settings


def read_what_is_missing(planned: list[Json], wanted: Json) -> None:
    """Complete what version 2 has in one file, and version 1 and so config.json in two."""
    memory, cpu = wanted.get("memory", {}), wanted.get("cpu", {})
    limit = current(planned, "memory", "memory.max")
    if "swap" in memory and "limit" not in memory and limit is not None:
        memory["limit"] = -1 if limit == "max" else int(limit)
    bandwidth = current(planned, "cpu", "cpu.max")
    if "period" in cpu and "quota" not in cpu and bandwidth is not None:
        quota = bandwidth.split()[0]
        cpu["quota"] = -1 if quota == "max" else int(quota)
    usage = current(planned, "memory", "memory.current")
    if not memory.get("checkBeforeUpdate") or usage is None:
        return
    if 0 <= memory.get("limit", -1) < int(usage):  # version 1 refuses that itself
        message = f"linux.resources.memory.limit: {usage} bytes are in use"
        raise errors.OperationError(message)
