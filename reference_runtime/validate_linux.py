"""What the Linux section of config.json may say (config-linux.md)."""

from __future__ import annotations

from reference_runtime import namespaces as kinds
from reference_runtime import schema, seccomp_rules, validate_attributes, validate_resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.model import Json

_LONGEST_DEVICE_NAME = 15  # IFNAMSIZ without the null character
_CLOCKS = ("monotonic", "boottime")
_IPC_SYSCTLS = frozenset(
    f"kernel.{name}"
    for name in (
        "msgmax", "msgmnb", "msgmni", "msg_next_id", "sem", "sem_next_id", "shmall", "shmmax",
        "shmmni", "shm_next_id", "shm_rmid_forced", "auto_msgmni",
    )
)  # fmt: skip


def cgroups_path(value: str, where: str) -> None:
    """Check the path for what would lead out of the place it names."""
    schema.path(value, where)
    parts = value.split("/")
    if value.count(":") == 2:  # noqa: PLR2004 (slice:prefix:name)
        raise schema.wrong(where, "this runtime does not implement systemd's form of it")
    if ".." in parts or not any(part not in {"", "."} for part in parts):
        raise schema.wrong(where, f"{value!r} names no cgroup of the container's own")


def device(value: Json, where: str) -> None:
    """Check what the type of a device demands."""
    if value["type"] != "p":
        for name in ("major", "minor"):
            if name not in value:
                raise schema.wrong(
                    f"{where}.{name}", f"is required of a device of type {value['type']}"
                )
    if value["path"].endswith("/"):
        raise schema.wrong(f"{where}.path", "must name a file")


def device_access(value: str, where: str) -> None:
    """Check for a composition of r, w and m."""
    schema.string(value, where)
    if not value or not set(value) <= set("rwm"):
        raise schema.wrong(where, f"{value!r} is not composed of r, w and m")


def mount_label(value: str, where: str) -> None:
    """Check for what could end the mount option that the label becomes."""
    schema.string(value, where)
    if '"' in value:
        raise schema.wrong(where, "must not contain a quotation mark")


def unified_file(value: str, where: str) -> None:
    """Check for a file name."""
    schema.non_empty(value, where)
    if "/" in value or value in {".", ".."}:
        raise schema.wrong(where, "must be the name of a file in the cgroup")


def device_name(value: str, where: str) -> None:
    """Check for what the kernel takes for the name of a network device."""
    schema.non_empty(value, where)
    if len(value.encode()) > _LONGEST_DEVICE_NAME or value in {".", ".."}:
        raise schema.wrong(where, f"{value!r} is no name of at most {_LONGEST_DEVICE_NAME} bytes")
    if any(character in "/:" or character.isspace() for character in value):
        raise schema.wrong(where, "must not contain slashes, colons and blanks")


def existing_device(value: str, where: str) -> None:
    """Check for the name of a network device, which is no template of a name."""
    device_name(value, where)
    if "%" in value:
        raise schema.wrong(where, "must not be a template")


def new_device_name(value: str, where: str) -> None:
    """Check for a name that one device can have, or for a template (dev_alloc_name: one %d)."""
    if value != "":  # as if it were not specified
        device_name(value, where)
        if "%" in value and (value.count("%") > 1 or "%d" not in value):
            raise schema.wrong(where, "must not contain % but in one %d")


def net_devices(value: Json, where: str) -> None:
    """Check that no two devices are to have one name."""
    names: set[str] = set()
    for key, entry in value.items():
        name = entry.get("name") or key
        if name in names:
            raise schema.wrong(f"{where}.{key}.name", f"{name} occurs twice")
        if "%" not in name:
            names.add(name)


def clos_id(value: str, where: str) -> None:
    """Check for the name of a group of resctrl, or for / (config-linux.md#intelrdt)."""
    schema.non_empty(value, where)
    reserved = {".", "..", "info", "mon_data", "mon_groups"}
    if value != "/" and ("/" in value or "\n" in value or value in reserved):
        raise schema.wrong(where, f"{value!r} is no name of a group")


def one_line(value: str, where: str) -> None:
    """Check for a text without a newline."""
    schema.string(value, where)
    if "\n" in value:
        raise schema.wrong(where, "must not contain newlines")


def memory_bandwidth(value: str, where: str) -> None:
    """Check for the schema of memory bandwidth."""
    one_line(value, where)
    if not value.startswith("MB:"):
        raise schema.wrong(where, "must start with MB:")


ID_MAPPING = schema.members(
    {"containerID": schema.uint32, "hostID": schema.uint32, "size": schema.integer(1, 2**32 - 1)},
    required=("containerID", "hostID", "size"),
)

NAMESPACE = schema.members(
    {"type": schema.one_of(kinds.FLAGS), "path": schema.absolute_path}, required=("type",)
)

DEVICE = schema.both(
    schema.members(
        {
            "type": schema.one_of(("c", "b", "u", "p")),
            "path": schema.absolute_path,
            "major": schema.integer(0, 2**12 - 1),
            "minor": schema.integer(0, 2**20 - 1),
            "fileMode": schema.uint32,
            "uid": schema.integer(0, 2**32 - 2),
            "gid": schema.integer(0, 2**32 - 2),
        },
        required=("type", "path"),
    ),
    device,
)

