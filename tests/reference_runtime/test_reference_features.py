"""features compared with what the runtime does: nothing more, nothing less, and all of it."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from reference_runtime import (
    capabilities,
    errors,
    hooks,
    lsm,
    mount_options,
    op_features,
    seccomp_rules,
    validate,
)

PACKAGE = Path(op_features.__file__).parent
LINUX = op_features.FEATURES["linux"]
MAPPING = [{"containerID": 0, "hostID": 1000, "size": 1}]
MOUNT = {"destination": "/m", "type": "none", "source": "/", "options": ["bind"]}


def config(**linux: object) -> dict[str, Any]:
    namespaces = [{"type": kind} for kind in ("mount", "pid", "network")]
    return {
        "ociVersion": "1.3.0",
        "root": {"path": "rootfs"},
        "process": {"cwd": "/", "args": ["x"], "user": {"uid": 0, "gid": 0}},
        "linux": {"namespaces": namespaces, **linux},
    }


def takes(changed: dict[str, Any]) -> bool:
    try:
        validate.configuration(changed)
    except errors.OperationError:
        return False
    return True


@pytest.fixture
def printed(runtime):
    result = runtime("features")
    assert result.ok, result.stderr
    features: dict[str, Any] = json.loads(result.stdout)
    return features


def test_every_member_of_the_structure_is_there_and_no_other(printed):
    """features.md and features-linux.md of the release that ociVersionMax names."""
    assert set(printed) == {
        "ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "linux", "annotations",
        "potentiallyUnsafeConfigAnnotations",
    }  # fmt: skip
    assert {name: set(value) for name, value in printed["linux"].items() if name not in {
        "namespaces", "capabilities",
    }} == {
        "cgroup": {"v1", "v2", "systemd", "systemdUser", "rdma"},
        "seccomp": {
            "enabled", "actions", "operators", "archs", "knownFlags", "supportedFlags",
        },
        "apparmor": {"enabled"},
        "selinux": {"enabled"},
        "intelRdt": {"enabled", "schemata", "monitoring"},
        "memoryPolicy": {"modes", "flags"},
        "mountExtensions": {"idmap"},
        "netDevices": {"enabled"},
    }  # fmt: skip
    assert {"namespaces", "capabilities"} < set(printed["linux"])


@pytest.mark.parametrize("member", ["ociVersionMin", "ociVersionMax"])
def test_both_versions_are_taken(printed, member):
    assert takes(config() | {"ociVersion": printed[member]})
    assert not takes(config() | {"ociVersion": "2.0.0"})


def test_hooks_are_those_that_are_checked_and_run(printed):
    assert printed["hooks"] == list(hooks.KINDS)
    for kind in printed["hooks"]:
        assert not takes(config() | {"hooks": {kind: [{"path": "relative"}]}})
    source = "".join(path.read_text() for path in PACKAGE.glob("*.py") if path.stem != "hooks")
    for kind in printed["hooks"]:
        assert f'"{kind}"' in source


def test_mount_options_are_those_that_are_no_filesystem_s(printed):
    for option in printed["mountOptions"]:
        assert mount_options.Options([option]).data == "", option
        entry = {"destination": "/m", "type": "tmpfs", "source": "tmpfs", "options": [option]}
        if option in {*mount_options.BINDS, "remount"}:
            entry["type"] = "none"
        if "idmap" not in option:  # which needs a user namespace, or mappings
            assert takes(config() | {"mounts": [entry]}), option
    assert mount_options.Options(["size=1m", "acl"]).data == "size=1m,acl"
    tables = (mount_options.FLAGS, mount_options.BINDS, mount_options.PROPAGATION)
    for table in (*tables, mount_options.RECURSIVE):
        assert set(table) <= set(printed["mountOptions"])


def test_namespaces_are_those_that_are_taken(printed):
    for kind in printed["linux"]["namespaces"]:
        path = {"path": "/proc/self/ns/x"} if kind == "user" else {}
        assert takes(config(namespaces=[{"type": kind, **path}])), kind
    assert not takes(config(namespaces=[{"type": "syslog"}]))


def test_capabilities_are_those_that_are_known(printed):
    names = printed["linux"]["capabilities"]

    wanted = capabilities.Capabilities({"bounding": [*names, "CAP_NONE"]}, (1 << 64) - 1)

    assert wanted.bounding == (1 << len(names)) - 1
    (warning,) = wanted.warnings
    assert "CAP_NONE" in warning
    assert len(names) > capabilities.last_known()


def test_systemd_is_refused_as_it_is_said_to_be(runtime, printed):
    cgroup = printed["linux"]["cgroup"]
    assert (cgroup["systemd"], cgroup["systemdUser"]) == (False, False)
    assert not takes(config(cgroupsPath="system.slice:a:b"))
    assert not runtime("--systemd-cgroup", "list").ok
    assert (cgroup["v1"], cgroup["v2"]) == (True, True)
    for version in ("v1", "v2"):
        assert (PACKAGE / f"cgroup_{version}.py").exists()
    rdma = {"mlx5_0": {"hcaHandles": 1}}
    assert takes(config(resources={"rdma": rdma})) == cgroup["rdma"]
    assert not takes(config(resources={"rdma": {"mlx5_0": {}}}))


def test_seccomp_lists_what_is_taken(printed):
    lists = printed["linux"]["seccomp"]
    for action in lists["actions"]:
        rule = {"names": ["mkdir"], "action": action}
        filter_ = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}
        if action == "SCMP_ACT_NOTIFY":
            filter_["listenerPath"] = "/run/x"
        assert takes(config(seccomp=filter_)), action
    for operator in lists["operators"]:
        argument = {"index": 0, "value": 1, "op": operator}
        rule = {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "args": [argument]}
        filter_ = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}
        assert takes(config(seccomp=filter_)), operator
    assert set(lists["actions"]) == set(seccomp_rules.ACTIONS)
    assert set(lists["operators"]) == set(seccomp_rules.OPERATORS)
    assert set(lists["knownFlags"]) == set(seccomp_rules.FLAGS)
    for member, value in (("architectures", lists["archs"]), ("flags", [])):
        assert takes(config(seccomp={"defaultAction": "SCMP_ACT_ALLOW", member: value}))
        unknown = {"defaultAction": "SCMP_ACT_ALLOW", member: ["SCMP_UNKNOWN"]}
        assert not takes(config(seccomp=unknown))


def test_memory_policies_are_those_that_are_taken(printed):
    policy = printed["linux"]["memoryPolicy"]
    for mode in policy["modes"]:
        nodes = {} if mode in {"MPOL_DEFAULT", "MPOL_LOCAL"} else {"nodes": "0"}
        assert takes(config(memoryPolicy={"mode": mode, **nodes})), mode
    for flag in policy["flags"]:
        wanted = {"mode": "MPOL_BIND", "nodes": "0", "flags": [flag]}
        assert takes(config(memoryPolicy=wanted)), flag
    assert not takes(config(memoryPolicy={"mode": "MPOL_NONE"}))


@pytest.mark.parametrize(
    ("enabled", "changed"),
    [
        (LINUX["intelRdt"]["enabled"], config(intelRdt={"closID": "a"})),
        (LINUX["intelRdt"]["schemata"], config(intelRdt={"schemata": ["L3:0=f"]})),
        (LINUX["intelRdt"]["monitoring"], config(intelRdt={"enableMonitoring": True})),
        (LINUX["netDevices"]["enabled"], config(netDevices={"eth7": {"name": "eth0"}})),
        (
            LINUX["mountExtensions"]["idmap"]["enabled"],
            config() | {"mounts": [{**MOUNT, "uidMappings": MAPPING, "gidMappings": MAPPING}]},
        ),
    ],
    ids=["intelRdt", "schemata", "monitoring", "netDevices", "idmap"],
)
def test_what_is_enabled_is_taken(enabled, changed):
    assert takes(changed) == enabled


@pytest.mark.parametrize(
    ("member", "name", "has"),
    [("apparmor", "apparmorProfile", "has_apparmor"), ("selinux", "selinuxLabel", "has_selinux")],
)
def test_security_modules_are_used_or_refused(monkeypatch, member, name, has):
    class Creation:
        process = {name: "x"}  # noqa: RUF012
        linux: dict[str, Any] = {}  # noqa: RUF012

    assert LINUX[member]["enabled"]
    assert takes(config() | {"process": {**config()["process"], name: "x"}})
    monkeypatch.setattr(lsm, has, lambda: False)
    with pytest.raises(errors.OperationError, match=name):
        lsm.check(Creation)  # type: ignore[arg-type]
    monkeypatch.setattr(lsm, has, lambda: True)
    lsm.check(Creation)  # type: ignore[arg-type]


def test_every_annotation_that_means_something_is_listed_as_unsafe(printed):
    """Those are named in the sources, as a text with dots between small words."""
    named = {
        node.value
        for path in PACKAGE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"(org|com|run)\.[a-z]+(\.[A-Za-z]+)+", node.value)
    }

    assert set(printed["potentiallyUnsafeConfigAnnotations"]) == named
    for name, value in printed["annotations"].items():
        assert name
        assert isinstance(value, str)
