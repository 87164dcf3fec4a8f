"""Controllers that differ from host to host, and device rules on cgroup v2 alone."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from reference_runtime import bpf, errors, resources, syscalls, validate

V1, V2 = 1, 2
KMSG, FUSE, NULL = (1, 11), (10, 229), (1, 3)


@pytest.fixture
def view(runtime, launcher: Path, tmp_path: Path):
    """Have the runtime run in a mount namespace that a shell command has changed."""

    def change(command: str) -> None:
        script = tmp_path / "view"
        inner = f'{command} && exec {launcher} "$@"'
        script.write_text(f"#!/bin/sh\nexec unshare -m sh -c '{inner}' sh \"$@\"\n")
        script.chmod(0o755)
        runtime.launcher = script

    yield change
    for identifier in runtime.ids:
        runtime("delete", "--force", identifier)
    runtime.launcher = launcher


@pytest.fixture
def pure_v2(view, config):
    view("umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup")
    config["linux"]["cgroupsPath"] = f"/reference-runtime-tests-{uuid.uuid4().hex}"


def cgroup_of(config: dict[str, Any]) -> Path:
    """The cgroup in the v2 hierarchy, of which there is one, wherever it is mounted."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if " - cgroup2 " in line:
            return Path(line.split()[4] + config["linux"]["cgroupsPath"])
    pytest.skip("needs a cgroup v2 hierarchy")


def plan(directory: Path, version: int, controller: str, *files: str) -> list[dict[str, Any]]:
    """The plan of one cgroup, with the files that the kernel would offer."""
    for file in files:
        (directory / file).touch()
    return [{"version": version, "controllers": [controller], "leaf": str(directory)}]


THROTTLE = {
    f"throttle{kind}Device": [{"major": 8, "minor": 16, "rate": rate}]
    for kind, rate in (("ReadBps", 1), ("WriteBps", 2), ("ReadIOPS", 3), ("WriteIOPS", 0))
}
V1_THROTTLES = {
    f"blkio.throttle.{name}_device": f"8:16 {rate}"
    for name, rate in (("read_bps", 1), ("write_bps", 2), ("read_iops", 3), ("write_iops", 0))
}

