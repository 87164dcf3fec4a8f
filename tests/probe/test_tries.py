"""The words that try one system call and report what it said."""

import os
import platform
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.probe.conftest import NONCE, Say, Trial, device, names_in, needs_root


@pytest.mark.parametrize(
    ("flags", "path", "errno"),
    [
        ("r", "/etc", 0), ("w", "/etc", 21), ("rw", "/dev/null", 0), ("a", "/dev/null", 0),
        ("r", "/nowhere", 2), ("wc", "/nowhere/x", 2), ("r", "/a:b", 2),
    ],
)  # fmt: skip
def test_open_reports_the_errno(trial: Trial, flags: str, path: str, errno: int) -> None:
    line = trial(f"open={flags}:{path}")

    assert (line["call"], line["path"], line["errno"]) == ("open", path, errno)
    assert line["result"] == -errno or line["result"] > 2


def test_open_with_c_creates(trial: Trial, tmp_path: Path) -> None:
    assert trial(f"open=wc:{tmp_path}/new")["errno"] == 0

    assert (tmp_path / "new").read_bytes() == b""


@pytest.mark.parametrize("size", [0, 5, 65536, 65537, 400_000])
def test_read_gives_at_most_64_kb_of_the_text(trial: Trial, tmp_path: Path, size: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * size)

    line = trial(f"read={file}")

    read = min(size, 65536)
    cut = {"cut": True} if size > read else {}
    assert line == {
        "call": "read", "path": str(file), "text": "x" * read, "bytes": read,
        "errno": 0, "result": read, **cut,
    }  # fmt: skip


def test_read_of_an_endless_file_ends(trial: Trial) -> None:
    assert trial("read=/dev/zero")["bytes"] == 65536


@pytest.mark.parametrize(("path", "errno"), [("/nowhere", 2), ("/etc", 21)])
def test_read_that_fails_has_no_text(trial: Trial, path: str, errno: int) -> None:
    assert trial(f"read={path}") == {
        "call": "read", "path": path, "errno": errno, "result": -errno,
    }  # fmt: skip


