"""What a configuration needs that an ordinary user cannot have, read off config.json.

Decided before the runtime is called, so that a case that this lane cannot run is skipped with the
need as its reason, and never judged by how a runtime says that it cannot. Root of the host has all.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

REALTIME = {"SCHED_FIFO", "SCHED_RR", "SCHED_DEADLINE"}


def lacking(document: Mapping[str, Any]) -> str:
    """Return what this host lacks for the configuration; empty if it is all there."""
    if not host.in_user_namespace():
        return ""
    return next((reason for rule in RULES for reason in rule(document) if reason), "")


def _cgroups(document: Mapping[str, Any]) -> Iterator[str]:
    linux = document.get("linux", {})
    if "cgroupsPath" in linux or linux.get("resources"):
        yield host.cgroups()
    if linux.get("resources", {}).get("devices"):
        yield f"device rules: {host.real_root()}"  # bpf(2) and v1 take them from root only


def _namespaces(document: Mapping[str, Any]) -> Iterator[str]:
    kinds = {each["type"] for each in document.get("linux", {}).get("namespaces", [])}
    for mount in document.get("mounts", []):
        # Who mounts it has to own the pid namespace; the others of the sandbox are its own.
        if mount.get("type") == "proc" and "pid" not in kinds and not _binds(mount):
            yield f"proc of the pid namespace of the host: {host.real_root()}"


def _binds(mount: Mapping[str, Any]) -> bool:
    return bool({"bind", "rbind"} & set(mount.get("options", [])))


def _devices(document: Mapping[str, Any]) -> Iterator[str]:
    linux = document.get("linux", {})
    if any(device.get("type") != "p" for device in linux.get("devices", [])):
        yield f"making device nodes: {host.real_root()}"
    if linux.get("intelRdt"):
        yield f"intelRdt: {host.real_root()}"


def _ids(document: Mapping[str, Any]) -> Iterator[str]:
    linux, user = document.get("linux", {}), document.get("process", {}).get("user", {})
    kinds = {
        "uid": [user.get("uid", 0)],
        "gid": [user.get("gid", 0), *user.get("additionalGids", [])],
    }
    for kind, wanted in kinds.items():
        rows = linux.get(f"{kind}Mappings", [])
        if any(row["hostID"] + row["size"] > _mapped(kind) for row in rows):
            yield f"{kind}Mappings beyond the {_mapped(kind)} IDs of this user"
        if not rows and max(wanted) >= _mapped(kind):
            yield f"{kind} {max(wanted)}: {host.many_ids() or 'not an ID of this user'}"


def _mapped(kind: str) -> int:
    """Count of the IDs that we have; rootless.py maps them from 0 on without a gap."""
    rows = Path(f"/proc/self/{kind}_map").read_text().splitlines()
    return sum(int(row.split()[2]) for row in rows)


def _priorities(document: Mapping[str, Any]) -> Iterator[str]:
    process = document.get("process", {})
    scheduler = process.get("scheduler", {})
    if scheduler.get("policy") in REALTIME or scheduler.get("nice", 0) < 0:
        yield f"CAP_SYS_NICE: {host.real_root()}"
    if process.get("ioPriority", {}).get("class") == "IOPRIO_CLASS_RT":
        yield f"CAP_SYS_NICE: {host.real_root()}"
    own = int(Path("/proc/self/oom_score_adj").read_text())
    if process.get("oomScoreAdj", own) < own:
        yield f"CAP_SYS_RESOURCE: {host.real_root()}"


RULES: list[Callable[[Mapping[str, Any]], Iterator[str]]] = [
    _cgroups,
    _namespaces,
    _devices,
    _ids,
    _priorities,
]