SETTINGS = [
    (
        V1,
        "hugetlb",
        ("hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.rsvd.limit_in_bytes"),
        {"hugepageLimits": [{"pageSize": "2MB", "limit": 4096}]},
        [("hugetlb.2MB.rsvd.limit_in_bytes", "4096")],
    ),
    (
        V1,
        "hugetlb",
        ("hugetlb.1GB.limit_in_bytes",),
        {"hugepageLimits": [{"pageSize": "1GB", "limit": 0}]},
        [("hugetlb.1GB.limit_in_bytes", "0")],
    ),
    (
        V2,
        "hugetlb",
        ("hugetlb.2MB.max", "hugetlb.2MB.rsvd.max"),
        {"hugepageLimits": [{"pageSize": "2MB", "limit": 4096}]},
        [("hugetlb.2MB.rsvd.max", "4096")],
    ),
    (V1, "blkio", tuple(V1_THROTTLES), {"blockIO": THROTTLE}, list(V1_THROTTLES.items())),
    (
        V1,
        "blkio",
        ("blkio.weight", "blkio.leaf_weight", "blkio.weight_device", "blkio.leaf_weight_device"),
        {
            "blockIO": {
                "weight": 10,
                "leafWeight": 11,
                "weightDevice": [{"major": 8, "minor": 0, "weight": 12, "leafWeight": 13}],
            }
        },
        [
            ("blkio.weight", "10"),
            ("blkio.weight_device", "8:0 12"),
            ("blkio.leaf_weight", "11"),
            ("blkio.leaf_weight_device", "8:0 13"),
        ],
    ),
    (
        V1,
        "blkio",
        ("blkio.bfq.weight", "blkio.bfq.weight_device"),
        {"blockIO": {"weight": 10, "weightDevice": [{"major": 8, "minor": 0, "weight": 12}]}},
        [("blkio.bfq.weight", "10"), ("blkio.bfq.weight_device", "8:0 12")],
    ),
    (V1, "blkio", (), {"blockIO": {"weight": 0}}, []),
    (
        V2,
        "io",
        ("io.max", "io.weight"),
        {"blockIO": {"weight": 10, **THROTTLE}},
        [
            ("io.weight", "default 1"),
            ("io.max", "8:16 rbps=1"),
            ("io.max", "8:16 wbps=2"),
            ("io.max", "8:16 riops=3"),
            ("io.max", "8:16 wiops=max"),
        ],
    ),
    (V2, "io", ("io.weight",), {"blockIO": {"weight": 1000}}, [("io.weight", "default 10000")]),
    (
        V2,
        "io",
        ("io.bfq.weight", "io.weight"),
        {"blockIO": {"weight": 10, "weightDevice": [{"major": 8, "minor": 0, "weight": 12}]}},
        [("io.bfq.weight", "default 10"), ("io.bfq.weight", "8:0 12")],
    ),
    (
        V1,
        "net_cls",
        ("net_cls.classid",),
        {"network": {"classID": 1048577}},
        [("net_cls.classid", "1048577")],
    ),
    (
        V1,
        "net_prio",
        ("net_prio.ifpriomap",),
        {"network": {"priorities": [{"name": "lo", "priority": 5}]}},
        [("net_prio.ifpriomap", "lo 5")],
    ),
    *(
        (
            version,
            "rdma",
            ("rdma.max",),
            {"rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 4}, "rxe3": {"hcaObjects": 5}}},
            [
                ("rdma.max", "mlx5_1 hca_handle=3 hca_object=4"),
                ("rdma.max", "rxe3 hca_object=5"),
            ],
        )
        for version in (V1, V2)
    ),
]


@pytest.mark.parametrize(("version", "controller", "files", "wanted", "writes"), SETTINGS)
def test_the_file_that_is_there_is_written(tmp_path, version, controller, files, wanted, writes):
    planned = plan(tmp_path, version, controller, *files)

    made = resources.settings(planned, wanted)

    assert [(file, value) for _, _, file, value in made] == writes
    assert {used for _, used, _, _ in made} <= {controller}


@pytest.mark.parametrize(
    ("version", "wanted", "name"),
    [
        (V1, {"hugepageLimits": [{"pageSize": "3MB", "limit": 1}]}, "hugepageLimits[0]"),
        (V1, {"blockIO": {"leafWeight": 10}}, "blockIO.leafWeight"),
        (V1, {"network": {"classID": 1}}, "network.classID"),
        (V1, {"rdma": {"mlx": {"hcaObjects": 1}}}, "rdma.mlx"),
        (V2, {"blockIO": {"leafWeight": 10}}, "blockIO.leafWeight"),
        (V2, {"network": {"classID": 1}}, "network.classID"),
        (
            V2,
            {"network": {"priorities": [{"name": "lo", "priority": 5}]}},
            "network.priorities",
        ),
    ],
)
def test_what_the_host_cannot_do_is_an_error(tmp_path, version, wanted, name):
    planned = plan(tmp_path, version, "hugetlb")

    with pytest.raises(errors.OperationError) as raised:
        resources.settings(planned, wanted)

    assert str(raised.value).startswith(f"linux.resources.{name}: ")


def test_on_a_hybrid_host_limits_are_in_v1(tmp_path):
    planned = plan(tmp_path, V2, "hugetlb", "hugetlb.2MB.max") + plan(tmp_path, V1, "pids")

    with pytest.raises(errors.OperationError, match="no hugetlb cgroup controller in cgroup v1"):
        resources.settings(planned, {"hugepageLimits": [{"pageSize": "2MB", "limit": 1}]})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("hugepageLimits[0].pageSize", [{"pageSize": "2M", "limit": 1}]),
        ("hugepageLimits[0].pageSize", [{"pageSize": "02MB", "limit": 1}]),
        ("hugepageLimits[0].pageSize", [{"pageSize": "../2MB", "limit": 1}]),
        ("hugepageLimits[0].limit", [{"pageSize": "2MB"}]),
        ("hugepageLimits[0].limit", [{"pageSize": "2MB", "limit": -1}]),
        ("blockIO.weight", {"weight": 65536}),
        ("blockIO.weightDevice[0]", {"weightDevice": [{"major": 8, "minor": 0}]}),
        ("blockIO.weightDevice[0].minor", {"weightDevice": [{"major": 8, "weight": 10}]}),
        (
            "blockIO.throttleReadBpsDevice[0].rate",
            {"throttleReadBpsDevice": [{"major": 8, "minor": 0}]},
        ),
        ("network.classID", {"classID": 2**32}),
        ("network.priorities[0].name", {"priorities": [{"name": "a b", "priority": 1}]}),
        ("network.priorities[0].priority", {"priorities": [{"name": "lo"}]}),
        ("rdma.mlx", {"mlx": {}}),
        ("rdma: the key", {"a b": {"hcaObjects": 1}}),
    ],
    ids=str,
)
def test_an_invalid_value_errors_with_its_path(config: dict[str, Any], path, value):
    group = path.partition("[")[0].partition(".")[0].partition(":")[0]
    config["linux"]["resources"] = {group: value}

    with pytest.raises(errors.OperationError) as raised:
        validate.configuration(config)

    assert str(raised.value).startswith(f"linux.resources.{path}")