def test_write_appends_the_nonce(trial: Trial, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("before\n")

    line = trial(f"write={file}")

    assert file.read_text() == f"before\n{NONCE}\n"
    assert (line["errno"], line["result"]) == (0, len(NONCE) + 1)


def test_write_reports_what_write_says_not_open(trial: Trial) -> None:
    assert trial("write=/dev/full")["errno"] == 28


def test_mkdir_and_unlink_do_and_report(say: Say, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (tmp_path / "file").touch()

    lines = say(f"mkdir={folder}", f"mkdir={folder}", f"unlink={folder}", f"unlink={tmp_path}/file")

    assert [line.data["errno"] for line in lines] == [0, 17, 21, 0]
    assert names_in(tmp_path) == ["folder"]


def test_list_names_what_is_in_a_folder(trial: Trial, tmp_path: Path) -> None:
    names = [f"file-{number}" for number in range(3000)] + [os.fsdecode(b"\xff")]
    for name in names:
        (tmp_path / name).touch()

    line = trial(f"list={tmp_path}")

    assert sorted(line["names"]) == sorted(names)
    assert line["errno"] == 0


@pytest.mark.parametrize("path", ["/etc", "/dev/null", "/proc/self"])
def test_stat_and_lstat_are_those_of_the_system(trial: Trial, path: str) -> None:
    for call, truth in (("stat", Path(path).stat()), ("lstat", Path(path).lstat())):
        line = trial(f"{call}={path}")
        if path == "/proc/self" and call == "stat":
            assert stat.S_ISDIR(line["mode"])
            continue
        assert line == {
            "call": call, "path": path, "dev": device(truth.st_dev), "ino": truth.st_ino,
            "mode": truth.st_mode, "uid": truth.st_uid, "gid": truth.st_gid,
            "rdev": device(truth.st_rdev), "size": truth.st_size, "nlink": truth.st_nlink,
            "errno": 0, "result": 0,
        }  # fmt: skip


def test_readlink_gives_the_target(trial: Trial, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("some/where")

    assert trial(f"readlink={tmp_path}/link")["target"] == "some/where"
    assert trial(f"readlink={tmp_path}")["errno"] == 22


def test_statfs_gives_type_and_flags(trial: Trial) -> None:
    line = trial("statfs=/proc")

    valid = 0x20
    assert line["type"] == 0x9FA0
    assert line["flags"] & ~valid == os.statvfs("/proc").f_flag
    assert trial("statfs=/nowhere")["errno"] == 2


def test_chdir_changes_the_working_directory(say: Say, tmp_path: Path) -> None:
    tried, facts = say(f"chdir={tmp_path}", "facts=cwd")

    assert tried.data["errno"] == 0
    assert facts.data["facts"] == {"cwd": str(tmp_path)}


@needs_root
def test_mknod_makes_the_node_with_mode_and_number(trial: Trial, tmp_path: Path) -> None:
    node = tmp_path / "node"

    line = trial(f"mknod=c,0640,511,1048575:{node}", umask=0)

    made = node.stat()
    assert line["errno"] == 0
    assert made.st_mode == stat.S_IFCHR | 0o640
    assert device(made.st_rdev) == [511, 1048575]
    assert trial(f"stat={node}")["rdev"] == [511, 1048575]


@pytest.mark.parametrize(
    ("type_", "is_type"), [("p", stat.S_ISFIFO), ("s", stat.S_ISSOCK), ("f", stat.S_ISREG)]
)
def test_mknod_makes_nodes_without_a_number(
    trial: Trial, tmp_path: Path, type_: str, is_type: Callable[[int], bool]
) -> None:
    assert trial(f"mknod={type_},644,0,0:{tmp_path}/node")["errno"] == 0

    assert is_type((tmp_path / "node").stat().st_mode)


NR = {
    "x86_64": {"getpid": 39, "mkdirat": 258, "uname": 63, "close": 3, "mmap": 9, "kill": 62},
    "aarch64": {"getpid": 172, "mkdirat": 34, "uname": 160, "close": 57, "mmap": 222, "kill": 129},
}.get(platform.machine(), {})


def test_syscall_gives_the_raw_result(trial: Trial) -> None:
    assert trial(f"syscall={NR['close']},-1") == {
        "call": "syscall", "nr": NR["close"], "errno": 9, "result": -9,
    }  # fmt: skip
    assert trial(f"syscall={NR['getpid']}")["result"] > 1


def test_syscall_takes_texts_buffers_and_numbers_in_any_base(trial: Trial, tmp_path: Path) -> None:
    assert trial(f"syscall={NR['mkdirat']},-100,s:{tmp_path}/made,0x1c0")["errno"] == 0
    assert trial(f"syscall={NR['uname']},b:390")["errno"] == 0

    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o700


def test_run_runs_a_copy_of_the_probe(say: Say, probe: Path, tmp_path: Path) -> None:
    shutil.copy(probe, tmp_path / "copy")
    path = f"{tmp_path}/copy"

    shown, tried = say(f"run={path}")

    assert (shown.event, shown.as_, list(shown.data["facts"])) == ("facts", path, ["ids"])  # type: ignore[call-overload]
    assert dict(tried.data) == {"call": "run", "path": path, "errno": 0, "result": 0}


@pytest.mark.parametrize(("path", "errno"), [("/nowhere", 2), ("/etc", 13), ("/etc/passwd", 13)])
def test_run_tells_why_it_failed(trial: Trial, path: str, errno: int) -> None:
    assert trial(f"run={path}")["errno"] == errno


def test_syscall_takes_some_by_name(trial: Trial, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    words = f"fchmodat,-100,s:{tmp_path}/file,0x180"

    line = trial(f"syscall={words}")

    assert (line["call"], line["path"], line["errno"]) == ("fchmodat", words, 0)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


@pytest.mark.parametrize("most", [0, 3, 100])
def test_head_reads_at_most_so_many_bytes(trial: Trial, tmp_path: Path, most: int) -> None:
    (tmp_path / "file").write_text("abcdef")

    line = trial(f"head={most}:{tmp_path}/file")

    text = "abcdef"[:most]
    assert (line["call"], line["text"], line["bytes"]) == ("read", text, len(text))


def test_syscall_passes_six_arguments(trial: Trial) -> None:
    line = trial(f"syscall={NR['mmap']},0x10000000,4096,3,0x100022,-1,0")

    assert (line["errno"], line["result"]) == (0, 0x10000000)


def test_fill_takes_memory(trial: Trial) -> None:
    assert trial("fill=1048576") == {"call": "fill", "path": "1048576", "errno": 0, "result": 0}


def test_fill_reports_that_there_is_none(trial: Trial) -> None:
    assert trial(f"fill={1 << 62}")["errno"] == 12
