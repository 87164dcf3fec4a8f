"""What this host allows for limits of resources: conditions as in host.py."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from harness import host

if TYPE_CHECKING:
    from collections.abc import Callable

DELEGATE = Path("/sys/kernel/cgroup/delegate")


def controller(*names: str) -> Callable[[], str]:
    """Return the condition that some hierarchy has one of these controllers: blkio is v2's io."""

    def present() -> str:
        lacking = [host.lacking_controller(name) for name in names]
        return "" if "" in lacking else lacking[0]

    return present


def control_file(*names: str) -> Callable[[], str]:
    """Return the condition that the kernel has one of these control files."""

    def present() -> str:
        if reason := host.cgroups():
            return reason
        found = any((h.directory / name).exists() for h in host.hierarchies() for name in names)
        return "" if found else f"this kernel has no control file {' or '.join(names)}"

    return present


def no_control_file(*names: str) -> Callable[[], str]:
    """Return the condition that the kernel has none of these control files."""

    def absent() -> str:
        if reason := host.cgroups():
            return reason
        found = not control_file(*names)()
        return f"this kernel has a control file {' or '.join(names)}" if found else ""

    return absent


def pure_cgroup_v2() -> str:
    """Cgroup v2 alone, with the controllers that limits need."""
    if host.layout() != "v2":
        return f"the cgroup layout is {host.layout()}; boot with systemd.unified_cgroup_hierarchy=1"
    return controller("memory")() or controller("pids")() or controller("cpu")()


def cgroup_v1() -> str:
    """Controllers of cgroup v1, be it beside a v2 mount."""
    if host.layout() in {"v2", "none"}:
        return f"the cgroup layout is {host.layout()}; boot with systemd.unified_cgroup_hierarchy=0"
    return host.cgroups()


def cgroup_namespaces() -> str:
    """Cgroup namespaces: Linux 4.6."""
    return "" if Path("/proc/self/ns/cgroup").exists() else "the kernel has no cgroup namespaces"


def delegate_file() -> str:
    """The kernel's list of files that belong to who is delegated a cgroup: Linux 4.15."""
    return "" if DELEGATE.exists() else f"the kernel has no {DELEGATE}"


def delegated_files() -> list[str]:
    """The names in that list."""
    return DELEGATE.read_text().split()


def no_swap() -> str:
    """No swap, so that memory beyond a limit has nowhere to go."""
    on = len(Path("/proc/swaps").read_text().splitlines()) > 1
    return "swap is on; swapoff -a" if on else ""


def block_device() -> str:
    """Some whole block device, to be named in limits."""
    path = Path("/sys/block")
    there = path.is_dir() and any(path.iterdir())
    return "" if there else "there is no block device in /sys/block; modprobe loop"


def weighted_block_device() -> str:
    """A loop device can have the scheduler BFQ, which weights of devices are for."""
    if reason := host.loop_devices():
        return reason
    for file in Path("/sys/block").glob("loop*/queue/scheduler"):
        if "bfq" in file.read_text():
            return ""
    return "no loop device can have the I/O scheduler bfq; modprobe bfq"


def network_controllers() -> str:
    """The controllers net_cls and net_prio, of v1 only."""
    if reason := host.real_root() or cgroup_v1():
        return reason
    rows = [line.split() for line in Path("/proc/cgroups").read_text().splitlines()]
    enabled = {row[0] for row in rows if row[-1] == "1"}
    missing = sorted({"net_cls", "net_prio"} - enabled)
    return f"the kernel has no cgroup controller {', '.join(missing)}" if missing else ""


def no_network_controllers() -> str:
    """No hierarchy with net_cls or net_prio is mounted."""
    there = not controller("net_cls", "net_prio")()
    return "net_cls or net_prio is mounted" if there else host.cgroups()


def second_network_device() -> str:
    """A network device besides lo in the network namespace that the kernel began with."""
    others = set(os.listdir("/sys/class/net")) - {"lo"}  # noqa: PTH208 - names of links
    return "" if others else "there is no network device but lo"


def no_rdma_controller() -> str:
    """No hierarchy has the controller rdma."""
    return host.cgroups() if host.lacking_controller("rdma") else "there is an rdma controller"


def rdma_device() -> str:
    """An RDMA device, and the controller for it."""
    if reason := host.lacking_controller("rdma"):
        return reason
    path = Path("/sys/class/infiniband")
    there = path.is_dir() and any(path.iterdir())
    return "" if there else "there is no RDMA device; rdma link add rxe0 type rxe netdev eth0"


def numa() -> str:
    """Memory nodes: CONFIG_NUMA, of which one will do."""
    there = Path("/sys/devices/system/node/node0").exists()
    return "" if there else "the kernel has no memory nodes: CONFIG_NUMA"


def several_nodes() -> str:
    """More than one memory node."""
    there = Path("/sys/devices/system/node/node1").exists()
    return "" if there else "there is only one memory node; boot with numa=fake=2"


def resctrl() -> str:
    """Resource control of the processor, mounted: CONFIG_X86_CPU_RESCTRL and such a processor."""
    if reason := host.real_root():
        return reason
    if resctrl_mount() is not None:
        return ""
    if "resctrl" in Path("/proc/filesystems").read_text().split():
        return "resctrl is not mounted; mount -t resctrl resctrl /sys/fs/resctrl"
    return "the processor or the kernel has no resctrl (Intel RDT, AMD QoS)"


def no_resctrl() -> str:
    """No resctrl file system is mounted."""
    return "resctrl is mounted; umount /sys/fs/resctrl" if resctrl_mount() else ""


def resctrl_mount() -> Path | None:
    """Where a resctrl file system is mounted, None where there is none."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("resctrl "):
            return Path(before.split(" ")[4])
    return None


def swap_accounting() -> str:
    """Limits of swap: CONFIG_SWAP, and swapaccount=1 on older kernels."""
    found = control_file("memory.memsw.limit_in_bytes", "memory.swap.max")()
    return f"{found}; boot with swapaccount=1" if found else ""


def huge_pages() -> str:
    """Huge pages of at least one size."""
    there = any(Path("/sys/kernel/mm/hugepages").glob("hugepages-*kB"))
    return "" if there else "the kernel has no huge pages: CONFIG_HUGETLBFS"


def hugetlb_reservations() -> str:
    """Reservations of huge pages are counted: Linux 5.7."""
    found = any(
        file
        for h in host.hierarchies()
        for end in ("rsvd.limit_in_bytes", "rsvd.max")
        for file in h.directory.glob(f"hugetlb.*.{end}")
    )
    return "" if found else "the kernel does not count reservations of huge pages"


def no_hugetlb_reservations() -> str:
    """Reservations of huge pages are not counted: before Linux 5.7."""
    return "" if hugetlb_reservations() else "the kernel counts reservations of huge pages"


def resctrl_schema(resource: str) -> Callable[[], str]:
    """Return the condition that resctrl controls a resource: L3, a cache, or MB, bandwidth."""

    def controlled() -> str:
        mount = resctrl_mount()
        if reason := resctrl() or ("" if mount else "resctrl is not mounted"):
            return reason
        text = (mount / "schemata").read_text() if mount else ""
        found = any(line.strip().startswith(f"{resource}:") for line in text.splitlines())
        return "" if found else f"resctrl does not control {resource} here"

    return controlled


def resctrl_monitoring() -> str:
    """Groups of resctrl that only monitor."""
    mount = resctrl_mount()
    if reason := resctrl():
        return reason
    there = mount is not None and (mount / "mon_groups").is_dir()
    return "" if there else "resctrl does not monitor here"
