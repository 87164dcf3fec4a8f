"""One guest from its kernel to its end, in a directory that goes with it."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import tempfile
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness import door
from harness.cache import user_cache
from harness.faults import UsageError
from harness.lanes import LANES, cpuid, guest, kernel, machine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.lanes import Lane
    from harness.lanes.kernel import Kernel
    from harness.lanes.machine import Ended

ROOT = Path(__file__).parents[2]
"""Of this project: where the command is run in the guest."""

BOOT_SECONDS = 300.0


@contextmanager
def place() -> Iterator[Path]:
    """Make the directory that the guest carries its results out by; what it needs is beside it.

    Those of lanes that were killed are removed: nobody holds their lock.
    """
    # Not in /tmp, which may be small and in memory: the disk grows to 2 GiB.
    base = user_cache("lanes")
    for left in base.glob(".guest-*"):
        with suppress(OSError), _locked(left):
            shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=base, prefix=".guest-") as directory:
        out = Path(directory) / "out"
        with _locked(Path(directory)):
            out.mkdir()
            yield out


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Hold the lock of a directory; BlockingIOError if somebody has it."""
    fd = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)


def run(lane: Lane, argv: Sequence[str], out: Path, *, deadline: float, quiet: float) -> Ended:
    """Boot the lane's kernel, run ``argv`` there as root; UsageError for what is missing here."""
    found = kernel.find(lane.kernel)
    symbols = _symbols(found) if lane.resctrl else {}
    prepare(lane, found, argv, out)
    line = machine.command_line(found.image, out.parent, lane.parameters, lane.processor)
    if not lane.resctrl:
        return machine.run(line, out, deadline=deadline, quiet=quiet)
    ours, qemus = socket.socketpair()
    with ours, qemus:
        stopped = ["-S", "-chardev", f"socket,id=gdb,fd={qemus.fileno()}", "-gdb", "chardev:gdb"]
        return machine.run(
            [*line, *stopped],
            out,
            deadline=deadline,
            quiet=quiet,
            boot=partial(cpuid.serve, ours, symbols, BOOT_SECONDS),
            descriptors=(qemus.fileno(),),
        )


def prepare(lane: Lane, found: Kernel, argv: Sequence[str], out: Path) -> None:
    """Write the archive, the disk, the second script and, where the lane has one, the policy."""
    wanted = [name for name in kernel.MODULES if name not in lane.without]
    modules = kernel.load_order(found.modules, wanted)
    busybox = Path(shutil.which("busybox") or "busybox").read_bytes()
    (out.parent / "archive").write_bytes(guest.archive(busybox, modules))
    with (out.parent / "disk").open("wb") as disk:
        disk.truncate(2 << 30)
    options = "lazy_itable_init=1,nodiscard"
    door.output(["mkfs.ext4", "-qF", "-E", options, str(out.parent / "disk")])
    environment = {name: os.environ.get(name, "") for name in ("PATH", "HOME")}
    environment |= {"TERM": "dumb", "LANG": "C.UTF-8"}
    command = guest.Command(argv, str(ROOT), environment, lane.cgroup)
    (out / "second").write_text(guest.second(command), encoding="utf-8")
    if lane.policy:
        _policy(out / "policy")


def _policy(file: Path) -> None:
    if shutil.which("secilc") is None:
        raise UsageError("this lane needs secilc: apt-get install --no-install-recommends secilc")
    source = str(Path(__file__).with_name("policy.cil"))
    door.output(["secilc", "-o", str(file), "-f", os.devnull, source])


def _symbols(found: Kernel) -> dict[str, int]:
    """Return where the kernel has the functions that cpuid.py stops at, without randomization.

    Debian keeps System.map in its packages for debugging, so a boot asks the kernel itself.
    """
    names = (cpuid.FUNCTION, cpuid.DONE)
    kept = user_cache("lanes") / f"symbols-{found.release}"
    if not kept.exists():
        asked = ["grep", "-E", f" ({'|'.join(names)})$", "/proc/kallsyms"]
        with place() as out:
            prepare(LANES["v2"], found, asked, out)
            line = machine.command_line(found.image, out.parent, "nokaslr")
            machine.run(line, out, deadline=BOOT_SECONDS, quiet=BOOT_SECONDS)
            said = (out / "stdout").read_bytes().decode() if (out / "stdout").exists() else ""
        unfinished = kept.with_name(f".{kept.name}")
        unfinished.write_text(said, encoding="utf-8")
        unfinished.replace(kept)
    rows = re.findall(r"^([0-9a-f]{16}) \w (\w+)$", kept.read_text(encoding="utf-8"), re.MULTILINE)
    symbols = {name: int(address, 16) for address, name in rows}
    if missing := [name for name in names if name not in symbols]:
        kept.unlink()
        raise UsageError(f"Linux {found.release} has no {', '.join(missing)}: no lane with resctrl")
    return symbols
