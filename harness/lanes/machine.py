"""The virtual machine: qemu's command line, and its end, whichever way it comes."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import door, linux
from harness.faults import HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

QEMU = "qemu-system-x86_64"
MEGABYTES = 1024
"""Of each of the two memory nodes."""

CONSOLE_LINES = 25


@dataclass(frozen=True)
class Ended:
    """How a guest ended."""

    status: int | None
    """Exit status of the command; None when the guest ended, or was ended, before it."""
    why: str
    """Empty when the command ended by itself."""
    seconds: float


def command_line(image: Path, place: Path, parameters: str = "", processor: str = "") -> list[str]:
    """Return qemu's command line; ``place`` has the archive, the disk and the directory out.

    One thread for both processors: Debian's 6.12 panics with more under emulation. Of the
    machines only q35 boots with them. The host's / is read-only for qemu itself.
    """
    quiet = "console=ttyS0 quiet panic=-1 reboot=t"
    # Cures for processors that this one is not: they cost emulated time. Who asks for one has all.
    cures = "" if "spec_store_bypass_disable" in parameters else "mitigations=off"
    argv = [QEMU, "-M", "q35", "-accel", "tcg,thread=single"]
    argv += ["-cpu", ",".join(filter(None, ["max", "la57=off", processor]))]
    argv += ["-m", f"{2 * MEGABYTES}M", "-smp", "2"]
    for node in range(2):
        argv += ["-object", f"memory-backend-ram,id=m{node},size={MEGABYTES}M"]
        argv += ["-numa", f"node,nodeid={node},cpus={node},memdev=m{node}"]
    argv += ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    argv += ["-serial", f"file:{place}/out/console"]
    argv += ["-kernel", str(image), "-initrd", f"{place}/archive"]
    argv += ["-append", " ".join(filter(None, [quiet, cures, parameters]))]
    argv += ["-device", "virtio-rng-pci"]
    argv += ["-drive", f"file={place}/disk,if=virtio,format=raw,cache=unsafe"]
    shared = "security_model=none,multidevs=remap"
    argv += ["-virtfs", f"local,path=/,mount_tag=host,{shared},readonly=on"]
    argv += ["-virtfs", f"local,path={place}/out,mount_tag=out,{shared}"]
    return argv


def run(  # noqa: PLR0913 - as door.start
    argv: Sequence[str],
    out: Path,
    *,
    deadline: float,
    quiet: float,
    boot: Callable[[], None] | None = None,
    descriptors: Sequence[int] = (),
) -> Ended:
    """Run the guest to its end, at most ``deadline`` seconds, or ``quiet`` without a sign of life.

    A sign of life is anything that grows in ``out``: the console, pytest's output, results.jsonl.
    ``boot`` is called first, with qemu running, which has our ``descriptors`` as well; HarnessError
    from it is how the guest ended.
    """
    began = time.monotonic()
    log = out / "qemu.log"
    started = door.start(argv, stdout=log, stderr=log, deadline=deadline, descriptors=descriptors)
    why = ""
    try:
        if boot is not None:
            boot()
        seen, size = began, -1
        while started.running:
            now = time.monotonic()
            if (grown := _size(out)) != size:
                seen, size = now, grown
            if now >= began + deadline:
                why = f"the guest had not ended after {deadline:g} s"
            elif now >= seen + quiet:
                why = f"the guest showed no sign of life for {quiet:g} s"
            if why:
                break
            door.readable(started.pidfd, min(began + deadline, seen + quiet) - now)
    except HarnessError as error:
        why = str(error)
    finally:
        if started.running:
            started.end()
        started.finish()
    return _ended(out, why, time.monotonic() - began)


def _end_with_us() -> None:
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)


def _ended(out: Path, why: str, seconds: float) -> Ended:
    try:
        return Ended(int((out / "status").read_text()), "", seconds)
    except (OSError, ValueError):
        return Ended(None, why or "the guest ended before its command did", seconds)


def _size(out: Path) -> int:
    return sum(file.lstat().st_size for file in out.rglob("*") if not file.is_dir())


def tail(text: str, lines: int = CONSOLE_LINES) -> str:
    """Return the last lines of a console, from the kernel's panic on if there was one.

    What a guest prints is untrusted: control characters are escaped, long lines are cut.
    """
    rows = [
        "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in row[:200])
        for row in text.replace("\r", "").split("\n")
        if row.strip()
    ]
    panics = [number for number, row in enumerate(rows) if "Kernel panic" in row]
    first = panics[0] if panics else max(0, len(rows) - lines)
    return "\n".join(rows[first : first + lines])


def console(out: Path) -> str:
    """Return the tail of the console that the guest in ``out`` had."""
    try:
        with (out / "console").open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 65536))
            return tail(file.read().decode(errors="replace"))
    except OSError:
        return ""
