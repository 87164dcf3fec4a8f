"""Tables and small parts."""

from __future__ import annotations

import os
from typing import Any

import pytest

from reference_runtime import (
    capabilities,
    cgroup_v1,
    cgroup_v2,
    container,
    errors,
    mount_options,
    mountinfo,
    signals,
    validate_linux,
)
from reference_runtime import syscalls as sc

TABLE = """
async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noatime nodev
nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow
private ratime rbind rdev rdiratime relatime remount rexec rnoatime rnodiratime rnoexec
rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime rro rrw rshared rslave
rstrictatime rsuid rsymfollow runbindable rw shared silent slave strictatime suid symfollow sync
unbindable
""".split()  # noqa: SIM905


@pytest.mark.parametrize("name", TABLE)
def test_every_option_of_the_specification_is_known(name):
    assert name in mount_options.KNOWN
    assert mount_options.Options([name]).data == ""


def test_of_contradicting_options_the_last_wins():
    options = mount_options.Options(["ro", "nosuid", "rw", "noatime", "strictatime"])

    assert options.flags == sc.MS_NOSUID | sc.MS_STRICTATIME
    assert options.attributes.set == sc.MOUNT_ATTR_NOSUID | sc.MOUNT_ATTR_STRICTATIME
    assert options.attributes.clear == sc.MOUNT_ATTR_RDONLY | sc.MOUNT_ATTR__ATIME


def test_unknown_options_are_the_filesystems():
    assert mount_options.Options(["ro", "size=1m", "mode=700"]).data == "size=1m,mode=700"


@pytest.mark.parametrize(
    ("text", "number"),
    [("TERM", 15), ("SIGKILL", 9), ("kill", 9), ("1", 1), ("64", 64), ("RTMIN", 34),
     ("SIGRTMIN+3", 37), ("RTMAX-1", 63), ("RTMAX", 64), ("CHLD", 17)],
)  # fmt: skip
def test_signals(text, number):
    assert signals.number(text) == number


@pytest.mark.parametrize(
    "text", ["", "0", "65", "-1", "SIG", "SIGNOSUCH", "_DFL", "RTMIN-1", "RTMIN+31", "\u0661"]
)
def test_unknown_signals(text):
    with pytest.raises(errors.OperationError):
        signals.number(text)


@pytest.mark.parametrize("identifier", ["a", "a.b", "-x", "A+_9", "x" * 255])
def test_valid_ids(identifier):
    container.check_id(identifier)


@pytest.mark.parametrize(
    "identifier", ["", ".", "..", "a/b", "/", "a b", "x" * 256, ",1", "\u00e4"]
)
def test_invalid_ids(identifier):
    with pytest.raises(errors.OperationError):
        container.check_id(identifier)


def test_ungrantable_capabilities_are_warned_about_and_left_out():
    wanted = {
        "bounding": ["CAP_CHOWN", "CAP_NO_SUCH", "CAP_KILL"],
        "permitted": ["CAP_CHOWN"],
        "effective": ["CAP_CHOWN", "CAP_KILL"],
        "ambient": ["CAP_CHOWN"],
    }

    masks = capabilities.Capabilities(wanted, 1 << 0)

    assert (masks.bounding, masks.permitted, masks.effective, masks.ambient) == (1, 1, 1, 0)
    assert len(masks.warnings) == 4


def test_limits_of_version_1():
    resources = {"memory": {"limit": 5, "disableOOMKiller": True}, "pids": {"limit": -1}}

    assert cgroup_v1.settings(resources) == [
        ("linux.resources.memory.limit", "memory", "memory.limit_in_bytes", "5"),
        ("linux.resources.memory.disableOOMKiller", "memory", "memory.oom_control", "1"),
        ("linux.resources.pids.limit", "pids", "pids.max", "max"),
    ]


def test_limits_of_version_2():
    resources = {
        "memory": {"limit": 5, "swap": 8},
        "cpu": {"shares": 1024, "quota": 5, "period": 10},
        "unified": {"memory.high": "7"},
    }

    assert [entry[2:] for entry in cgroup_v2.settings(resources)] == [
        ("memory.max", "5"),
        ("memory.swap.max", "3"),
        ("cpu.weight", "39"),
        ("cpu.max", "5 10"),
        ("memory.high", "7"),
    ]


def test_unified_is_refused_on_version_1():
    with pytest.raises(errors.OperationError, match=r"^linux\.resources\.unified: needs cgroup v2"):
        cgroup_v1.settings({"unified": {"memory.high": "7"}})


def test_an_empty_unified_asks_for_nothing():
    assert cgroup_v1.settings({"unified": {}}) == cgroup_v2.settings({"unified": {}}) == []


@pytest.mark.parametrize(
    "resources",
    [
        {"memory": {"swappiness": 1}},
        {"memory": {"disableOOMKiller": True}},
        {"memory": {"swap": 5}},
        {"cpu": {"realtimePeriod": 5}},
    ],
)
def test_what_version_2_cannot_express_errors(resources):
    with pytest.raises(errors.OperationError):
        cgroup_v2.settings(resources)


def test_device_rules_keep_their_order_and_the_default_devices():
    rules: list[dict[str, Any]] = [
        {"allow": False},
        {"allow": True, "type": "c", "major": 1, "access": "r"},
    ]

    writes = [entry[2:] for entry in cgroup_v1.device_settings(rules)]

    assert writes[:2] == [("devices.deny", "a"), ("devices.allow", "c 1:* r")]
    assert ("devices.allow", "c 1:3 rwm") in writes


def test_a_rule_for_all_devices_with_numbers_is_not_one_for_everything():
    assert cgroup_v1.device_settings([{"allow": True, "major": 5}])[0][3] == "c 5:* rwm"


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("net.ipv4.ip_forward", "net.ipv4.ip_forward"),
        ("net/ipv4/conf/eth0.1/rp_filter", "net.ipv4.conf.eth0/1.rp_filter"),
        ("net.ipv4.conf.eth0/1.rp_filter", "net.ipv4.conf.eth0/1.rp_filter"),
    ],
)
def test_the_two_forms_of_a_parameters_name(key, name):
    assert validate_linux.sysctl_name(key) == name


def test_mount_points_with_blanks():
    line = r"36 35 98:0 / /mnt/a\040b\134c rw shared:1 - cgroup none rw,pids"
    mount = mountinfo.Mount(line + "\n")

    assert mount.mount_point == r"/mnt/a b\c"
    assert mount.super_options == ["rw", "pids"]


def test_the_status_of_a_container_whose_process_is_gone(tmp_path):
    record = {"phase": container.CREATED, "pid": 2**22 + 1, "startTime": 1}

    assert container.Container(str(tmp_path), "x", record).status() == "stopped"


def test_the_status_does_not_fall_for_a_reused_pid(tmp_path):
    record = {"phase": container.CREATED, "pid": os.getpid(), "startTime": 1}

    assert container.Container(str(tmp_path), "x", record).status() == "stopped"


def test_the_state_of_a_container_without_annotations_has_none(tmp_path):
    record = {"phase": container.CREATED, "pid": 7, "bundle": "/b"}

    document = container.Container(str(tmp_path), "x", record).document("running")

    assert document == {
        "ociVersion": "1.3.0", "id": "x", "status": "running", "pid": 7, "bundle": "/b",
    }  # fmt: skip