def test_network_classes_and_priorities_of_v1(runtime, config, make_bundle, view, tmp_path):
    """These hierarchies are mounted nowhere here; they exist as long as something uses them."""
    top = tmp_path / "net"
    top.mkdir()
    view(f"mount -t cgroup -o net_cls,net_prio net {top}")
    if not runtime("features").ok:
        pytest.skip("needs the net_cls and net_prio controllers of cgroup v1")
    config["linux"]["cgroupsPath"] = f"/reference-runtime-tests-{uuid.uuid4().hex}"
    priorities = [{"name": "lo", "priority": 7}]
    config["linux"]["resources"] = {"network": {"classID": 1048577, "priorities": priorities}}
    config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", (
        f"cd {top}{config['linux']['cgroupsPath']}"
        f" && cat net_cls.classid net_prio.ifpriomap > {tmp_path}/found"
    )], "env": ["PATH=/bin:/usr/bin"]}]}  # fmt: skip

    runtime.create(make_bundle(config))

    classid, *lines = (tmp_path / "found").read_text().splitlines()
    assert classid == "1048577"
    assert "lo 7" in lines


RULES: list[dict[str, Any]] = [
    {"allow": True, "type": "b", "access": "rwm"},  # without effect: all is denied after it
    {"allow": False, "access": "rwm"},
    {"allow": True, "type": "c", "major": KMSG[0], "minor": KMSG[1], "access": "r"},
    {"allow": True, "type": "c", "major": FUSE[0], "access": "rwm"},
    {"allow": False, "type": "c", "major": FUSE[0], "minor": FUSE[1], "access": "m"},
]

TRY = """\
import errno, os, sys
node, name, *numbers = sys.argv[2:]
with open(sys.argv[1] + "/cgroup.procs", "w") as file:
    file.write(str(os.getpid()))
def denied(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        return error.errno == errno.EPERM
    return False
found = ""
for kind, flags in (("r", os.O_RDONLY), ("w", os.O_WRONLY), ("+", os.O_RDWR)):
    if not denied(os.open, node, flags | os.O_NONBLOCK):
        found += kind
if not denied(os.mknod, node + ".new", 0o20600, os.makedev(*map(int, numbers))):
    found += "m"
print(found)
"""


def access_to(config, tmp_path: Path, numbers: tuple[int, int]) -> str:
    """What a process in the container's cgroup may do: r, w, + for both at once, m."""
    node = tmp_path / f"node-{uuid.uuid4().hex}"
    os.mknod(node, 0o20600, os.makedev(*numbers))
    words = [str(cgroup_of(config)), str(node), "x", *map(str, numbers)]
    command = [sys.executable, "-IS", "-c", TRY, *words]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


@pytest.mark.usefixtures("pure_v2")
@pytest.mark.parametrize(
    ("rules", "numbers", "found"),
    [
        ([], KMSG, "rw+m"),
        (RULES, KMSG, "r"),
        (RULES, FUSE, "rw+"),
        (RULES, NULL, "rw+m"),
        ([RULES[1]], KMSG, ""),
        ([{"allow": False, "type": "c", "access": "w"}], KMSG, "rm"),
        ([{"allow": False, "type": "b", "access": "rwm"}], KMSG, "rw+m"),
        (
            [RULES[1], *({"allow": True, "type": "c", "access": kind} for kind in "rw")],
            KMSG,
            "rw+",
        ),
    ],
)
def test_device_rules_of_v2(runtime, config, make_bundle, tmp_path, rules, numbers, found):
    config["linux"]["resources"] = {"devices": rules}
    runtime.create(make_bundle(config))

    assert access_to(config, tmp_path, numbers) == found


@pytest.mark.parametrize("number", [errno.E2BIG, errno.ENOSPC])
def test_too_many_device_rules_of_v2_are_an_error(monkeypatch, tmp_path, number):
    """The kernel takes seconds to come to that, so it is not asked."""

    def load(_program: bytes) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(syscalls, "bpf_prog_load", load)

    with pytest.raises(errors.OperationError, match=r"^linux.resources.devices: too many rules"):
        bpf.attach_rules([{"leaf": str(tmp_path)}], RULES)


def test_a_device_number_that_cannot_be_is_an_error():
    rule = {"allow": True, "type": "c", "major": 2**32}

    with pytest.raises(errors.OperationError, match=r"^linux.resources.devices\[0\].major: "):
        bpf.assemble([rule])


def test_features_know_rdma(runtime):
    assert json.loads(runtime("features").stdout)["linux"]["cgroup"]["rdma"] is True
