"""What the suite costs beyond a hand-written loop of the same operations, measured in one run.

For each runtime the loop and the suite take turns, so that both meet the same machine. Prints a
table, and one line of JSON last. Milliseconds are
medians of a round, and of these the medians: what the kernel clears meanwhile slows some cases and
some turns, and the difference of two means would be mostly that.

Before that, what create, start, state and delete take of the reference runtime and of runc, in
turns too, and the ratio of their medians: TARGET is hoped for, beyond LIMIT the exit status is 1.
`--ratio` measures this alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from textwrap import dedent

from harness import door, procfs
from harness.session import Session

ROUNDS = 6
CASES = 100
"""Of each kind in a round, and turns of the loop before and after it."""

TARGET, LIMIT = 2.0, 3.0
PAIRS = 25
"""Turns of each of two runtimes, of which the medians are compared."""

REFERENCE = str(Path(sys.executable).with_name("reference-runtime"))

SUITE = """
import pytest
from harness import clause


@clause("runtime.start.runs-program")
@pytest.mark.parametrize("number", range({cases}))
def test_shared(shared, number):
    assert shared("waits").facts["ids"]["uid"] == [0, 0, 0]


@clause("runtime.start.runs-program")
@pytest.mark.parametrize("number", range({cases}))
def test_own(create, number):
    container = create("exits").start().stopped()
    container.delete()
    assert container.facts["ids"]["uid"] == [0, 0, 0]
"""

CONFTEST = """
import json
import time
from pathlib import Path

from harness import options

pytest_plugins = ["harness.plugin"]
options.SUITES = Path(__file__).parent / "suites"
SEEN = []


def pytest_runtest_logstart(nodeid):
    SEEN.append((nodeid, time.time()))


def pytest_runtest_logfinish(nodeid):
    SEEN.append((nodeid, time.time()))


def pytest_unconfigure():
    Path(__file__).with_name("times.json").write_text(json.dumps(SEEN))
"""


@dataclass(frozen=True)
class Measured:
    """Of one runtime; milliseconds per case."""

    runtime: str
    loop: float
    own: float
    own_overhead: float
    """What such a case takes beyond one turn of the loop."""
    own_harness: float
    """The same without the operations of both. A runtime's create waits for what the kernel still
    clears of the container before, and for how long depends on when it comes."""
    shared: float
    start_up: float
    cases_per_second: float
    ratio: float
    """A case with its own container to one turn of the loop."""


def loop(path: str, turns: int) -> tuple[float, float]:
    """Milliseconds for one turn of a loop of create, start, state, delete on a fresh bundle.

    And how many of them are not in an operation.
    """
    session = Session.enter(path, 10.0, "1.0.0")
    try:
        work = session.sandbox.work
        bundle = session.workspace.bundle("exits", {"cgroups_path": "/loop"})
        root = work / "loop-root"
        times, between = [], []
        for _ in range(turns):
            began = time.monotonic()
            operations = _turn(path, root, bundle.path, bundle.nonce)["all"]
            times.append((time.monotonic() - began) * 1000)
            between.append(times[-1] - operations * 1000)
        return median(times), median(between)
    finally:
        session.leave()


def compare(one: str, other: str) -> list[dict[str, float]]:
    """Milliseconds of each operation of two runtimes that take turns: medians."""
    session = Session.enter(one, 10.0, "1.0.0")
    try:
        bundle = session.workspace.bundle("exits", {"cgroups_path": "/loop"})
        turns: list[list[dict[str, float]]] = [[], []]
        for number in range(PAIRS + 1):
            for path, found in zip((one, other), turns, strict=True):
                root = session.sandbox.work / f"{Path(path).name}-root"
                turn = _turn(path, root, bundle.path, bundle.nonce)
                if number:  # the first one fills caches
                    found.append(turn)
    finally:
        session.leave()
    return [
        {name: round(median(turn[name] for turn in found) * 1000, 1) for name in found[0]}
        for found in turns
    ]


def print_ratio() -> bool:
    """Measure the reference runtime against runc in a process of its own; say if it is in time."""
    runc = shutil.which("runc")
    if runc is None:
        sys.stdout.write("reference runtime / runc: not measured, runc is not installed\n")
        return True
    words = [sys.executable, __file__, "--compare", REFERENCE, runc]
    ours, theirs = json.loads(door.output(words, deadline=300))
    for name, times in (("reference runtime", ours), ("runc", theirs)):
        sys.stdout.write(f"{name}: " + ", ".join(f"{op} {ms}" for op, ms in times.items()) + "\n")
    ratio = ours["all"] / theirs["all"]
    sys.stdout.write(
        f"reference runtime / runc: {ratio:.2f} (target {TARGET:g}, limit {LIMIT:g}; "
        f"medians of {PAIRS}, in turns, ms)\n"
    )
    return bool(ratio <= LIMIT)


def _turn(path: str, root: Path, bundle: Path, nonce: str) -> dict[str, float]:
    before = set(procfs.children(os.getpid()))
    rootfs = bundle / "rootfs"
    shutil.rmtree(rootfs / "dev")
    (rootfs / "dev").mkdir()
    out = bundle / "out"
    with out.open("wb") as stream:
        words = ["create", "--bundle", str(bundle), "loop"]
        create = _spawn([path, "--root", str(root), *words], stream.fileno())
    (pid,) = set(procfs.children(os.getpid())) - before
    pidfd = os.pidfd_open(pid)
    start = _spawn([path, "--root", str(root), "start", "loop"], None)
    door.readable(pidfd, 10)
    os.close(pidfd)
    os.waitpid(pid, 0)
    state = _spawn([path, "--root", str(root), "state", "loop"], None)
    delete = _spawn([path, "--root", str(root), "delete", "loop"], None)
    if nonce not in out.read_text():
        raise SystemExit(f"{path}: the program of the loop printed nothing")
    times = {"create": create, "start": start, "state": state, "delete": delete}
    return {**times, "all": sum(times.values())}


def _spawn(words: list[str], stdout: int | None) -> float:
    """Run one operation; return the seconds that it took."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, stdout or null, 1)]
    began = time.monotonic()
    pid = os.posix_spawn(words[0], words, os.environ, file_actions=actions)
    os.close(null)
    _, status = os.waitpid(pid, 0)
    seconds = time.monotonic() - began
    if status:
        raise SystemExit(f"{' '.join(words)}: status {status}")
    return seconds


