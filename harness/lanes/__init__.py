"""Lanes: the same suite in a throw-away virtual machine, for what this host cannot do.

A lane is one cgroup layout, kernel and security module. ``python -m harness.lanes v2`` boots a
kernel of Debian's under qemu with the host's files below it, copy-on-write, runs pytest there as
root and brings results.jsonl back with the lane in its header. docs/lanes.md says which lane gives
what. The guest is emulated in software: nested virtualization opens and then may crawl.
"""

from __future__ import annotations

from dataclasses import dataclass

NEWER, OLDER = "linux-image-6.12-amd64", "linux-image-amd64"
"""Packages of Debian 12: 6.12 and 6.1. Not the cloud kernels: they have no 9p and no rxe."""


@dataclass(frozen=True)
class Lane:
    """What a guest is booted with."""

    about: str
    """What runs here that a host may not have; one line for ``--help``."""
    kernel: str = NEWER
    """The package of the kernel. Debian's 6.12 has no memory and no cpuset controller of v1."""
    cgroup: str = "v2"
    """v2, v1, or hybrid: v1 controllers with a v2 mount beside them."""
    parameters: str = ""
    """More parameters for the kernel."""
    processor: str = ""
    """More properties of the processor, as ``qemu -cpu`` takes them."""
    policy: bool = False
    """Whether the SELinux policy of policy.cil is loaded."""
    without: tuple[str, ...] = ()
    """Modules that are not loaded here and are elsewhere."""
    resctrl: bool = False
    """Whether the processor is given resource control: cpuid.py."""


LANES = {
    "v2": Lane("cgroup v2 alone with every controller, two memory nodes, CAP_SYS_RESOURCE"),
    "v1": Lane("cgroup v1 alone", kernel=OLDER, cgroup="v1"),
    "hybrid": Lane(
        "controllers of v1 beside a mount of v2, and none for weights of block devices",
        kernel=OLDER,
        cgroup="hybrid",
        without=("bfq",),
    ),
    "apparmor": Lane("AppArmor", parameters="security=apparmor apparmor=1"),
    "selinux": Lane(
        "SELinux, permissive, with labels", parameters="security=selinux selinux=1", policy=True
    ),
    "resctrl": Lane(
        "resource control of the processor (Intel RDT): the kernel's, without caches behind it",
        # Symbols at the addresses that another boot of this kernel had.
        parameters="nokaslr",
        processor="vendor=GenuineIntel,level=20",
        resctrl=True,
    ),
    "kernel-6.1": Lane("cgroup v2 on Linux 6.1", kernel=OLDER),
    "kernel-6.12": Lane(
        "Linux 6.12 with a processor that has speculative store bypass to be spared",
        parameters="spec_store_bypass_disable=seccomp",
        # Linux finds the switch for it in a register of AMD's family 17h, which qemu lets it write.
        processor="vendor=AuthenticAMD,family=23,model=1",
    ),
}
