"""Change the reference runtime's source systematically and see which changes the suite notices.

``python tools/machine_mutants.py [--number N] [--seed S] [--jobs J] [--only MODULE...]`` takes a
random sample of all changes (tests/mutation.py), those first that were drawn before, runs for each
the case files that execute the changed block until the first case fails, and prints the kill rate,
by kind and by module, and the survivors. What was seen before is not run again: here
(build/machine/seen.jsonl) or, ``--keep``, wherever the tree is (tests/machine_seen.jsonl).
Neither is what a person has read and found to be nobody's business (tests/machine_survivors.toml).

A broken runtime does anything. It is run in a process and a mount namespace of its own, in which
the host's files are read-only: no file is changed and no process ended but its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from harness import remembered, results  # noqa: E402
from tests import mutation  # noqa: E402
from tools.machine_runs import RUNTIME, copied, suite  # noqa: E402
from tools.machine_tasks import Task, tasks  # noqa: E402

BUILD = ROOT / "build" / "machine"
SEEN = BUILD / "seen.jsonl"
FIRST = 10
"""So many of the case files are tried first; all of them for a survivor, with --thorough."""
KEPT = ROOT / "tests" / "machine_seen.jsonl"
ADJUDICATED = ROOT / "tests" / "machine_survivors.toml"
NOTICED = tuple(results.Verdict(word) for word in ("fail", "blocked", "error", "advice"))
LONGEST = 900  # seconds for all cases of one mutant

APART = """
set -e
mkdir -p "$BUILD"
mount --bind "$BUILD" "$BUILD"
mount -o remount,bind,ro /
for place in /tmp /var/tmp /run; do mount -t tmpfs -o mode=1777 tmpfs $place; done
mount -t tmpfs -o mode=755 tmpfs "$CACHE"
exec "$@"
"""


@dataclass(frozen=True)
class Seen:
    """What one change came to."""

    mutant: str
    verdict: str
    """fail, advice, blocked (the runtime cannot be brought to any point), survived; error: ours.

    read: nobody need notice it, and it was not run.
    """
    case: str
    """The first that noticed it."""
    files: int
    """How many case files were run."""
    left: int
    """How many more execute the block."""
    seconds: float
    digest: str


def judge(task: Task, seen: Seen | None) -> Seen:
    """Run case files of one change until the first case fails: the first, or all if it was seen."""
    began = time.monotonic()
    files = task.files if seen else task.files[:FIRST]
    with tempfile.TemporaryDirectory(prefix="machine-") as scratch:
        source = (RUNTIME / f"{task.module}.py").read_text(encoding="utf-8")
        changed = mutation.mutated(source, task.point.number)
        launcher = copied(Path(scratch), task.module, changed)
        place = Path(scratch, "results")
        ended = suite(launcher, place, *files, "--maxfail=1", seconds=LONGEST)
        verdict, case = _first(place) if ended else ("blocked", "deadline")
    left = len(task.files) - len(files)
    seconds = round(time.monotonic() - began, 1)
    return Seen(task.name, verdict, case, len(files), left, seconds, task.digest)


def _first(directory: Path) -> tuple[str, str]:
    """Return the verdict that ends the search, and its case."""
    place = directory / "partial" if (directory / "partial").exists() else directory
    if not (place / "results.jsonl").exists():
        return "blocked", "identification"
    cases = results.read(place).cases
    for wanted in NOTICED:
        for case in cases:
            if case.verdict is wanted:
                return wanted.value, case.case
    return "survived", ""


def adjudicated(task: Task) -> str:
    """Why nobody needs to notice it: ``equivalent``, ``outside``, ``host``; empty if somebody does.

    Those that were read by a person stand in tests/machine_survivors.toml.
    """
    return next((why for why, changes in _adjudicated().items() if task.change in changes), "")


@cache
def _adjudicated() -> dict[str, dict[str, str]]:
    return tomllib.loads(ADJUDICATED.read_text(encoding="utf-8"))


def table(seen: list[tuple[Task, Seen]]) -> str:
    """Say how many were noticed, by kind and by module, and list those that were not."""
    by_kind: dict[str, Counter[str]] = defaultdict(Counter)
    by_module: dict[str, Counter[str]] = defaultdict(Counter)
    for task, one in seen:
        by_kind[task.point.kind][one.verdict] += 1
        by_module[task.module][one.verdict] += 1
    lines = []
    for name, counts in [*sorted(by_kind.items()), *sorted(by_module.items())]:
        lines.append(f"{name:24}" + "  ".join(f"{v} {n}" for v, n in sorted(counts.items())))
    for task, one in sorted(seen, key=lambda pair: pair[0].name):
        if one.verdict in {"survived", "error"} and not adjudicated(task):
            before, after = (t.splitlines()[0] for t in (task.point.before, task.point.after))
            lines.append(f"{one.verdict} {task.name}  {before}  ->  {after}")
    counts = Counter(one.verdict for _, one in seen)
    killed = counts["fail"] + counts["blocked"] + counts["advice"]
    unnoticed = {"survived", "read"}
    survivors = [(adjudicated(task), one) for task, one in seen if one.verdict in unnoticed]
    why = Counter(reason for reason, _ in survivors if reason)
    asked = len(seen) - why.total()
    rate = f"{100 * killed / asked:.1f} %" if asked else "none"
    left = sum(1 for reason, one in survivors if one.left and not reason)
    some = f", {left} of them with case files left to try" if left else ""
    lines.append(f"{why.total()} that nobody need notice: {dict(why)}")
    lines.append(f"{len(seen)} mutants, {killed} killed of {asked} ({rate}){some}")
    return "\n".join(lines)


def remembered_here() -> dict[tuple[str, str], Seen]:
    """Return what was seen before, by change and the module that it was made in."""
    texts = [path.read_text(encoding="utf-8") for path in (KEPT, SEEN) if path.exists()]
    seen = (Seen(**json.loads(line)) for line in "".join(texts).splitlines())
    return {(one.mutant, one.digest): one for one in seen}


def seen_of(task: Task, known: dict[tuple[str, str], Seen]) -> Seen | None:
    """Return what was seen of a change before, or that a person has read it."""
    read = Seen(task.name, "read", "", 0, len(task.files), 0, task.digest)
    is_read = adjudicated(task) and not task.has_twins
    return known.get((task.name, task.digest)) or (read if is_read else None)


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def sample(everything: list[Task], known: dict[tuple[str, str], Seen], seed: int) -> list[Task]:
    """Put them in an order by chance, those first of which something is known.

    These were drawn by chance too. A change of the runtime leaves the rest in its order.
    """

    def place(task: Task) -> tuple[bool, str]:
        drawn = remembered.digest([str(seed), task.module, task.point.before, task.point.after])
        return seen_of(task, known) is None, drawn

    return sorted(everything, key=place)


def _with_first(task: Task, first: list[str]) -> Task:
    """Try these case files before the others, where they execute the block."""
    return replace(task, files=sorted(task.files, key=lambda file: file not in first))


def inside(options: argparse.Namespace) -> int:
    """Do the work, in the namespaces."""
    everything = [_with_first(task, options.first) for task in tasks(options.only, BUILD)]
    shown = [task for task in everything if not task.is_hidden]
    executed = [task for task in shown if task.files]
    unreached = len(shown) - len(executed)
    say(f"{len(shown)} changes, {unreached} of them in blocks that no case executes")
    known = remembered_here()
    chosen = sample(executed, known, options.seed)[: options.number]
    before = [(task, seen_of(task, known)) for task in chosen]
    todo: list[tuple[Task, Seen | None]]
    todo = [(task, seen) for task, seen in before if seen is None]
    if options.thorough:
        todo = [
            (task, seen)
            for task, seen in before
            if seen and seen.verdict == "survived" and not adjudicated(task)
        ]
    with ThreadPoolExecutor(options.jobs) as pool, SEEN.open("a") as file:
        under_way = [pool.submit(judge, *pair) for pair in todo]
        for count, done in enumerate(as_completed(under_way), 1):
            one = done.result()
            known[one.mutant, one.digest] = one
            file.write(json.dumps(asdict(one)) + "\n")
            file.flush()
            say(f"{count}/{len(todo)} {one.verdict:9} {one.seconds:6} s  {one.mutant}")
    found = [(task, seen_of(task, known)) for task in chosen]
    say(table([(task, one) for task, one in found if one]))
    return 0


def keep() -> None:
    """Put what was seen here into the tree."""
    lines = sorted(json.dumps(asdict(one)) for one in remembered_here().values())
    KEPT.write_text("".join(f"{text}\n" for text in lines), encoding="utf-8")


def main() -> int:
    """Enter the namespaces and do it there."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--number", type=int, default=500, help="how many changes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[], help="modules")
    parser.add_argument("--first", nargs="*", default=[], help="case files to be tried first")
    parser.add_argument("--thorough", action="store_true", help="all files, for open survivors")
    parser.add_argument("--keep", action="store_true", help=f"write what was seen to {KEPT.name}")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return inside(options)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    BUILD.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "BUILD": str(BUILD), "CACHE": str(cache)}
    apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    words = [*apart, "--propagation=private", "sh", "-c", APART, "sh"]
    words += [sys.executable, __file__, "--inside", *sys.argv[1:]]
    status = subprocess.run(words, env=environment, check=False).returncode
    if options.keep:
        keep()
    return status


if __name__ == "__main__":
    raise SystemExit(main())