def suite(path: str, directory: Path) -> tuple[float, float, float, float]:
    """Milliseconds for a case of its own, outside its operations, a case that shares, start-up."""
    began = time.time()
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--runtime={path}",
         "--spec-version=1.0.0", "--expectations=none", f"--results={directory / 'results'}"],
        cwd=directory, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    seen = json.loads((directory / "times.json").read_text())
    own = [at for name, at in seen if "test_own" in name]
    # They come first: the kernel clears namespaces of the others for some time after them. The
    # first of them pays for the container.
    shared = [at for name, at in seen if "test_shared" in name][2:]
    all_own = _each(own)
    operations = [
        line["runtime_seconds"] * 1000
        for line in map(json.loads, (directory / "results" / "results.jsonl").open())
        if "test_own" in line.get("case", "")
    ]
    outside = map(float.__sub__, all_own, operations)
    return median(all_own), median(outside), median(_each(shared)), (seen[0][1] - began) * 1000


def _each(seen: list[float]) -> list[float]:
    """Milliseconds from the beginning of a case to that of the next."""
    return [(later - at) * 1000 for at, later in pairwise(seen[::2])]


def measure(path: str) -> Measured:
    """Let loop and suite take turns on one runtime."""
    loops, owns, harness, shareds, starts = [], [], [], [], []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "suites").mkdir()
        (directory / "suites" / "test_bench.py").write_text(SUITE.format(cases=CASES))
        (directory / "conftest.py").write_text(dedent(CONFTEST))
        (directory / "pytest.ini").write_text(
            "[pytest]\ntestpaths = suites\naddopts = -p no:randomly\n"
            "markers =\n must:\n should:\n may:\n"
        )
        for _ in range(ROUNDS):
            # In a process of its own, as the sandbox stays around the process that enters it.
            words = [sys.executable, __file__, "--loop", path]
            before = json.loads(door.output(words, deadline=300))
            own, outside, shared, start = suite(path, directory)
            after = json.loads(door.output(words, deadline=300))
            turn, between = map(mean, zip(before, after, strict=True))
            loops.append(turn)
            owns.append(own)
            harness.append(outside - between)
            shareds.append(shared)
            starts.append(start)
    return Measured(
        runtime=path,
        loop=round(median(loops), 2),
        own=round(median(owns), 2),
        own_overhead=round(median(map(float.__sub__, owns, loops)), 2),
        own_harness=round(median(harness), 2),
        shared=round(median(shareds), 2),
        start_up=round(median(starts), 1),
        cases_per_second=round(1000 / median(owns), 1),
        ratio=round(median(map(float.__truediv__, owns, loops)), 3),
    )


def main() -> int:
    """Measure the given runtimes, or those that are installed."""
    if sys.argv[1:2] == ["--loop"]:
        sys.stdout.write(json.dumps(loop(sys.argv[2], CASES // 2)) + "\n")
        return 0
    if sys.argv[1:2] == ["--compare"]:
        sys.stdout.write(json.dumps(compare(*sys.argv[2:4])) + "\n")
        return 0
    in_time = print_ratio()
    if sys.argv[1:2] == ["--ratio"]:
        return 0 if in_time else 1
    given = sys.argv[1:] or [p for p in map(shutil.which, ("runc", "crun")) if p]
    if not given:
        raise SystemExit("no runtime to measure: make deps, or make bench RUNTIME=PATH")
    # A process of its own: a browser is no part of what is measured here.
    report = Path(__file__).with_name("bench_report.py")
    said = door.tool([sys.executable, str(report)], deadline=120)
    sys.stdout.write(said.stdout)
    in_time = in_time and said.exit_status == 0
    found = []
    for path in given:
        found.append(asdict(measure(path)))
        sys.stdout.write(f"{found[-1]}\n")
    sys.stdout.write(json.dumps(found) + "\n")
    return 0 if in_time else 1


if __name__ == "__main__":
    raise SystemExit(main())
