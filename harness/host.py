"""What this host can do, found out by asking it, before any case operates.

A case names what it needs by ``requires(host.some_condition)``; a condition is a function here that
returns the reason why the host cannot, or an empty string if it can.
"""

from __future__ import annotations

import os
import platform
import re
import stat
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness import linux, loop, netlink, results
from harness.faults import UsageError


@dataclass(frozen=True)
class Hierarchy:
    """One mounted cgroup hierarchy, and where the harness is in it."""

    mount_point: Path
    own: str
    """Path of our cgroup below the mount point, ``/`` or ``/user.slice``."""
    options: str
    """Options to mount it again: ``cpu,cpuacct`` or ``none,name=systemd``; empty for v2."""

    @property
    def unified(self) -> bool:
        """Whether this is cgroup v2."""
        return not self.options

    @property
    def directory(self) -> Path:
        """Directory of our own cgroup."""
        return self.mount_point / self.own.lstrip("/")


def check() -> None:
    """Raise UsageError unless the suite can run here: Linux, root, a cgroup hierarchy."""
    if platform.system() != "Linux":
        raise UsageError(f"this is {platform.system()}; OCI runtimes are judged on Linux only")
    if os.geteuid() != 0:
        raise UsageError(
            "not root: the suite makes namespaces and cgroups; run it by sudo, or with --rootless"
        )
    if not has_capability("CAP_SYS_ADMIN"):
        raise UsageError("no CAP_SYS_ADMIN: run outside of the container, or in a privileged one")
    if not hierarchies() and not in_user_namespace():
        raise UsageError("no cgroup hierarchy is mounted; mount cgroup2 on /sys/fs/cgroup")


def in_user_namespace() -> bool:
    """Whether we are in a user namespace that has not all IDs of the host: not root of the host."""
    return Path("/proc/self/uid_map").read_text().split() != ["0", "0", "4294967295"]


def outside_uid() -> int:
    """Our user ID in the user namespace that ours was made in."""
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        inside, outside, count = map(int, line.split())
        if inside <= os.geteuid() < inside + count:
            return outside + os.geteuid() - inside
    return os.geteuid()


def user_directory() -> Path:
    """Make and return the directory of this ordinary user that all mapped IDs can walk."""
    path = Path(f"/tmp/oci-conformance-{outside_uid()}")  # noqa: S108 - checked to be ours
    path.mkdir(mode=0o711, exist_ok=True)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise UsageError(f"{path} belongs to somebody else; remove it")
    return path


def has_capability(name: str) -> bool:
    """Whether the effective set has this capability."""
    return bool(_status_mask("CapEff") >> linux.CAPABILITIES.index(name) & 1)


def hierarchies() -> list[Hierarchy]:
    """All cgroup hierarchies that are mounted, from /proc/self/cgroup and mountinfo."""
    mounted = _cgroup_mounts()
    found = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in mounted:
            found.append(Hierarchy(mounted[controllers], path, _mount_options(controllers)))
    return found


def _cgroup_mounts() -> dict[str, Path]:
    """Mount points by controllers as /proc/self/cgroup spells them; v2 has the empty name."""
    found: dict[str, Path] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        fstype, _, super_options = after.split(" ", 2)
        point = Path(before.split(" ")[4].encode().decode("unicode_escape"))
        if fstype == "cgroup2":
            found.setdefault("", point)
        elif fstype == "cgroup":
            names = [o for o in super_options.split(",") if o not in _GENERIC]
            for spelt in (",".join(names), ",".join(sorted(names))):
                found.setdefault(spelt, point)
    return found


