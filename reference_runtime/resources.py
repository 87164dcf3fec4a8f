"""linux.resources of the controllers whose files depend on how the kernel was built.

config-linux.md#huge-page-limits, #block-io, #network, #rdma; kernel: admin-guide/cgroup-v1 and
admin-guide/cgroup-v2. The cgroups exist already: what is in them decides.
"""

from __future__ import annotations

import os

from reference_runtime import cgroups, errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.model import Json

    Setting = tuple[str, str, str, str]  # property, controller, file, value

# member of blockIO: (file of version 1, key in io.max of version 2)
_THROTTLES = {
    "throttleReadBpsDevice": ("blkio.throttle.read_bps_device", "rbps"),
    "throttleWriteBpsDevice": ("blkio.throttle.write_bps_device", "wbps"),
    "throttleReadIOPSDevice": ("blkio.throttle.read_iops_device", "riops"),
    "throttleWriteIOPSDevice": ("blkio.throttle.write_iops_device", "wiops"),
}
_RDMA = {"hcaHandles": "hca_handle", "hcaObjects": "hca_object"}
_V2 = 2


class Places:
    """Where the controllers of the container's cgroups have their files."""

    def __init__(self, planned: list[Json]) -> None:
        """Take the hierarchies that limits are in: on a hybrid host those of version 1."""
        self.unified = cgroups.is_unified(planned)
        self.leaves = {
            controller: entry["leaf"]
            for entry in planned
            if (entry["version"] == _V2) == self.unified
            for controller in entry["controllers"]
        }

    def first(self, name: str, controller: str, *files: str) -> str:
        """Return the first of the files that exists; an error names the property."""
        if controller not in self.leaves:
            message = f"{name}: this host has no {controller} cgroup controller"
            if not self.unified:
                message += " in cgroup v1"
            raise errors.OperationError(message)
        for file in files:
            if os.path.exists(f"{self.leaves[controller]}/{file}"):
                return file
        message = f"{name}: this kernel has no {' or '.join(files)}"
        raise errors.OperationError(message)


def settings(planned: list[Json], resources: Json) -> list[Setting]:
    """Return the writes for these controllers."""
    places = Places(planned)
    block = block_v2 if places.unified else block_v1
    return [
        *huge_pages(places, resources.get("hugepageLimits", [])),
        *block(places, resources.get("blockIO", {})),
        *network(places, resources.get("network", {})),
        *rdma(places, resources.get("rdma", {})),
    ]


def huge_pages(places: Places, limits: list[Json]) -> list[Setting]:
    """Limit the reservations, or where the kernel does not count those the usage."""
    end = "max" if places.unified else "limit_in_bytes"
    writes = []
    for index, entry in enumerate(limits):
        name = f"linux.resources.hugepageLimits[{index}]"
        stem = f"hugetlb.{entry['pageSize']}"
        file = places.first(name, "hugetlb", f"{stem}.rsvd.{end}", f"{stem}.{end}")
        writes.append((name, "hugetlb", file, str(entry["limit"])))
    return writes


def block_v1(places: Places, block: Json) -> list[Setting]:
    """Return the writes to files of blkio: weights of BFQ, of CFQ on old kernels, and throttles."""
    top = "linux.resources.blockIO"
    writes = []
    for member, file in (("weight", "weight"), ("leafWeight", "leaf_weight")):
        if block.get(member):  # 0 is how Docker says that none is wanted
            name = f"{top}.{member}"
            found = places.first(name, "blkio", f"blkio.{file}", f"blkio.bfq.{file}")
            writes.append((name, "blkio", found, str(block[member])))
        for index, device in enumerate(block.get("weightDevice", [])):
            if member in device:
                name = f"{top}.weightDevice[{index}].{member}"
                files = f"blkio.{file}_device", f"blkio.bfq.{file}_device"
                found = places.first(name, "blkio", *files)
                writes.append((name, "blkio", found, f"{_numbers(device)} {device[member]}"))
    for member, (file, _) in _THROTTLES.items():
        for index, device in enumerate(block.get(member, [])):
            name = f"{top}.{member}[{index}]"
            found = places.first(name, "blkio", file)
            writes.append((name, "blkio", found, f"{_numbers(device)} {device['rate']}"))
    return writes


def block_v2(places: Places, block: Json) -> list[Setting]:
    """Return the writes to files of io; leaf weights have gone with version 1."""
    top = "linux.resources.blockIO"
    writes = []
    if block.get("leafWeight"):
        raise unconvertible(f"{top}.leafWeight")
    if block.get("weight"):
        file, value = _weight(places, f"{top}.weight", block["weight"])
        writes.append((f"{top}.weight", "io", file, f"default {value}"))
    for index, device in enumerate(block.get("weightDevice", [])):
        name = f"{top}.weightDevice[{index}]"
        if "leafWeight" in device:
            raise unconvertible(f"{name}.leafWeight")
        file, value = _weight(places, f"{name}.weight", device["weight"])
        writes.append((f"{name}.weight", "io", file, f"{_numbers(device)} {value}"))
    for member, (_, key) in _THROTTLES.items():
        for index, device in enumerate(block.get(member, [])):
            name = f"{top}.{member}[{index}]"
            file = places.first(name, "io", "io.max")
            rate = device["rate"] or "max"  # 0 lifts the limit in version 1
            writes.append((name, "io", file, f"{_numbers(device)} {key}={rate}"))
    return writes


def _weight(places: Places, name: str, weight: int) -> tuple[str, int]:
    """Return file and value of a weight: BFQ has version 1's range, io.weight 1 to 10000."""
    file = places.first(name, "io", "io.bfq.weight", "io.weight")
    if file == "io.weight":
        return file, 1 + (min(max(weight, 10), 1000) - 10) * 9999 // 990
    return file, weight


def _numbers(device: Json) -> str:
    return f"{device['major']}:{device['minor']}"


def network(places: Places, wanted: Json) -> list[Setting]:
    """Return the writes to files of net_cls and net_prio."""
    top = "linux.resources.network"
    writes = []
    if places.unified:
        for member in ("classID", "priorities"):
            if wanted.get(member):
                raise unconvertible(f"{top}.{member}")
        return []
    if "classID" in wanted:
        file = places.first(f"{top}.classID", "net_cls", "net_cls.classid")
        writes.append((f"{top}.classID", "net_cls", file, str(wanted["classID"])))
    for index, entry in enumerate(wanted.get("priorities", [])):
        name = f"{top}.priorities[{index}]"
        file = places.first(name, "net_prio", "net_prio.ifpriomap")
        writes.append((name, "net_prio", file, f"{entry['name']} {entry['priority']}"))
    return writes


def rdma(places: Places, devices: Json) -> list[Setting]:
    """Return the writes to rdma.max, which both versions have."""
    writes = []
    for device, wanted in devices.items():
        name = f"linux.resources.rdma.{device}"
        limits = [f"{key}={wanted[member]}" for member, key in _RDMA.items() if member in wanted]
        file = places.first(name, "rdma", "rdma.max")
        writes.append((name, "rdma", file, " ".join([device, *limits])))
    return writes


def unconvertible(name: str) -> errors.OperationError:
    """Return the error for what version 2 has not (config-linux.md#unified)."""
    return errors.OperationError(f"{name}: cgroup v2 has nothing like it")
