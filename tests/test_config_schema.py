"""The JSON Schema of config.json: what the prose demands is demanded, and nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import Any

import pytest

from harness import schemas
from harness.configuration import merge

MAPPING = {"containerID": 0, "hostID": 1000, "size": 10}
HOOK = {"path": "/bin/hook", "args": ["hook", "x"], "env": ["A=b"], "timeout": 1}
THROTTLE = [{"major": 8, "minor": 0, "rate": 18446744073709551615}]
CAPABILITIES = ["CAP_CHOWN", "CAP_CHECKPOINT_RESTORE", "CAP_NOBODY_KNOWS"]

# Every member that the schema names, each with a valid value.
FULL: dict[str, Any] = {
    "ociVersion": "1.3.0-rc.1+build.5",
    "root": {"path": "rootfs", "readonly": True},
    "mounts": [
        {
            "destination": "relative/is/deprecated", "source": "", "type": "none",
            "options": ["bind", "idmap", "no-such-option"],
            "uidMappings": [MAPPING], "gidMappings": [MAPPING],
        },
        {"destination": "/proc"},
    ],
    "process": {
        "terminal": True, "consoleSize": {"height": 25, "width": 0},
        "cwd": "/", "env": ["A=b", "A=c"], "args": ["sh", ""],
        "user": {"uid": 0, "gid": 4294967295, "umask": 63, "additionalGids": [5, 5]},
        "rlimits": [{"type": "RLIMIT_RTTIME", "soft": 0, "hard": 18446744073709551615}],
        "capabilities": {
            "effective": [], "bounding": CAPABILITIES, "inheritable": CAPABILITIES,
            "permitted": CAPABILITIES, "ambient": CAPABILITIES,
        },
        "noNewPrivileges": False, "apparmorProfile": "a", "selinuxLabel": "b", "oomScoreAdj": -1000,
        "scheduler": {
            "policy": "SCHED_DEADLINE", "nice": -20, "priority": 0, "runtime": 1, "deadline": 2,
            "period": 18446744073709551615, "flags": ["SCHED_FLAG_RESET_ON_FORK"],
        },
        "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 7},
        "execCPUAffinity": {"initial": "0-3,7", "final": ""},
    },
    "hostname": "", "domainname": "d",
    "hooks": {
        "prestart": [HOOK], "createRuntime": [], "createContainer": [{"path": "/h"}],
        "startContainer": [HOOK], "poststart": [HOOK], "poststop": [HOOK, HOOK],
    },
    "annotations": {"org.example.key": "", "k": "v"},
    "linux": {
        "namespaces": [{"type": "time"}, {"type": "network", "path": "/run/netns/a"}],
        "uidMappings": [MAPPING], "gidMappings": [],
        "timeOffsets": {"boottime": {"secs": -1, "nanosecs": 0}, "monotonic": {}},
        "devices": [
            {"type": "p", "path": "/fifo"},
            {
                "type": "c", "path": "/opt/dev", "major": 1, "minor": -1, "fileMode": 438,
                "uid": 0, "gid": 0,
            },
        ],
        "netDevices": {"eth0": {"name": "eth%d"}, "eth1": {}},
        "cgroupsPath": "relative",
        "resources": {
            "devices": [{"allow": False}, {
                "allow": True, "type": "b", "major": 8, "minor": 0, "access": "mr",
            }],
            "memory": {
                "limit": -1, "reservation": 9223372036854775807, "swap": 0, "kernel": -1,
                "kernelTCP": -1, "swappiness": 100, "disableOOMKiller": False,
                "useHierarchy": True, "checkBeforeUpdate": True,
            },
            "cpu": {
                "shares": 2, "quota": -1, "burst": 0, "period": 1, "realtimeRuntime": -1,
                "realtimePeriod": 1, "cpus": "0,2-3", "mems": "0", "idle": 1,
            },
            "blockIO": {
                "weight": 10, "leafWeight": 65535,
                "weightDevice": [{"major": 8, "minor": 0, "weight": 1, "leafWeight": 1}],
                "throttleReadBpsDevice": THROTTLE, "throttleWriteBpsDevice": THROTTLE,
                "throttleReadIOPSDevice": THROTTLE, "throttleWriteIOPSDevice": [],
            },
            "hugepageLimits": [{"pageSize": "2MB", "limit": 9223372036854772000}],
            "network": {"classID": 1, "priorities": [{"name": "lo", "priority": 4294967295}]},
            "pids": {"limit": 0},
            "rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 0}},
            "unified": {"io.max": "259:0 rbps=2097152\n253:0 wiops=120"},
        },
        "intelRdt": {
            "closID": "/", "l3CacheSchema": "L3:0=f", "memBwSchema": "MB:0=20",
            "schemata": ["L2:0=f"], "enableMonitoring": True,
        },
        "memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0-1", "flags": ["MPOL_F_STATIC_NODES"]},
        "sysctl": {"net.core.somaxconn": "256"},
        "seccomp": {
            "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
            "architectures": ["SCMP_ARCH_RISCV64"], "flags": ["SECCOMP_FILTER_FLAG_LOG"],
            "listenerPath": "/run/agent", "listenerMetadata": "m",
            "syscalls": [{
                "names": ["kill"], "action": "SCMP_ACT_ALLOW", "errnoRet": 1,
                "args": [{
                    "index": 0, "value": 18446744073709551615, "valueTwo": 0,
                    "op": "SCMP_CMP_MASKED_EQ",
                }],
            }],
        },
        "rootfsPropagation": "unbindable",
        "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/"],
        "mountLabel": "l",
        "personality": {"domain": "LINUX32", "flags": []},
    },
}  # fmt: skip

MINIMAL: dict[str, Any] = {"ociVersion": "1.0.0", "root": {"path": "rootfs"}}

Place = tuple[str | int, ...]


def places(value: Any, at: Place = ()) -> list[Place]:
    """Give the place of every value in a document, itself first."""
    if not isinstance(value, dict | list):
        return [at]
    below = value.items() if isinstance(value, dict) else enumerate(value)
    return [at, *(place for name, inner in below for place in places(inner, (*at, name)))]


def found(document: Any, place: Place) -> Any:
    for step in place:
        document = document[step]
    return document


def spoilt(place: Place, **member: Any) -> dict[str, Any]:
    """FULL with the object at a place given one more member, or one member less by ``...``."""
    document: dict[str, Any] = json.loads(json.dumps(FULL))
    target = found(document, place)
    for name, value in member.items():
        target.pop(name, None)
        if value is not ...:
            target[name] = value
    return document


def replaced(place: Place, value: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(FULL))
    found(document, place[:-1])[place[-1]] = value
    return document


def problem(document: Any) -> str:
    return schemas.problem("config", document)


def valid(document: Any) -> bool:
    return schemas.validator("config").is_valid(document)


def ids(place: Place) -> str:
    return ".".join(map(str, place))


@pytest.mark.parametrize("document", [FULL, MINIMAL], ids=["full", "minimal"])
def test_what_the_prose_allows_is_valid(document):
    assert problem(document) == ""


def test_the_full_document_has_every_member_that_the_schema_names():
    text = json.dumps(schemas.validator("config").schema)
    named = set(members(json.loads(text)))

    assert named == {step for place in places(FULL) for step in place if step in named}
    assert len(named) > 120


def members(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [name for inner in schema for name in members(inner)]
    if not isinstance(schema, dict):
        return []
    own = list(schema["properties"]) if isinstance(schema.get("properties"), dict) else []
    return own + [name for inner in schema.values() for name in members(inner)]


def test_a_value_of_another_type_is_invalid_everywhere():
    taken = []
    for place in places(FULL)[1:]:
        wrong = 1 if isinstance(found(FULL, place), dict | list | str) else {"a": "b"}
        taken += [ids(place) for value in (wrong, None) if valid(replaced(place, value))]

    assert taken == []


MAPS = {"annotations", "timeOffsets", "netDevices", "rdma", "unified", "sysctl"}


def test_an_unknown_member_is_valid_everywhere():
    objects = [p for p in places(FULL) if isinstance(found(FULL, p), dict)]
    unknown = {"org.example": {"any": [1, None]}}

    refused = [ids(p) for p in objects if p[-1:] not in {(m,) for m in MAPS}
               and not valid(spoilt(p, **unknown))]  # fmt: skip

    assert refused == []


REQUIRED = [
    "ociVersion", "root", "root.path", "mounts.0.destination", "mounts.0.uidMappings",
    "mounts.0.gidMappings", "mounts.0.uidMappings.0.containerID", "mounts.0.uidMappings.0.hostID",
    "mounts.0.uidMappings.0.size", "process.cwd", "process.args", "process.consoleSize.height",
    "process.consoleSize.width", "process.user.uid", "process.user.gid", "process.rlimits.0.type",
    "process.rlimits.0.soft", "process.rlimits.0.hard", "process.scheduler.policy",
    "process.ioPriority.class", "process.ioPriority.priority", "hooks.prestart.0.path",
    "linux.namespaces.0.type", "linux.devices.1.type", "linux.devices.1.path",
    "linux.devices.1.major", "linux.devices.1.minor", "linux.resources.devices.0.allow",
    "linux.resources.blockIO.weightDevice.0.major",
    "linux.resources.blockIO.throttleReadBpsDevice.0.minor",
    "linux.resources.blockIO.throttleReadBpsDevice.0.rate",
    "linux.resources.hugepageLimits.0.pageSize", "linux.resources.hugepageLimits.0.limit",
    "linux.resources.network.priorities.0.name", "linux.resources.network.priorities.0.priority",
    "linux.memoryPolicy.mode", "linux.seccomp.defaultAction", "linux.seccomp.listenerPath",
    "linux.seccomp.syscalls.0.names", "linux.seccomp.syscalls.0.action",
    "linux.seccomp.syscalls.0.args.0.index", "linux.seccomp.syscalls.0.args.0.value",
    "linux.seccomp.syscalls.0.args.0.op", "linux.personality.domain",
]  # fmt: skip


def place_of(text: str) -> Place:
    return tuple(int(step) if step.isdigit() else step for step in text.split("."))


def test_a_required_member_cannot_be_left_out():
    given = [place_of(text) for text in REQUIRED]

    assert [p for p in given if valid(spoilt(p[:-1], **{str(p[-1]): ...}))] == []


def test_any_other_member_can_be_left_out():
    names = {place_of(text)[-1] for text in REQUIRED}
    others = [p for p in places(FULL)[1:] if isinstance(p[-1], str) and p[-1] not in names]

    assert [p for p in others if not valid(spoilt(p[:-1], **{str(p[-1]): ...}))] == []
    assert len(others) > 100


INVALID: list[tuple[str, list[Any]]] = [
    ("ociVersion", ["", "1.0", "v1.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0\n", "1.0.0 "]),
    ("root.path", [""]),
    ("mounts.0.destination", [""]),
    ("process.cwd", ["", "relative"]),
    ("process.args", [[]]),
    ("process.user.uid", [-1, 4294967296, 0.5, True]),
    ("process.rlimits.0.type", ["NOFILE", "RLIMIT_OFILE", "rlimit_core", ""]),
    ("process.rlimits.0.soft", [-1, 18446744073709551616]),
    ("process.capabilities.bounding.0", ["CHOWN", "cap_chown", "CAP_", "ALL", "CAP_KILL "]),
    ("process.oomScoreAdj", [-1001, 1001]),
    ("process.scheduler.policy", ["SCHED_NORMAL", "OTHER", ""]),
    ("process.scheduler.flags.0", ["RESET_ON_FORK"]),
    ("process.scheduler.nice", [2147483648]),
    ("process.ioPriority.class", ["IOPRIO_CLASS_NONE"]),
    ("process.execCPUAffinity.initial", ["a", "0-", "-1", "0,,1", "0-1-2", "0\n"]),
    ("process.consoleSize.height", [-1]),
    ("hooks.poststop.1.path", ["", "hook"]),
    ("hooks.prestart.0.timeout", [0, -1]),
    ("annotations", [{"": "x"}, {"a": 1}]),
    ("linux.namespaces.0.type", ["net", "mnt", "PID", ""]),
    ("linux.namespaces.1.path", ["run/netns/a", ""]),
    ("linux.uidMappings.0.size", [-1, 4294967296]),
    ("linux.timeOffsets.boottime.nanosecs", [-1]),
    ("linux.devices.1.type", ["a", "d", "cb"]),
    ("linux.devices.1.path", ["dev/x"]),
    ("linux.resources.devices.1.type", ["u", "p"]),
    ("linux.resources.devices.1.access", ["rx", "RWM"]),
    ("linux.resources.memory.limit", [-2]),
    ("linux.resources.memory.swappiness", [101, -1]),
    ("linux.resources.cpu.cpus", ["0-1, 3"]),
    ("linux.resources.cpu.idle", [2]),
    ("linux.resources.blockIO.weight", [65536]),
    ("linux.resources.blockIO.weightDevice.0", [{"major": 8, "minor": 0}]),
    ("linux.resources.hugepageLimits.0.pageSize", ["2M", "64kB", "2 MB", "MB"]),
    ("linux.resources.rdma.mlx5_1", [{}]),
    ("linux.intelRdt.memBwSchema", ["0=20", "MB:0=20\nMB:1=30", "MB:\n"]),
    ("linux.intelRdt.schemata.0", ["L2:0=f\n"]),
    ("linux.memoryPolicy.mode", ["BIND"]),
    ("linux.seccomp.defaultAction", ["SCMP_ACT_REFUSE"]),
    ("linux.seccomp.architectures.0", ["x86_64"]),
    ("linux.seccomp.flags.0", ["SECCOMP_FILTER_FLAG_NEW_LISTENER"]),
    ("linux.seccomp.syscalls.0.names", [[]]),
    ("linux.seccomp.syscalls.0.args.0.op", ["SCMP_CMP_XOR"]),
    ("linux.rootfsPropagation", ["rshared", "rprivate", ""]),
    ("linux.maskedPaths.0", ["proc/kcore"]),
    ("linux.readonlyPaths.0", [""]),
    ("linux.personality.domain", ["linux32"]),
    ("linux.personality.flags", [["ADDR_NO_RANDOMIZE"]]),
]


@pytest.mark.parametrize(
    ("place", "value"),
    [(place, value) for place, values in INVALID for value in values],
    ids=str,
)
def test_a_value_that_the_prose_excludes_is_invalid_and_named(place, value):
    said = problem(replaced(place_of(place), value))

    last = re.sub(r"\.(\d+)", r"[\1]", place).split(".")[-1]
    assert last in said.partition(":")[0]


# The examples of the specification

EXAMPLE = re.compile(r"```json\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def specification():
    """Return a reader of the files of release 1.3.0 of the specification."""
    clone = os.environ.get("OCI_RUNTIME_SPEC", "")
    if not clone:
        pytest.skip("needs OCI_RUNTIME_SPEC=DIR, a clone of opencontainers/runtime-spec")

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", clone, *words], capture_output=True, check=True)
        return done.stdout.decode()

    return git


def test_the_examples_in_the_prose_are_valid(specification):
    looked_at = 0
    for name in ("config.md", "config-linux.md"):
        for block in EXAMPLE.findall(specification("show", f"v1.3.0:{name}")):
            example = fragment(block)
            if example and "state" not in example:
                looked_at += 1
                assert problem(merge(MINIMAL, placed(example))) == "", block

    assert looked_at > 30


def fragment(block: str) -> dict[str, Any]:
    """Read an example: an object or members of one. Two of them are no JSON: a comma too many."""
    text = block.strip().rstrip(",")
    for candidate in (text, f"{{{text}}}"):
        try:
            value: dict[str, Any] = json.loads(candidate)
        except ValueError:
            continue
        return value
    return {}


def placed(example: dict[str, Any]) -> dict[str, Any]:
    """Put members of config-linux.md where they belong."""
    definitions = json.loads(json.dumps(schemas.validator("config").schema))["$defs"]
    rules = "allow" in str(example.get("devices"))
    for name in ("linux", "resources"):
        if not rules and set(example) <= set(definitions[name]["properties"]):
            return {"linux": example} if name == "linux" else {"linux": {"resources": example}}
    return {"linux": {"resources": example}} if rules and len(example) == 1 else example


@pytest.mark.parametrize("kind", ["good", "bad"])
def test_the_specifications_own_samples_are_judged_as_there(specification, kind):
    names = specification("ls-tree", "--name-only", "v1.3.0", f"schema/test/config/{kind}/").split()
    samples = [name for name in names if re.search(r"linux|minimal|spec-example", name)]

    for name in samples:
        said = problem(json.loads(specification("show", f"v1.3.0:{name}")))
        assert bool(said) == (kind == "bad"), (name, said)
    assert len(samples) >= 3
