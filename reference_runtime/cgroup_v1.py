"""linux.resources as writes to cgroup v1 files (kernel: admin-guide/cgroup-v1)."""

from __future__ import annotations

from reference_runtime import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.model import Json

_FILES = {
    "memory": (
        ("useHierarchy", "memory", "memory.use_hierarchy"),
        ("limit", "memory", "memory.limit_in_bytes"),
        ("swap", "memory", "memory.memsw.limit_in_bytes"),  # after limit: it may not be lower
        ("reservation", "memory", "memory.soft_limit_in_bytes"),
        ("kernel", "memory", "memory.kmem.limit_in_bytes"),
        ("kernelTCP", "memory", "memory.kmem.tcp.limit_in_bytes"),
        ("swappiness", "memory", "memory.swappiness"),
        ("disableOOMKiller", "memory", "memory.oom_control"),
    ),
    "cpu": (
        ("shares", "cpu", "cpu.shares"),
        ("period", "cpu", "cpu.cfs_period_us"),
        ("quota", "cpu", "cpu.cfs_quota_us"),
        ("burst", "cpu", "cpu.cfs_burst_us"),
        ("realtimePeriod", "cpu", "cpu.rt_period_us"),
        ("realtimeRuntime", "cpu", "cpu.rt_runtime_us"),
        ("idle", "cpu", "cpu.idle"),
        ("cpus", "cpuset", "cpuset.cpus"),
        ("mems", "cpuset", "cpuset.mems"),
    ),
    "pids": (("limit", "pids", "pids.max"),),
}

# Usable whatever the rules say: config-linux.md#default-devices has them in every container.
_DEFAULT_DEVICES = ("1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:1", "5:2", "136:*")


def settings(resources: Json) -> list[tuple[str, str, str, str]]:
    """Return the writes for all limits: (property, controller, file, value)."""
    if resources.get("unified"):
        message = "linux.resources.unified: needs cgroup v2 alone, and this host has cgroup v1"
        raise errors.OperationError(message)  # config-linux.md#unified
    writes = []
    for group, files in _FILES.items():
        wanted = resources.get(group, {})
        for name, controller, file in files:
            if name in wanted:
                value = wanted[name]
                text = "max" if group == "pids" and value == -1 else str(_number(value))
                writes.append((f"linux.resources.{group}.{name}", controller, file, text))
    return writes


def _number(value: str | int) -> str | int:
    return int(value) if isinstance(value, bool) else value


def device_settings(rules: list[Json]) -> list[tuple[str, str, str, str]]:
    """Return the writes for the device rules in their order, then for the default devices."""
    if not rules:
        return []
    writes = []
    for index, rule in enumerate(rules):
        name = f"linux.resources.devices[{index}]"
        file = "devices.allow" if rule["allow"] else "devices.deny"
        writes += [(name, "devices", file, text) for text in _rule_texts(rule)]
    writes += [
        ("linux.resources.devices", "devices", "devices.allow", f"c {numbers} rwm")
        for numbers in _DEFAULT_DEVICES
    ]
    return writes


def _rule_texts(rule: Json) -> list[str]:
    kind = rule.get("type", "a")
    major, minor = (rule.get(name, -1) for name in ("major", "minor"))
    numbers = ":".join("*" if number == -1 else str(number) for number in (major, minor))
    access = rule.get("access", "rwm")
    if kind == "a" and numbers == "*:*" and set(access) == set("rwm"):
        return ["a"]
    # The kernel takes "a" for everything, whatever numbers and access follow it.
    return [f"{each} {numbers} {access}" for each in ("cb" if kind == "a" else kind)]
