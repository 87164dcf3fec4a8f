"""linux.resources as writes to cgroup v2 files (kernel: admin-guide/cgroup-v2).

What version 2 has no file for is an error (config-linux.md#unified), never left out.
"""

from __future__ import annotations

from reference_runtime import cgroups, errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.model import Json

_WANTED = ("cpu", "cpuset", "memory", "pids", "io", "hugetlb", "rdma")
_UNCONVERTIBLE = (
    ("memory", ("kernel", "kernelTCP", "swappiness")),
    ("cpu", ("realtimeRuntime", "realtimePeriod")),
)


def enable_controllers(planned: list[Json]) -> None:
    """Hand the controllers down from the root to the leaf's parent, as far as they go."""
    for entry in planned:
        directory = entry["root"]
        for name in entry["leaf"][len(entry["root"]) + 1 :].split("/"):
            for controller in _WANTED:
                if controller in entry["controllers"]:
                    try:
                        cgroups.write(f"{directory}/cgroup.subtree_control", f"+{controller}")
                    except OSError:
                        pass  # the limit that needs it will find its file missing, and say so
            directory = f"{directory}/{name}"


def settings(resources: Json) -> list[tuple[str, str, str, str]]:
    """Return the writes for all limits: (property, controller, file, value)."""
    refuse_unconvertible(resources)
    memory, cpu, pids = (resources.get(group, {}) for group in ("memory", "cpu", "pids"))
    writes = []
    if "limit" in memory:
        writes.append(("memory.limit", "memory", "memory.max", _limit(memory["limit"])))
    if "swap" in memory:
        writes.append(("memory.swap", "memory", "memory.swap.max", _swap(memory)))
    if "reservation" in memory:
        writes.append(("memory.reservation", "memory", "memory.low", _limit(memory["reservation"])))
    if "shares" in cpu:
        writes.append(("cpu.shares", "cpu", "cpu.weight", str(weight(cpu["shares"]))))
    if "quota" in cpu or "period" in cpu:
        writes.append(("cpu.quota", "cpu", "cpu.max", _bandwidth(cpu)))
    for name, controller, file in (
        ("burst", "cpu", "cpu.max.burst"),
        ("idle", "cpu", "cpu.idle"),
        ("cpus", "cpuset", "cpuset.cpus"),
        ("mems", "cpuset", "cpuset.mems"),
    ):
        if name in cpu:
            writes.append((f"cpu.{name}", controller, file, str(cpu[name])))
    if "limit" in pids:
        writes.append(("pids.limit", "pids", "pids.max", _limit(pids["limit"])))
    for file, text in resources.get("unified", {}).items():
        controller = file.partition(".")[0]
        writes += [(f"unified.{file}", controller, file, line) for line in text.splitlines()]
    return [(f"linux.resources.{name}", *rest) for name, *rest in writes]  # type: ignore[misc]


def refuse_unconvertible(resources: Json) -> None:
    """Refuse the settings that only version 1 has."""
    for group, names in _UNCONVERTIBLE:
        for name in names:
            if name in resources.get(group, {}):
                message = f"linux.resources.{group}.{name}: cgroup v2 has nothing like it"
                raise errors.OperationError(message)
    if resources.get("memory", {}).get("disableOOMKiller"):
        message = "linux.resources.memory.disableOOMKiller: cgroup v2 has nothing like it"
        raise errors.OperationError(message)


def weight(shares: int) -> int:
    """Map cpu.shares (2 to 262144) to cpu.weight (1 to 10000) in proportion."""
    return 1 + (min(max(shares, 2), 262144) - 2) * 9999 // 262142


def _bandwidth(cpu: Json) -> str:
    """Write quota and period as one value; what is not given stays as it is."""
    quota = cpu.get("quota", -1)
    value = "max" if quota <= 0 else str(quota)
    return f"{value} {cpu['period']}" if "period" in cpu else value


def _limit(value: int) -> str:
    return "max" if value == -1 else str(value)


def _swap(memory: Json) -> str:
    """Version 1 limits memory and swap together, version 2 swap alone."""
    swap, limit = memory["swap"], memory.get("limit", -1)
    if swap == -1:
        return "max"
    if limit == -1 or swap < limit:
        message = "linux.resources.memory.swap: must not be lower than the memory limit"
        raise errors.OperationError(message)
    return str(swap - limit)
