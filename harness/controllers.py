"""Limits of a cgroup by the property of config.json: of v1 or v2 only the file differs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness import host

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.procfs import Process

UNLIMITED = math.inf

FILES: Mapping[str, Sequence[str]] = {
    "memory.limit": ("memory.limit_in_bytes", "memory.max"),
    "memory.reservation": ("memory.soft_limit_in_bytes", "memory.low"),
    "memory.swap": ("memory.memsw.limit_in_bytes", "memory.swap.max"),
    "memory.kernel": ("memory.kmem.limit_in_bytes",),
    "memory.kernelTCP": ("memory.kmem.tcp.limit_in_bytes",),
    "memory.swappiness": ("memory.swappiness",),
    "memory.useHierarchy": ("memory.use_hierarchy",),
    "memory.disableOOMKiller": ("memory.oom_control 1",),
    "cpu.shares": ("cpu.shares", "cpu.weight"),
    "cpu.quota": ("cpu.cfs_quota_us", "cpu.max"),
    "cpu.period": ("cpu.cfs_period_us", "cpu.max 1"),
    "cpu.burst": ("cpu.cfs_burst_us", "cpu.max.burst"),
    "cpu.realtimeRuntime": ("cpu.rt_runtime_us",),
    "cpu.realtimePeriod": ("cpu.rt_period_us",),
    "cpu.idle": ("cpu.idle",),
    "cpu.cpus": ("cpuset.cpus",),
    "cpu.mems": ("cpuset.mems",),
    "pids.limit": ("pids.max",),
    "blockIO.weight": ("blkio.weight", "blkio.bfq.weight", "io.bfq.weight 1", "io.weight 1"),
    "blockIO.leafWeight": ("blkio.leaf_weight",),
    "blockIO.weightDevice": (
        "blkio.weight_device",
        "blkio.bfq.weight_device",
        "io.bfq.weight",
        "io.weight",
    ),
    "blockIO.leafWeightDevice": ("blkio.leaf_weight_device",),
    "blockIO.throttleReadBpsDevice": ("blkio.throttle.read_bps_device", "io.max rbps"),
    "blockIO.throttleWriteBpsDevice": ("blkio.throttle.write_bps_device", "io.max wbps"),
    "blockIO.throttleReadIOPSDevice": ("blkio.throttle.read_iops_device", "io.max riops"),
    "blockIO.throttleWriteIOPSDevice": ("blkio.throttle.write_iops_device", "io.max wiops"),
    "network.classID": ("net_cls.classid",),
    "network.priorities": ("net_prio.ifpriomap",),
    "rdma": ("rdma.max",),
}
"""Files by property, that of v1 first; behind one the word of it that counts, or a key."""

_NEARLY_UNLIMITED = 2**63 - 2**20
"""v1 has the largest number of whole pages where no limit is."""


@dataclass(frozen=True)
class Limits:
    """The control files of one cgroup: its directories, one a hierarchy."""

    directories: Sequence[Path]
    note: Callable[[str, str], None] | None = field(default=None, compare=False)
    """Called with each file's name and text that is looked at."""

    @classmethod
    def of(cls, process: Process, note: Callable[[str, str], None] | None = None) -> Limits:
        """Return those of the cgroups that a process is in."""
        mounted = {h.options.removeprefix("none,"): h.mount_point for h in host.hierarchies()}
        found = []
        for line in process.text("cgroup").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers in mounted:
                found.append(mounted[controllers] / path.lstrip("/"))
        return cls(found, note)

    def file(self, name: str) -> tuple[Path, str] | None:
        """Return the first file there is for a property, or of this very name, and what in it."""
        for spelt in FILES.get(name, (name,)):
            file, _, part = spelt.partition(" ")
            for directory in self.directories:
                if (directory / file).exists():
                    return directory / file, part
        return None

    def text(self, name: str) -> str:
        """Text of the file; empty where there is none."""
        found = self.file(name)
        text = found[0].read_text().strip() if found else ""
        if self.note is not None:
            self.note(found[0].name if found else name, text)
        return text

    def number(self, name: str) -> float:
        """Return the number in the file: UNLIMITED where it says so, NaN where there is none.

        The swap of v2 is without the memory, that of config.json with it.
        """
        found = self.file(name)
        words = self.text(name).split()
        index = int(found[1] or 0) if found else 0
        if index >= len(words):
            return math.nan
        alone = name == "memory.swap" and found is not None and found[0].name == "memory.swap.max"
        return _number(words[index]) + (self.number("memory.limit") if alone else 0)

    def of_device(self, name: str, device: str) -> float:
        """Return the number that a file has in its line for a device, ``7:0``; NaN without one."""
        found = self.file(name)
        for line in self.text(name).splitlines():
            first, *words = line.split()
            if first == device and found and words:
                given = dict(word.partition("=")[::2] for word in words)
                return _number(given.get(found[1], "nan") if found[1] else words[0])
        return math.nan

    def set(self, name: str, value: object) -> None:
        """Write a value to the file of a property, which has to be there."""
        found = self.file(name)
        if found is None:
            raise FileNotFoundError(f"no cgroup has {name}")
        found[0].write_text(str(value))


def _number(word: str) -> float:
    if word == "max":
        return UNLIMITED
    value = float(word) if word == "nan" else int(word)
    return UNLIMITED if value == -1 or value >= _NEARLY_UNLIMITED else value


def disk() -> dict[str, int]:
    """Numbers of some whole block device of this host, whoever has it: nothing is read of it."""
    for path in sorted(Path("/sys/block").iterdir()):
        major, minor = (path / "dev").read_text().strip().split(":")
        return {"major": int(major), "minor": int(minor)}
    return {}


def huge_page_sizes() -> dict[str, int]:
    """Sizes in bytes of the huge pages of this kernel, by the name that control files have."""
    found = {}
    for path in sorted(Path("/sys/kernel/mm/hugepages").glob("hugepages-*kB")):
        kilobytes = int(path.name.removeprefix("hugepages-").removesuffix("kB"))
        for unit, size in (("GB", 1 << 20), ("MB", 1 << 10), ("KB", 1)):
            if kilobytes >= size:
                found[f"{kilobytes // size}{unit}"] = kilobytes << 10
                break
    return found
