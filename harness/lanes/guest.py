"""What runs inside the guest before and after pytest, and the archive that it boots from."""

from __future__ import annotations

import io
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DIRECTORY, EXECUTABLE, PLAIN, LINK = 0o40755, 0o100755, 0o100644, 0o120777

OUT = "/lane"
"""Where the guest sees the directory that carries results out; the scripts say it too."""

FIRST, SECOND = (Path(__file__).with_name(f"{name}.sh") for name in ("first", "second"))


@dataclass(frozen=True)
class Command:
    """What the guest runs, and how."""

    argv: Sequence[str]
    directory: str
    environment: Mapping[str, str]
    cgroup: str


def second(command: Command) -> str:
    """Return the script that takes over from the archive's and runs the command."""
    values = {**command.environment, "CGROUP": command.cgroup, "DIRECTORY": command.directory}
    exports = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    script = SECOND.read_text(encoding="utf-8")
    return "\n".join([*exports, f"set -- {shlex.join(command.argv)}", script])


def archive(busybox: bytes, modules: Mapping[str, bytes]) -> bytes:
    """Return the initramfs: busybox, the first script, the modules in the order to load them."""
    entries = [(name, DIRECTORY, b"") for name in ("bin", "proc", "sys", "dev", "modules")]
    entries += [
        ("bin/busybox", EXECUTABLE, busybox),
        ("bin/sh", LINK, b"busybox"),
        ("init", EXECUTABLE, FIRST.read_bytes()),
        ("modules/order", PLAIN, "\n".join(modules).encode()),
    ]
    entries += [(f"modules/{name}.ko", PLAIN, data) for name, data in modules.items()]
    return cpio(entries)


def cpio(entries: Sequence[tuple[str, int, bytes]]) -> bytes:
    """Pack name, mode and data as cpio's newc, the format of an initramfs.

    Source: Documentation/driver-api/early-userspace/buffer-format.rst of Linux.
    """
    out = io.BytesIO()
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        out.write(b"070701" + b"".join(b"%08X" % field for field in fields))
        out.write(name.encode() + b"\0")
        out.write(b"\0" * (-out.tell() % 4))
        out.write(data)
        out.write(b"\0" * (-out.tell() % 4))
    return out.getvalue()
