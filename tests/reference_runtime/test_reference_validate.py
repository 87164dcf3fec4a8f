"""config.json: what is invalid errors with the property's path, what is unknown is ignored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reference_runtime import errors, jsonlite, semver, validate


def minimal() -> dict[str, Any]:
    return {
        "ociVersion": "1.3.0",
        "root": {"path": "rootfs"},
        "process": {"cwd": "/", "args": ["x"], "user": {"uid": 0, "gid": 0}},
        "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}]},
    }


VALID = [
    {},
    {"unknown": None, "linux": {"unknown": [], "namespaces": []}},
    {"process": None},
    {"ociVersion": "1.0.2-dev"},
    {"ociVersion": "1.0.0+build.5"},
    {"ociVersion": "1.99.0"},
    {"annotations": {"a": "", "b": "{}"}},
    {"hooks": {"poststop": [{"path": "/x", "timeout": 1}], "later": 3}},
    {"mounts": [{"destination": "rel"}]},
    {"linux": {"resources": {"devices": [{"allow": False, "access": "rwm"}], "blockIO": {}}}},
    {"linux": {"rootfsPropagation": "rslave"}},
]

# path of the property: what to put there
INVALID = [
    ("ociVersion", "1.0"),
    ("ociVersion", "v1.0.0"),
    ("ociVersion", "01.0.0"),
    ("ociVersion", "1.0.0.0"),
    ("ociVersion", "2.0.0"),
    ("ociVersion", ""),
    ("ociVersion", 1),
    ("root", None),
    ("root", {}),
    ("root", {"path": ""}),
    ("root", {"path": "x", "readonly": "true"}),
    ("root", {"path": "x\0y"}),
    ("mounts", {}),
    ("mounts", [{}]),
    ("mounts", [{"destination": ""}]),
    ("mounts", [{"destination": "/x", "options": "ro"}]),
    ("mounts", [{"destination": "/x", "options": ["bind"]}]),
    ("mounts", [{"destination": "/x", "options": ["idmap"]}]),
    ("process.cwd", "tmp"),
    ("process.cwd", ""),
    ("process.args", []),
    ("process.args", "x"),
    ("process.args", [1]),
    ("process.env", ["A"]),
    ("process.user.additionalGids", [7] * 65537),
    ("process.user", {"uid": 0}),
    ("process.user", {"uid": -1, "gid": 0}),
    ("process.user", {"uid": 2**32, "gid": 0}),
    ("process.user", {"uid": 1.5, "gid": 0}),
    ("process.user", {"uid": True, "gid": 0}),
    ("process.user", {"uid": "root", "gid": 0}),
    ("process.noNewPrivileges", "true"),
    ("process.oomScoreAdj", 1001),
    ("process.rlimits", [{"type": "RLIMIT_BOGUS", "soft": 1, "hard": 1}]),
    ("process.rlimits", [{"type": "RLIMIT_CPU", "soft": 1}]),
    ("process.rlimits", [{"type": "RLIMIT_CPU", "soft": 2, "hard": 1}]),
    ("process.rlimits", [{"type": "RLIMIT_CPU", "soft": 1, "hard": 1}] * 2),
    ("process.capabilities", {"bounding": "CAP_KILL"}),
    ("process.scheduler", {"policy": "SCHED_BOGUS"}),
    ("hostname", "a"),
    ("annotations", []),
    ("annotations", {"": "x"}),
    ("annotations", {"x": 1}),
    ("annotations", {"x": None}),
    ("hooks", []),
    ("hooks", {"prestart": [{}]}),
    ("hooks", {"prestart": [{"path": "x"}]}),
    ("hooks", {"poststop": [{"path": "/x", "timeout": 0}]}),
    ("hooks", {"poststop": [{"path": "/x", "timeout": -1}]}),
    ("hooks", {"startContainer": [{"path": "/x", "env": ["A"]}]}),
    ("linux.namespaces", [{"type": "pid"}, {"type": "pid"}]),
    ("linux.namespaces", [{"type": "bogus"}]),
    ("linux.namespaces", [{"type": "pid", "path": "proc"}]),
    ("linux.uidMappings", [{"containerID": 0, "hostID": 0, "size": 1}]),
    ("linux.timeOffsets", {"monotonic": {"secs": 1}}),
    ("linux.devices", [{"type": "z", "path": "/x", "major": 1, "minor": 1}]),
    ("linux.devices", [{"type": "c", "path": "/x"}]),
    ("linux.devices", [{"type": "c", "path": "x", "major": 1, "minor": 1}]),
    ("linux.cgroupsPath", "/"),
    ("linux.cgroupsPath", "/a/../../b"),
    ("linux.resources", {"pids": {"limit": -2}}),
    ("linux.resources", {"memory": {"limit": "1"}}),
    ("linux.resources", {"devices": [{"allow": True, "access": "rx"}]}),
    ("linux.resources", {"rdma": {"mlx": {}}}),
    ("linux.rootfsPropagation", "bogus"),
    ("linux.maskedPaths", ["secret"]),
    ("linux.readonlyPaths", ["secret"]),
    ("linux.seccomp", {"defaultAction": "SCMP_ACT_NOTIFY"}),
    ("linux.sysctl", {"vm.swappiness": "1"}),
    ("linux.sysctl", {"net.ipv4.ip_forward": "1"}),
]


@pytest.mark.parametrize("change", VALID, ids=str)
def test_a_valid_configuration_passes(change):
    config = minimal() | change
    if config["process"] is None:
        del config["process"]

    validate.configuration(config)


@pytest.mark.parametrize(
    ("version", "warned"),
    [("1.0.2-dev", False), ("1.3.0", False), ("1.3.9", False), ("1.4.0-rc.1", True),
     ("1.10.0", True)],
)  # fmt: skip
def test_a_newer_minor_version_is_warned_about(capfd, version, warned):
    validate.configuration(minimal() | {"ociVersion": version})

    expected = f"reference-runtime: warning: ociVersion: {version} is newer than 1.3.0"
    assert capfd.readouterr().err.startswith(expected) == warned


@pytest.mark.parametrize(("path", "value"), INVALID, ids=str)
def test_an_invalid_value_errors_with_its_path(path, value):
    config = minimal()
    *parents, name = path.split(".")
    target = config
    for parent in parents:
        target = target[parent]
    target[name] = value

    with pytest.raises(errors.OperationError) as raised:
        validate.configuration(config)

    assert str(raised.value).startswith(path)


@pytest.mark.parametrize("path", ["ociVersion", "root", "process.cwd", "process.args"])
def test_a_required_property_is_missed(path):
    config = minimal()
    *parents, name = path.split(".")
    del (config[parents[0]] if parents else config)[name]

    with pytest.raises(errors.OperationError, match=f"^{path}: is required"):
        validate.configuration(config)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        b"{} {}",
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 2}}',
        b'{"a": NaN}',
        b'{"a": "\xff"}',
        '{"a": 1}'.encode("utf-16"),
        b"// comment\n{}",
    ],
    ids=str,
)
def test_what_is_no_json_errors(document):
    with pytest.raises(ValueError, match=r".+"):
        jsonlite.loads(document)


def test_json_comes_back_as_it_was():
    document = {"a": ["\u20ac\U0001f600\u2028", 1, -2.5, True, None, {}], "": ""}

    assert jsonlite.loads(jsonlite.dumps(document).encode()) == document
    assert json.loads(jsonlite.dumps(document)) == document


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.2.3", (1, 2, 3)),
        ("1.0.0-rc.1+b.01", (1, 0, 0)),
        ("10.20.30-a-b.0", (10, 20, 30)),
        ("1.0.0-01", None),
        ("1.0.0-", None),
        ("1.0.0+", None),
        ("1.0.0-a..b", None),
        ("\u0661.0.0", None),
    ],
)
def test_versions(text, version):
    assert semver.parse(text) == version