DEVICE_RULE = schema.members(
    {
        "allow": schema.boolean,
        "type": schema.one_of(("a", "c", "b")),
        "major": schema.int64,
        "minor": schema.int64,
        "access": device_access,
    },
    required=("allow",),
)

LIMIT = schema.integer(-1, 2**63 - 1)
RESOURCES = schema.members(
    {
        "devices": schema.array(DEVICE_RULE),
        "memory": schema.members(
            {
                **dict.fromkeys(("limit", "reservation", "swap", "kernel", "kernelTCP"), LIMIT),
                "swappiness": schema.integer(0, 100),
                **dict.fromkeys(
                    ("disableOOMKiller", "useHierarchy", "checkBeforeUpdate"), schema.boolean
                ),
            }
        ),
        "cpu": schema.members(
            {
                **dict.fromkeys(("shares", "period", "burst", "realtimePeriod"), schema.uint64),
                **dict.fromkeys(("quota", "realtimeRuntime"), schema.int64),
                "cpus": schema.string,
                "mems": schema.string,
                "idle": schema.integer(0, 1),
            }
        ),
        "pids": schema.members({"limit": LIMIT}),
        "unified": schema.mapping(schema.string, unified_file),
        "blockIO": validate_resources.BLOCK_IO,
        "hugepageLimits": validate_resources.HUGE_PAGE_LIMITS,
        "network": validate_resources.NETWORK,
        "rdma": validate_resources.RDMA,
    }
)

INTEL_RDT = schema.members(
    {
        "closID": clos_id,
        "l3CacheSchema": schema.string,  # that newlines are not in it is a SHOULD
        "memBwSchema": memory_bandwidth,
        "schemata": schema.array(one_line),
        "enableMonitoring": schema.boolean,
    }
)

LINUX = schema.members(
    {
        "namespaces": schema.unique_by("type", schema.array(NAMESPACE)),
        "uidMappings": schema.array(ID_MAPPING),
        "gidMappings": schema.array(ID_MAPPING),
        "timeOffsets": schema.mapping(
            schema.members({"secs": schema.int64, "nanosecs": schema.integer(0, 10**9 - 1)}),
            schema.one_of(_CLOCKS),
        ),
        "devices": schema.array(DEVICE),
        "cgroupsPath": cgroups_path,
        "resources": RESOURCES,
        "sysctl": schema.mapping(schema.string, schema.non_empty),
        "rootfsPropagation": schema.one_of(
            tuple(
                r + kind for r in ("", "r") for kind in ("shared", "slave", "private", "unbindable")
            )
        ),
        "maskedPaths": schema.array(schema.absolute_path),
        "readonlyPaths": schema.array(schema.absolute_path),
        "personality": validate_attributes.PERSONALITY,
        "mountLabel": mount_label,
        "seccomp": seccomp_rules.SECCOMP,
        "intelRdt": INTEL_RDT,
        "memoryPolicy": validate_attributes.MEMORY_POLICY,
        "netDevices": schema.both(
            schema.mapping(schema.members({"name": new_device_name}), existing_device),
            net_devices,
        ),
    }
)


def against_namespaces(linux: Json, namespaces: dict[str, Json]) -> None:
    """Check what only makes sense, or is only safe, with a namespace of the container's own."""
    user = namespaces.get("user")
    for name in ("uidMappings", "gidMappings"):
        if linux.get(name) and user is None:
            raise schema.wrong(f"linux.{name}", "needs a user namespace in linux.namespaces")
        if user is not None and "path" not in user and not linux.get(name):
            raise schema.wrong(f"linux.{name}", "is required with a new user namespace")
    if linux.get("netDevices") and "network" not in namespaces:
        raise schema.wrong("linux.netDevices", "needs a network namespace in linux.namespaces")
    time = namespaces.get("time")
    if linux.get("timeOffsets") and (time is None or "path" in time):
        raise schema.wrong("linux.timeOffsets", "needs a new time namespace in linux.namespaces")
    for key in linux.get("sysctl", {}):
        name = sysctl_name(key)
        if {"", "/", "//"} & set(name.split(".")):  # a path with "", "." or ".." leads elsewhere
            raise schema.wrong(f"linux.sysctl.{key}", "is not the name of a kernel parameter")
        kind = sysctl_namespace(name)
        if kind not in namespaces:
            need = f"needs a {kind} namespace" if kind else "belongs to no namespace"
            raise schema.wrong(f"linux.sysctl.{key}", f"{need}: it would change the host")


def sysctl_name(key: str) -> str:
    """Return the dotted form; sysctl(8): if the first separator is a slash, dots are literal."""
    dot, slash = key.find("."), key.find("/")
    if slash >= 0 and (dot < 0 or slash < dot):
        return key.translate({ord("."): "/", ord("/"): "."})
    return key


def sysctl_namespace(name: str) -> str:
    """Return the type of namespace that a parameter belongs to, or nothing."""
    if name.startswith("net."):
        return "network"
    if name in _IPC_SYSCTLS or name.startswith("fs.mqueue."):
        return "ipc"
    return "uts" if name in {"kernel.hostname", "kernel.domainname"} else ""
