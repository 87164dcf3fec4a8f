"""tmpcopyup: a tmpfs that begins with what it covers."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.reference_runtime.views import line_of, owner


def fill(directory: Path) -> None:
    directory.mkdir(mode=0o710)
    (directory / "file").write_text("text" * 100_000)
    (directory / "file").chmod(0o4751)
    os.chown(directory / "file", 5, 6)
    (directory / "file").chmod(0o4751)
    os.setxattr(directory / "file", "trusted.x", b"y")
    (directory / "sub/deeper").mkdir(parents=True)
    (directory / "sub/deeper/empty").touch()
    (directory / "link").symlink_to("/etc/passwd")
    os.lchown(directory / "link", 7, 8)
    os.mkfifo(directory / "fifo")
    os.mknod(directory / "null", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    os.utime(directory / "sub", ns=(10**18, 2 * 10**18 + 1))
    os.chown(directory, 11, 12)


def listing(directory: Path) -> dict[str, Any]:
    found = {}
    for path in [directory, *directory.rglob("*")]:
        info = path.lstat()
        content: Any = ""
        if path.is_symlink():
            content = os.readlink(path)
        elif path.is_file():
            content = path.read_bytes(), os.listxattr(path)
        found[str(path.relative_to(directory))] = (
            info.st_mode, info.st_uid, info.st_gid, info.st_rdev, content,
            path == directory or info.st_mtime_ns,
        )  # fmt: skip
    return found


@pytest.mark.parametrize("options", [[], ["ro"]], ids=str)
def test_tmpcopyup_begins_with_what_it_covers(mounted, config, options):
    covered = Path(config["root"]["path"]) / "data"
    fill(covered)

    root = mounted(type="tmpfs", options=["tmpcopyup", *options])

    copied = listing(root / "data")
    assert copied == listing(covered)
    assert len(copied) == 8
    words = line_of(root, "/data")
    assert words[words.index("-") + 1] == "tmpfs"
    assert ("ro" in words[5].split(",")) == ("ro" in options)


def test_tmpcopyup_obeys_the_options_of_the_mount(mounted, config):
    fill(Path(config["root"]["path"]) / "data")

    root = mounted(type="tmpfs", options=["mode=1777", "tmpcopyup", "uid=3"])

    assert stat.S_IMODE((root / "data").stat().st_mode) == 0o1777
    assert owner(root / "data") == (3, 12)


def test_tmpcopyup_leaves_other_filesystems_alone(mounted, config):
    """Else it would copy all of /proc."""
    config["mounts"].append({"destination": "/data/proc", "type": "proc"})
    (Path(config["root"]["path"]) / "data").mkdir()

    root = mounted(type="tmpfs", options=["tmpcopyup"])

    assert [path.name for path in (root / "data").iterdir()] == ["proc"]
    assert not list((root / "data/proc").iterdir())


def test_tmpcopyup_that_has_no_room_is_an_error(runtime, config, reachable):
    fill(Path(config["root"]["path"]) / "data")
    entry = {"destination": "/data", "type": "tmpfs", "options": ["tmpcopyup", "size=4k"]}
    config["mounts"].append(entry)

    result = runtime("create", "-b", str(reachable()), runtime.new_id())

    assert result.status == 1
    assert "mounts[2] (/data): no space left on device" in result.stderr
