"""Runs a program in private surroundings and says what it has left there: a program of its own.

``python -m tests.inventory REPORT KEPT PROGRAM...`` gives PROGRAM a mount namespace with an empty
/tmp, /dev/shm and /run/oci-conformance (KEPT, a directory, and this tree stay where they are), a
cgroup of its own in each hierarchy, and becomes the parent of whatever loses its own. REPORT is one
JSON object: status (as of a shell), seconds, peak (KiB of resident memory of the program or of one
of its children), and left: what of processes, mounts, cgroups and files is there now and was not
before.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from harness import cgroups, host, linux, procfs

PRIVATE = ("/tmp", "/dev/shm", "/run/oci-conformance")  # noqa: S108 - the places that are watched
SECONDS = 10.0


def isolate(kept: list[Path]) -> None:
    """Cover the places that everybody may write to; what is kept there stays where it is."""
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
    held = {path: os.open(path, os.O_PATH | os.O_DIRECTORY) for path in kept}
    for place in PRIVATE:
        Path(place).mkdir(parents=True, exist_ok=True)
        linux.mount("tmpfs", place, "tmpfs", data="mode=1777")
    for path, fd in held.items():
        path.mkdir(parents=True, exist_ok=True)
        linux.mount(f"/proc/self/fd/{fd}", str(path), None, linux.MS_BIND)
        os.close(fd)
    linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)


def names(kept: list[Path]) -> set[str]:
    """Name what is in the places that are watched, but for what is kept."""
    found: set[str] = set()
    waiting = list(map(Path, PRIVATE))
    while waiting:
        below = [path for path in waiting.pop().iterdir() if path not in kept]
        found |= set(map(str, below))
        waiting += [path for path in below if path.is_dir() and not path.is_symlink()]
    return found


def mounts() -> set[str]:
    """Name the mounts of this namespace."""
    return set(Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines())


def children() -> list[str]:
    """Describe the processes that have lost their parents to us, but not their lives."""
    for pid in procfs.children(os.getpid()):
        procfs.reap(pid)
    return [procfs.describe(pid) for pid in procfs.descendants()]


def main() -> None:
    """Run the program; write the report."""
    report, own_directory, *program = sys.argv[1:]
    tree = Path(__file__).parents[1]
    kept = [Path(own_directory), tree]
    kept += [] if Path(sys.prefix).is_relative_to(tree) else [Path(sys.prefix)]
    isolate(kept)
    name = f"inventory-{secrets.token_hex(8)}"
    homes = [(h.directory, cgroups.make(h, name)) for h in host.hierarchies()]
    for _, own in homes:
        cgroups.join(own)
    try:
        document = look(program, kept, [own for _, own in homes])
    finally:
        for pid in procfs.descendants():
            os.kill(pid, signal.SIGKILL)
        for home, own in homes:
            cgroups.join(home)
            cgroups.remove(own, SECONDS)
    Path(report).write_text(json.dumps(document), encoding="utf-8")


def look(program: list[str], kept: list[Path], own_cgroups: list[Path]) -> dict[str, Any]:
    """Run the program to its end; what came of it, and what it left behind."""
    before, there = mounts(), names(kept)
    began = time.monotonic()
    # In a group of its own: what ends its group does not end us.
    started = subprocess.Popen(program, process_group=0)
    _, status, usage = os.wait4(started.pid, 0)
    return {
        "status": os.waitstatus_to_exitcode(status),
        "seconds": round(time.monotonic() - began, 3),
        "peak": usage.ru_maxrss,
        "left": {
            "processes": children(),
            "mounts": sorted(mounts() - before),
            "cgroups": [str(p) for own in own_cgroups for p in cgroups.below(own)],
            "files": sorted(names(kept) - there),
        },
    }


if __name__ == "__main__":
    main()
