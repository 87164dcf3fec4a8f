"""What the whole suite costs on one runtime: ``python tools/whole.py [RUNTIME]``.

Prints the seconds of the collection, of a run in one process and of one in two, their ratio, and
what the harness adds to a case outside of the runtime's operations: of cases that made a container
of their own, beyond what the hand-written loop of `make bench` spends outside of them, and of those
that asked one that others made. One line of JSON last.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from harness import door, results  # noqa: E402
from harness.results import Verdict  # noqa: E402
from tools import bench  # noqa: E402

COLLECTIONS = 5


@dataclass(frozen=True)
class Whole:
    """Seconds, and milliseconds per case."""

    runtime: str
    cases: int
    collection: float
    serial: float
    two: float
    ratio: float
    """Of a run in one process to one in two."""
    loop: float
    """Milliseconds outside of operations, of a turn of the hand-written loop."""
    own: float
    """The same of a case that made a container, beyond the loop: the median."""
    shared: float
    """Milliseconds of a case that made none."""
    peak: float
    """MiB of memory that the run in one process had at most, or one of its children."""


def seconds(*words: str) -> float:
    """Run pytest with these words; its wall time."""
    return run(*words)[0]


def run(*words: str) -> tuple[float, float]:
    """Run pytest with these words; its wall time, and the MiB of memory that it had at most."""
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, _, usage = os.wait4(started.pid, 0)
    return time.monotonic() - began, usage.ru_maxrss / 1024


def measure(runtime: str) -> Whole:
    """Collect a few times, then run the suite in one process and in two."""
    collection = median(seconds("--collect-only") for _ in range(COLLECTIONS))
    chosen = [f"--runtime={runtime}"] if runtime else []
    with tempfile.TemporaryDirectory() as scratch:
        two = seconds(*chosen, "-n2", "--dist=loadscope", f"--results={scratch}/two")
        serial, peak = run(*chosen, "-n0", f"--results={scratch}/one")
        cases = results.read(Path(scratch, "one")).cases
    loop = outside_the_loop(runtime or bench.REFERENCE)
    ran = [case for case in cases if case.verdict is Verdict.PASS]
    own = [case for case in ran if _creates(case)]
    shared = [case for case in ran if not case.runtime_seconds]
    return Whole(
        runtime=runtime or "the reference runtime",
        cases=len(cases),
        collection=round(collection, 2),
        serial=round(serial, 1),
        two=round(two, 1),
        ratio=round(serial / two, 2),
        loop=round(loop, 2),
        own=round(median((case.seconds - case.runtime_seconds) * 1000 for case in own) - loop, 2),
        shared=round(median(case.seconds * 1000 for case in shared), 2),
        peak=round(peak, 1),
    )


def outside_the_loop(path: str) -> float:
    """Milliseconds of a turn that are in no operation, in a process of its own."""
    words = [sys.executable, bench.__file__, "--loop", path]
    return float(json.loads(door.output(words, deadline=300))[1])


def _creates(case: results.Case) -> bool:
    """Whether it took a container through create, and nothing more often than that."""
    names = [operation.name for operation in case.operations]
    return bool(case.runtime_seconds) and names.count("create") == 1


def main() -> int:
    """Measure the given runtime, or crun, or the bundled one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runtime", nargs="?", default=shutil.which("crun") or "")
    found = measure(parser.parse_args().runtime)
    for name, value in asdict(found).items():
        sys.stdout.write(f"{name:12}{value}\n")
    sys.stdout.write(json.dumps(asdict(found)) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
