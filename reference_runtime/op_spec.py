"""The spec operation, which engines know and the specification does not: a first config.json.

A shell in namespaces of its own, with few capabilities and a read-only root.
"""

from __future__ import annotations

import os

from reference_runtime import SPEC_VERSION, errors, jsonlite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.command_line import Arguments
    from reference_runtime.model import Json

_CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
_SAFE = ["nosuid", "noexec", "nodev"]
_CGROUPS = ["relatime", "ro"]
_PTS = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
_TTY_GROUP = "gid=5"  # on most distributions; a user namespace that maps one ID has no such group


def run(arguments: Arguments) -> None:
    """Write config.json into the bundle; one that is there stays."""
    path = f"{arguments.bundle}/config.json"
    text = indented(default(rootless=arguments.rootless)) + "\n"
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError:
        message = f"{path} exists: remove it first"
        raise errors.OperationError(message) from None
    with open(fd, "w", encoding="utf-8") as file:
        file.write(text)


def default(*, rootless: bool) -> Json:
    """Return the configuration; a rootless one maps the caller to root, and has the host's net."""
    kinds = ["pid", "ipc", "uts", "mount", "cgroup", "user" if rootless else "network"]
    linux: Json = {
        "namespaces": [{"type": kind} for kind in kinds],
        "maskedPaths": [
            "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
            "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
            "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
        ],
        "readonlyPaths": [
            "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
        ],
    }  # fmt: skip
    if rootless:
        for name, identifier in (("uidMappings", os.geteuid()), ("gidMappings", os.getegid())):
            linux[name] = [{"containerID": 0, "hostID": identifier, "size": 1}]
    else:
        linux["resources"] = {"devices": [{"allow": False, "access": "rwm"}]}
    return {
        "ociVersion": SPEC_VERSION,
        "root": {"path": "rootfs", "readonly": True},
        "mounts": mounts(rootless=rootless),
        "process": {
            "terminal": True,
            "user": {"uid": 0, "gid": 0},
            "args": ["sh"],
            "env": [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "TERM=xterm",
            ],
            "cwd": "/",
            "capabilities": {
                name: list(_CAPABILITIES) for name in ("bounding", "effective", "permitted")
            },
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
            "noNewPrivileges": True,
        },
        "hostname": "container",
        "linux": linux,
    }


def mounts(*, rootless: bool) -> list[Json]:
    """Return the filesystems; a new sysfs needs a network namespace of one's own."""
    sysfs = _mount("/sys", "sysfs", "sysfs", [*_SAFE, "ro"])
    if rootless:
        sysfs = _mount("/sys", "none", "/sys", ["rbind", *_SAFE, "ro"])
    return [
        _mount("/proc", "proc", "proc", []),
        _mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        _mount("/dev/pts", "devpts", "devpts", _PTS if rootless else [*_PTS, _TTY_GROUP]),
        _mount("/dev/shm", "tmpfs", "shm", [*_SAFE, "mode=1777", "size=65536k"]),  # noqa: S108
        _mount("/dev/mqueue", "mqueue", "mqueue", _SAFE),
        sysfs,
        _mount("/sys/fs/cgroup", "cgroup", "cgroup", [*_SAFE, *_CGROUPS]),
    ]


def _mount(destination: str, kind: str, source: str, options: list[str]) -> Json:
    entry: Json = {"destination": destination, "type": kind, "source": source}
    return {**entry, "options": list(options)} if options else entry


def indented(value: object, margin: str = "") -> str:
    """Serialise for people; lists of words stay on one line."""
    inner = margin + "\t"
    if isinstance(value, dict) and value:
        rows = [f"{inner}{jsonlite.dumps(k)}: {indented(v, inner)}" for k, v in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{margin}}}"
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return "[\n" + ",\n".join(inner + indented(item, inner) for item in value) + f"\n{margin}]"
    if isinstance(value, list):
        return "[" + ", ".join(map(jsonlite.dumps, value)) + "]"
    return jsonlite.dumps(value)
