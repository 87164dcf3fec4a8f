"""The table of mounts of this mount namespace, as /proc/self/mountinfo has it (proc(5))."""

from __future__ import annotations

import os


class Mount:
    """One line of the table."""

    def __init__(self, line: str) -> None:
        """Split the line; the optional fields end at a lone hyphen."""
        fields, _, filesystem = line.partition(" - ")
        words = fields.split(" ")
        self.id = int(words[0])
        self.mount_point = unescape(words[4])
        self.type, _, super_options = filesystem.split(" ", 2)
        self.super_options = super_options.strip().split(",")


def mounts() -> list[Mount]:
    """Read the table."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        return [Mount(line) for line in table]


def mount_id(path: str) -> int:
    """Return the ID of the mount that the path is on: of those on top of each other the topmost."""
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        with open(f"/proc/self/fdinfo/{fd}", encoding="utf-8") as info:
            for line in info:
                if line.startswith("mnt_id:"):
                    return int(line[7:])
    finally:
        os.close(fd)
    return -1


def unescape(text: str) -> str:
    r"""Undo the octal escapes of blanks and backslashes, as in /mnt/my\040disk."""
    first, *rest = text.split("\\")
    return first + "".join(chr(int(part[:3], 8)) + part[3:] for part in rest)