_GENERIC = {"rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "release_agent"}


def _mount_options(controllers: str) -> str:
    return f"none,{controllers}" if controllers.startswith("name=") else controllers


def layout() -> str:
    """v1, v2, hybrid (v1 controllers beside a v2 mount) or none."""
    kinds = {h.unified for h in hierarchies()}
    return {frozenset(): "none", frozenset({True}): "v2", frozenset({False}): "v1"}.get(
        frozenset(kinds), "hybrid"
    )


VIEWS = ("v1", "v2")
"""What ``--cgroup-view`` takes."""


def lacking_view(view: str) -> str:
    """Why the hierarchies of this host cannot be shown as ``view`` alone."""
    there = any(h.unified is (view == "v2") for h in hierarchies())
    return "" if there else f"no hierarchy of cgroup {view} is mounted here"


def unclaimed_controllers() -> list[str]:
    """Return the v1 controllers of a hybrid host that nobody uses.

    They are left in v2 and not enabled there, or bound to a hierarchy that is mounted nowhere.
    """
    unified = next((h for h in hierarchies() if h.unified), None)
    if unified is None or layout() != "hybrid":
        return []
    available = set((unified.mount_point / "cgroup.controllers").read_text().split())
    enabled = set((unified.mount_point / "cgroup.subtree_control").read_text().split())
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    bound = {line.split(":", 2)[1] for line in lines}
    mounted = {h.options.removeprefix("none,") for h in hierarchies()}
    return sorted(((available - enabled) | (bound - mounted)) & _CLAIMABLE)


_CLAIMABLE = {"hugetlb", "perf_event", "rdma", "misc"}


def abandoned_hierarchies() -> list[str]:
    """Return the controllers of each v1 hierarchy that is mounted nowhere, as mount(8) takes them.

    The kernel ends a hierarchy with its last mount, unless a removed cgroup was still on its way
    out then: it stays until it is mounted and unmounted once more.
    """
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    bound = {line.split(":", 2)[1] for line in lines} - {""}
    return sorted(bound - {h.options for h in hierarchies()})


def describe(view: str = "") -> results.Host:
    """Return the host as results.jsonl has it; ``view`` is what the runtime sees of its cgroups."""
    return results.Host(
        kernel=platform.release(),
        machine=platform.machine(),
        cgroup=f"{view} (on {layout()})" if view else layout(),
        lsms=_lsms(),
        capabilities=f"{_status_mask('CapBnd'):016x}",
        uid=outside_uid(),
        cpus=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        rootless=in_user_namespace(),
    )


def _lsms() -> list[str]:
    try:
        text = Path("/sys/kernel/security/lsm").read_text()
    except OSError:
        return []
    return text.strip().split(",")


@cache
def _status_mask(name: str) -> int:
    text = Path("/proc/self/status").read_text()
    found = re.search(rf"^{name}:\s*([0-9a-f]+)$", text, re.MULTILINE)
    return int(found[1], 16) if found else 0


# Conditions: each says why the host cannot, or nothing.


def cap_sys_resource() -> str:
    """Raising a hard limit, or lowering oom_score_adj below the inherited one."""
    lacks = not has_capability("CAP_SYS_RESOURCE")
    return "the caller lacks CAP_SYS_RESOURCE" if lacks else real_root()


def user_namespaces() -> str:
    """User namespaces can be made."""
    try:
        limit = int(Path("/proc/sys/user/max_user_namespaces").read_text())
    except (OSError, ValueError):
        return "the kernel has no user namespaces"
    return "" if limit > 0 else "user.max_user_namespaces is 0"


def time_namespaces() -> str:
    """Time namespaces can be made: Linux 5.6 with CONFIG_TIME_NS."""
    return "" if Path("/proc/self/ns/time").exists() else "the kernel has no time namespaces"


@cache
def virtual_network_devices() -> str:
    """Pairs of veth(4) devices can be made, tried in a network namespace of its own."""
    refused: list[OSError] = []

    def make() -> None:
        try:
            linux.unshare(linux.CLONE_NEWNET)
            netlink.add_pair("conformance0", "conformance1")
        except OSError as error:
            refused.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return f"no veth devices can be made ({refused[0].strerror}); modprobe veth" if refused else ""


def pid_numbers_can_be_chosen() -> str:
    """set_tid of clone3(2): Linux 5.5."""
    if reason := real_root():
        return reason  # whoever owns the pid namespace may
    release = tuple(map(int, re.findall(r"\d+", platform.release())[:2]))
    return "" if release >= (5, 5) else "no clone3(2) with set_tid: the kernel is below 5.5"


def cgroups() -> str:
    """Cgroups can be made: by root, or where one is delegated to the user."""
    delegated = any(os.access(h.directory / "cgroup.procs", os.W_OK) for h in hierarchies())
    return "" if delegated else "rootless, and no cgroup is delegated to this user"


def real_root() -> str:
    """Root of the host: what only the initial user namespace may, say making device nodes."""
    return "rootless: the caller is not root of the host" if in_user_namespace() else ""


def many_ids() -> str:
    """More than one user and group ID, for containers with users and mappings of their own."""
    counts = [
        sum(
            int(line.split()[2]) for line in Path(f"/proc/self/{kind}_map").read_text().splitlines()
        )
        for kind in ("uid", "gid")
    ]
    return (
        "" if min(counts) > 1 else "rootless with a single ID: no newuidmap or no subuid(5) entry"
    )


def cpuset_controller() -> str:
    """A cpuset controller in some hierarchy."""
    return lacking_controller("cpuset")


def pids_controller() -> str:
    """A pids controller in some hierarchy."""
    return lacking_controller("pids")


def lacking_controller(name: str) -> str:
    """Say that no hierarchy has this controller; empty if one has."""
    if reason := cgroups():
        return reason
    for h in hierarchies():
        controllers = h.mount_point / "cgroup.controllers"
        if name in h.options.split(",") or (h.unified and name in controllers.read_text().split()):
            return ""
    return f"no cgroup hierarchy has the {name} controller"


def mount_setattr() -> str:
    """mount_setattr(2), which options for a whole tree of mounts need."""
    return "" if linux.has_mount_setattr() else "no mount_setattr(2): the kernel is below 5.12"


def loop_devices() -> str:
    """Loop devices, and a tool that makes a file system for one."""
    return real_root() or loop.lacking()


def idmapped_mounts() -> str:
    """ID-mapped mounts of a tmpfs, on which the suite works."""
    if reason := real_root() or user_namespaces() or mount_setattr():
        return reason
    numbers = tuple(map(int, re.findall(r"\d+", platform.release())[:2]))
    return "" if numbers >= (6, 3) else "a tmpfs can be ID-mapped from Linux 6.3 on"
