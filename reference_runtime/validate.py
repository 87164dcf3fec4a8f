"""What config.json may say (config.md); the Linux section is in validate_linux.py.

Every invalid value is an error, an unknown property is not (config.md#valid-values,
config.md#extensibility).
"""

from __future__ import annotations

import os

from reference_runtime import (
    SPEC_VERSION,
    hooks,
    mount_options,
    report,
    rlimits,
    schema,
    semver,
    validate_attributes,
    validate_linux,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.model import Json

_MAJOR, _MINOR = map(int, SPEC_VERSION.split(".")[:2])
_LONGEST_NAME = 64  # __NEW_UTS_LEN
_MOST_GROUPS = 65536  # NGROUPS_MAX of setgroups(2)


def oci_version(value: str, where: str) -> None:
    """Check the version that the bundle follows (config.md#specification-version)."""
    schema.string(value, where)
    version = semver.parse(value)
    if version is None:
        raise schema.wrong(where, f"{value!r} is not a SemVer 2.0.0 version")
    if version[0] != _MAJOR:
        raise schema.wrong(where, f"{value} is not supported: this runtime knows {_MAJOR}.x")
    if version[1] > _MINOR:  # compatible, though what is new in it is unknown here and so ignored
        report.warning(f"{where}: {value} is newer than {SPEC_VERSION}, which this runtime follows")


def environment_variable(value: str, where: str) -> None:
    """Check for name=value, as environ(7) has it."""
    schema.string(value, where)
    if "=" not in value[1:]:
        raise schema.wrong(where, f"{value!r} is not of the form name=value")


def utf8_name(value: str, where: str) -> None:
    """Check a host or domain name for the length that the kernel takes."""
    schema.string(value, where)
    if len(value.encode()) > _LONGEST_NAME:
        raise schema.wrong(where, f"is longer than {_LONGEST_NAME} bytes")


def rlimit_order(value: Json, where: str) -> None:
    """Check that the soft limit is within the hard one."""
    if value["soft"] > value["hard"]:
        raise schema.wrong(where, "the soft limit is higher than the hard limit")


def mount_entry(value: Json, where: str) -> None:
    """Check what the members of a mount demand of each other."""
    options = value.get("options", [])
    is_bind = bool(mount_options.BINDS.keys() & set(options))
    if is_bind and not value.get("source"):
        raise schema.wrong(f"{where}.source", "is required of a bind mount")
    is_new = "remount" not in options
    if mount_options.COPY_UP in options and (is_bind or not is_new or value.get("type") != "tmpfs"):
        raise schema.wrong(f"{where}.options", "tmpcopyup is for a mount of the type tmpfs")
    if value.get("uidMappings") or value.get("gidMappings"):
        for name, other in (("uidMappings", "gidMappings"), ("gidMappings", "uidMappings")):
            if not value.get(name):
                raise schema.wrong(f"{where}.{name}", f"must be specified along with {other}")
    if mount_options.is_idmapped(value) and not is_new:
        raise schema.wrong(f"{where}.options", "a mount that exists cannot be ID-mapped")
    is_cgroup = not is_bind and value.get("type") in {"cgroup", "cgroup2"}
    if mount_options.is_idmapped(value) and is_cgroup:
        raise schema.wrong(f"{where}.type", f"{value['type']} cannot be ID-mapped")
    if is_new and (is_bind or is_cgroup):
        for name in mount_options.without_effect(options):
            report.warning(f"{where}.options: {name!r} has no effect on a mount of this kind")


STRINGS = schema.array(schema.string)
ENVIRONMENT = schema.array(environment_variable)

HOOK = schema.members(
    {
        "path": schema.absolute_path,
        "args": STRINGS,
        "env": ENVIRONMENT,
        "timeout": schema.integer(1, 2**31 - 1),
    },
    required=("path",),
)

ROOT = schema.members({"path": schema.path, "readonly": schema.boolean}, required=("path",))

MOUNT = schema.both(
    schema.members(
        {
            "destination": schema.path,
            "source": schema.string,
            "type": schema.string,
            "options": STRINGS,
            "uidMappings": schema.array(validate_linux.ID_MAPPING),
            "gidMappings": schema.array(validate_linux.ID_MAPPING),
        },
        required=("destination",),
    ),
    mount_entry,
)

USER = schema.members(
    {
        "uid": schema.integer(0, 2**32 - 2),
        "gid": schema.integer(0, 2**32 - 2),
        "umask": schema.integer(0, 0o777),
        "additionalGids": schema.array(schema.integer(0, 2**32 - 2), at_most=_MOST_GROUPS),
    },
    required=("uid", "gid"),
)

RLIMIT = schema.both(
    schema.members(
        {
            "type": schema.one_of(rlimits.NUMBERS),
            "soft": schema.uint64,
            "hard": schema.uint64,
        },
        required=("type", "soft", "hard"),
    ),
    rlimit_order,
)

CAPABILITIES = schema.members(
    dict.fromkeys(("bounding", "permitted", "effective", "inheritable", "ambient"), STRINGS)
)

PROCESS = schema.members(
    {
        "terminal": schema.boolean,
        "consoleSize": schema.members(
            {"height": schema.uint16, "width": schema.uint16}, required=("height", "width")
        ),
        "cwd": schema.absolute_path,
        "env": ENVIRONMENT,
        "args": schema.array(schema.string, at_least=1),
        "user": USER,
        "rlimits": schema.unique_by("type", schema.array(RLIMIT)),
        "capabilities": CAPABILITIES,
        "noNewPrivileges": schema.boolean,
        "oomScoreAdj": schema.integer(-1000, 1000),
        "apparmorProfile": schema.string,
        "selinuxLabel": schema.string,
        "scheduler": validate_attributes.SCHEDULER,
        "ioPriority": validate_attributes.IO_PRIORITY,
        "execCPUAffinity": schema.members({"initial": schema.string, "final": schema.string}),
    },
    required=("cwd", "args", "user"),
)

CONFIG = schema.members(
    {
        "ociVersion": oci_version,
        "root": ROOT,
        "mounts": schema.array(MOUNT),
        "process": PROCESS,
        "hostname": utf8_name,
        "domainname": utf8_name,
        "hooks": schema.members(dict.fromkeys(hooks.KINDS, schema.array(HOOK))),
        "annotations": schema.mapping(schema.string, schema.non_empty),
        "linux": validate_linux.LINUX,
    },
    required=("ociVersion", "root"),
)


def configuration(config: Json) -> None:
    """Check a whole configuration; the first thing that is wrong is the error."""
    CONFIG(config, "")
    namespaces = {entry["type"]: entry for entry in config.get("linux", {}).get("namespaces", [])}
    for name in ("hostname", "domainname"):
        if config.get(name) and "uts" not in namespaces:
            raise schema.wrong(
                name, "needs a uts namespace in linux.namespaces: it would rename the host"
            )
    validate_linux.against_namespaces(config.get("linux", {}), namespaces)
    for index, entry in enumerate(config.get("mounts", [])):
        if mount_options.is_idmapped(entry):
            idmapped(entry, f"mounts[{index}]", in_user_namespace="user" in namespaces)


def idmapped(entry: Json, where: str, *, in_user_namespace: bool) -> None:
    """Check that there is a mapping, and somebody who may apply it (mount_setattr(2))."""
    if not entry.get("uidMappings") and not in_user_namespace:
        raise schema.wrong(
            f"{where}.options", "an ID-mapped mount needs mappings or a user namespace"
        )
    # init, whose mount it is, has no capability in a user namespace that the runtime has made.
    if in_user_namespace and not mount_options.BINDS.keys() & set(entry.get("options", [])):
        raise schema.wrong(
            f"{where}.options", "in a user namespace only bind mounts can be ID-mapped"
        )


def root_directory(path: str) -> None:
    """Check that the root filesystem is there (config.md#root)."""
    if not os.path.isdir(path):
        raise schema.wrong("root.path", f"{path} is not a directory")
