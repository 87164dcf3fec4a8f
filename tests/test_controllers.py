"""Limits read from control files: the same number, whichever version of cgroups has the file."""

import math
from pathlib import Path

import pytest

from harness.controllers import UNLIMITED, Limits
from harness.resctrl import Group, parsed

V1 = {
    "memory.limit_in_bytes": "33554432",
    "memory.memsw.limit_in_bytes": "67108864",
    "memory.oom_control": "oom_kill_disable 1\nunder_oom 0",
    "cpu.cfs_quota_us": "-1",
    "cpu.cfs_period_us": "50000",
    "pids.max": "max",
    "blkio.throttle.write_bps_device": "8:0 7\n7:0 2097152",
    "blkio.bfq.weight": "123",
}
V2 = {
    "memory.max": "33554432",
    "memory.swap.max": "33554432",
    "cpu.max": "max 50000",
    "pids.max": "max",
    "io.max": "8:0 wbps=7\n7:0 rbps=max wbps=2097152",
    "io.weight": "default 123\n7:0 200",
}
NUMBERS = {
    "memory.limit": 33554432,
    "memory.swap": 67108864,
    "cpu.quota": UNLIMITED,
    "cpu.period": 50000,
    "pids.limit": UNLIMITED,
    "blockIO.weight": 123,
}


@pytest.fixture(params=[V1, V2], ids=["v1", "v2"])
def limits(request: pytest.FixtureRequest, tmp_path: Path) -> Limits:
    """Limits of a cgroup with the files of one version, behind a hierarchy without any."""
    for name, text in request.param.items():
        (tmp_path / name).write_text(f"{text}\n")
    return Limits([tmp_path / "elsewhere", tmp_path])


@pytest.mark.parametrize("name", NUMBERS)
def test_a_limit_is_the_same_number_in_both_versions(limits: Limits, name: str) -> None:
    assert limits.number(name) == NUMBERS[name]


def test_a_limit_of_a_device_is_found_in_its_line(limits: Limits) -> None:
    assert limits.of_device("blockIO.throttleWriteBpsDevice", "7:0") == 2097152
    assert math.isnan(limits.of_device("blockIO.throttleWriteBpsDevice", "9:0"))


def test_what_no_file_has_is_no_number(limits: Limits) -> None:
    assert math.isnan(limits.number("rdma"))
    assert limits.text("rdma") == ""


@pytest.mark.parametrize(("text", "number"), [("9223372036854771712", UNLIMITED), ("0", 0)])
def test_the_largest_number_of_pages_is_no_limit(tmp_path: Path, text: str, number: float) -> None:
    (tmp_path / "memory.limit_in_bytes").write_text(text)

    assert Limits([tmp_path]).number("memory.limit") == number


def test_a_word_of_a_file_can_be_the_limit(tmp_path: Path) -> None:
    (tmp_path / "memory.oom_control").write_text(V1["memory.oom_control"])

    assert Limits([tmp_path]).number("memory.disableOOMKiller") == 1


def test_a_limit_is_set_where_it_is_read(limits: Limits) -> None:
    limits.set("pids.limit", 77)

    assert limits.number("pids.limit") == 77
    with pytest.raises(FileNotFoundError):
        limits.set("rdma", 1)


def test_less_of_a_cache_is_a_mask_in_one_piece(tmp_path: Path) -> None:
    (tmp_path / "schemata").write_text("    L3:0=7ff;1=7ff\n    MB:0=100;1=100\n")
    group = Group(tmp_path)

    assert (group.less("L3"), group.less("MB")) == ("L3:0=3ff;1=3ff", "MB:0=50;1=50")
    assert parsed(group.less("MB")) == {"MB": {"0": 50, "1": 50}}
