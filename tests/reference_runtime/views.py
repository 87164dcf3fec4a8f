"""What tests look up of a mount and of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def line_of(root: Path, mount_point: str) -> list[str]:
    """The words of the last line of mountinfo for a mount point."""
    lines = (root.parent / "mountinfo").read_text().splitlines()
    return [words for words in map(str.split, lines) if words[4] == mount_point][-1]


def owner(path: Path) -> tuple[int, int]:
    info = path.lstat()
    return info.st_uid, info.st_gid
