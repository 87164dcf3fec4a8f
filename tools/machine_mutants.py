"""Change the reference runtime's source systematically and see which changes the suite notices.

``python tools/machine_mutants.py [--number N] [--seed S] [--jobs J] [--only MODULE...]`` takes a
random sample of all changes (tests/mutation.py), the same for the same seed, runs for each the case
files that execute the changed block until the first case fails, and prints the kill rate, by kind
and by module, and the survivors. What was seen before is not run again (build/machine/seen.jsonl).

A broken runtime does anything. It is run in a process and a mount namespace of its own, in which
the host's files are read-only: no file is changed and no process ended but its own.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from harness import remembered, results  # noqa: E402
from harness.clauses import mutants  # noqa: E402
from harness.clauses.__main__ import measure  # noqa: E402
from tests import mutation  # noqa: E402

RUNTIME = ROOT / "reference_runtime"
BUILD = ROOT / "build" / "machine"
UNSEEN = {"__init__", "__main__", "install", "op_spec", "op_list", "op_ps", "op_run", "plan"}
"""Modules that no bundle shows."""
HARDWARE = {"resctrl"}
"""Modules that need hardware which this host may lack (its lane has it)."""
FIRST = 10
"""So many of the case files are tried first; all of them for a survivor, with --thorough."""
ADJUDICATED = ROOT / "tests" / "machine_survivors.toml"
RESOURCES = ("close(", "closerange(", ".release_lock(", ".unregister(")
"""A dropped call of these leaves something open until the process ends, or executes a program."""
NOTICED = tuple(results.Verdict(word) for word in ("fail", "blocked", "error", "advice"))
DEADLINE = 3  # seconds for one operation
LONGEST = 900  # seconds for all cases of one mutant

LAUNCHER = """\
#!{interpreter} -IS
import sys
sys.path.insert(0, {directory!r})
from reference_runtime import cli
cli.main()
"""

MARKS = """
import os
_seen = set()
def {mark}(block):
    if block in _seen:
        return
    _seen.add(block)
    for _ in range(2):
        try:
            os.write(1000, block.encode() + b"\\n")
            return
        except OSError:  # the runtime closes what it was started with
            try:
                fd = os.open({path!r}, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
                os.dup2(fd, 1000, False)
                os.close(fd)
            except OSError:  # behind pivot_root without one
                return
"""

PLUGIN = """
import os
def pytest_runtest_logstart(nodeid):
    with open({path!r}, "a") as marks:
        print("=" + nodeid.partition("::")[0], file=marks)
"""

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
    kind: str
    before: str
    after: str
    verdict: str
    """fail, advice, blocked (the runtime cannot be brought to any point), survived; error: ours."""
    case: str
    """The first that noticed it."""
    files: int
    """How many case files were run."""
    left: int
    """How many more execute the block."""
    seconds: float
    digest: str


def copied(directory: Path, module: str = "", source: str = "") -> Path:
    """Copy the runtime with one module changed; returns its launcher."""
    shutil.copytree(RUNTIME, directory / "reference_runtime", dirs_exist_ok=True)
    if module:
        (directory / "reference_runtime" / f"{module}.py").write_text(source, encoding="utf-8")
    launcher = directory / "runtime"
    interpreter = os.path.realpath(sys.executable)
    launcher.write_text(LAUNCHER.format(interpreter=interpreter, directory=str(directory)))
    launcher.chmod(0o755)
    directory.chmod(0o755)
    return launcher


def suite(launcher: Path, directory: Path, *words: str, seconds: float) -> bool:
    """Run the suite on it, one pytest; returns whether it came to its end."""
    command = [sys.executable, "-m", "pytest", f"--runtime={launcher}", f"--results={directory}"]
    command += ["--spec-version=1.3.0", "--expectations=none", "-q", "--tb=no", f"--rootdir={ROOT}"]
    command += ["-p", "no:cacheprovider", f"--deadline={DEADLINE}", *words]
    try:
        subprocess.run(
            command,
            cwd=ROOT,
            check=False,
            capture_output=True,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return False
    return True


def reached() -> dict[str, list[str]]:
    """Find out which case files execute each block, by one run of the suite; quick files first."""
    digest = remembered.digest([_texts(RUNTIME), _texts(ROOT / "suites"), _texts(ROOT / "harness")])
    kept = BUILD / f"reached-{digest[:16]}.json"
    if kept.exists():
        found: dict[str, list[str]] = json.loads(kept.read_text())
        return found
    with tempfile.TemporaryDirectory(prefix="marked-") as scratch:
        directory = Path(scratch)
        marks = directory / "marks"
        marks.touch()
        marks.chmod(0o666)
        launcher = copied(directory)
        statement = f"from reference_runtime.marks import {mutation.MARK}"
        for path in (directory / "reference_runtime").glob("*.py"):
            path.write_text(mutation.marked(path.read_text(), path.stem, statement))
        (directory / "reference_runtime/marks.py").write_text(
            MARKS.format(path=str(marks), mark=mutation.MARK)
        )
        (directory / "marking.py").write_text(PLUGIN.format(path=str(marks)))
        os.environ["PYTHONPATH"] = scratch
        suite(launcher, directory / "results", "-p", "marking", "suites", seconds=3600)
        del os.environ["PYTHONPATH"]
        found = _by_block(marks.read_text(errors="replace"))
    kept.write_text(json.dumps(found))
    return found


def _by_block(text: str) -> dict[str, list[str]]:
    files: dict[str, set[str]] = defaultdict(set)
    lines: Counter[str] = Counter()
    current = ""
    for line in text.splitlines():
        if line.startswith("="):
            current = line[1:]
        elif current:
            files[line].add(current)
            lines[current] += 1
    return {block: sorted(found, key=lambda file: lines[file]) for block, found in files.items()}


def _texts(directory: Path) -> str:
    return remembered.digest(path.read_text() for path in sorted(directory.rglob("*.py")))


def related() -> dict[str, Counter[str]]:
    """Count for each module the case files of the clauses that hand-made mutants break in it."""
    cases = measure().tested
    clauses = {mutant.id: mutant.clauses for mutant in mutants.listed()}
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for path in mutants.DIRECTORY.glob("*.py"):
        for function in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(function, ast.FunctionDef):
                continue
            names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
            for id_ in clauses.get(f"{path.stem}.{function.name}", ()):
                files = {f"suites/{case.partition('::')[0]}" for case in cases.get(id_, [])}
                for name in names:
                    found[name].update(files)
    return found


@dataclass(frozen=True)
class Task:
    """One change, and the case files that execute it."""

    module: str
    point: mutation.Point
    files: list[str]
    """Those first whose clauses hand-made mutants of the module break."""
    digest: str

    @property
    def name(self) -> str:
        """Where it is and what it is: stable as long as the module is."""
        return f"{self.module}:{self.point.line}:{self.point.kind}:{self.point.number}"

    @property
    def is_hidden(self) -> bool:
        """Whether no bundle could show it here: it closes nothing, or is about other hardware."""
        closes = any(name in self.point.before for name in RESOURCES)
        return self.module in HARDWARE or (self.point.kind == "drop" and closes)


def tasks(only: list[str]) -> list[Task]:
    """List all changes of the runtime."""
    files = reached()
    near = related()
    found = []
    for path in sorted(RUNTIME.glob("*.py")):
        if path.stem in UNSEEN or (only and path.stem not in only):
            continue
        source = path.read_text(encoding="utf-8")
        digest = remembered.digest([ast.dump(ast.parse(source))])
        for point in mutation.points(source):
            executed = files.get(f"{path.stem}:{point.block}", [])
            executed = random.Random(path.stem).sample(executed, len(executed))  # noqa: S311
            executed.sort(key=lambda file: -near[path.stem][file])
            found.append(Task(path.stem, point, executed, digest))
    return found


def judge(task: Task, seen: Seen | None) -> Seen:
    """Run case files of one change until the first case fails: the first, or all if it was seen."""
    began = time.monotonic()
    files = [*task.files[FIRST:], *task.files[:FIRST]] if seen else task.files[:FIRST]
    with tempfile.TemporaryDirectory(prefix="machine-") as scratch:
        source = (RUNTIME / f"{task.module}.py").read_text(encoding="utf-8")
        changed = mutation.mutated(source, task.point.number)
        launcher = copied(Path(scratch), task.module, changed)
        place = Path(scratch, "results")
        ended = suite(launcher, place, *files, "--maxfail=1", seconds=LONGEST)
        verdict, case = _first(place) if ended else ("blocked", "deadline")
    point = task.point
    return Seen(
        task.name, point.kind, point.before[:200], point.after[:200], verdict, case,
        len(files), len(task.files) - len(files),
        round(time.monotonic() - began, 1), task.digest,
    )  # fmt: skip


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


def adjudicated(one: Seen) -> str:
    """Why nobody needs to notice it: ``equivalent``, ``outside``, ``host``; empty if somebody does.

    Those that were read by a person stand in tests/machine_survivors.toml.
    """
    module, line, *_ = one.mutant.split(":")
    change = f"{module}: {one.before} -> {one.after}"
    if one.kind == "constant":
        source = (RUNTIME / f"{module}.py").read_text(encoding="utf-8").splitlines()
        change += f" in {source[int(line) - 1].strip()}"
    found = tomllib.loads(ADJUDICATED.read_text(encoding="utf-8"))
    return next((why for why, changes in found.items() if change in changes), "")


def table(seen: list[Seen]) -> str:
    """Say how many were noticed, by kind and by module, and list those that were not."""
    by_kind: dict[str, Counter[str]] = defaultdict(Counter)
    by_module: dict[str, Counter[str]] = defaultdict(Counter)
    for one in seen:
        by_kind[one.kind][one.verdict] += 1
        by_module[one.mutant.partition(":")[0]][one.verdict] += 1
    lines = []
    for name, counts in [*sorted(by_kind.items()), *sorted(by_module.items())]:
        lines.append(f"{name:24}" + "  ".join(f"{v} {n}" for v, n in sorted(counts.items())))
    for one in sorted(seen, key=lambda one: one.mutant):
        if one.verdict in {"survived", "error"} and not adjudicated(one):
            change = f"{one.before.splitlines()[0]}  ->  {one.after.splitlines()[0]}"
            lines.append(f"{one.verdict} {one.mutant}  {change}")
    counts = Counter(one.verdict for one in seen)
    killed = counts["fail"] + counts["blocked"] + counts["advice"]
    survivors = [one for one in seen if one.verdict == "survived"]
    why = Counter(filter(None, map(adjudicated, survivors)))
    asked = len(seen) - why.total()
    rate = f"{100 * killed / asked:.1f} %" if asked else "none"
    left = sum(1 for one in survivors if one.left and not adjudicated(one))
    some = f", {left} of them with case files left to try" if left else ""
    lines.append(f"{why.total()} that nobody need notice: {dict(why)}")
    lines.append(f"{len(seen)} mutants, {killed} killed of {asked} ({rate}){some}")
    return "\n".join(lines)


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def inside(options: argparse.Namespace) -> int:
    """Do the work, in the namespaces."""
    everything = tasks(options.only)
    random.Random(options.seed).shuffle(everything)  # noqa: S311 - a sample, no secret
    shown = [task for task in everything if not task.is_hidden]
    executed = [task for task in shown if task.files]
    unreached = len(shown) - len(executed)
    say(f"{len(shown)} changes, {unreached} of them in blocks that no case executes")
    chosen = executed[: options.number]
    kept = BUILD / "seen.jsonl"
    lines = kept.read_text().splitlines() if kept.exists() else []
    known = {(s.mutant, s.digest): s for s in (Seen(**json.loads(line)) for line in lines)}
    before = [(task, known.get((task.name, task.digest))) for task in chosen]
    todo: list[tuple[Task, Seen | None]]
    todo = [(task, seen) for task, seen in before if seen is None]
    if options.thorough:
        todo = [
            (task, seen)
            for task, seen in before
            if seen and seen.verdict == "survived" and not adjudicated(seen)
        ]
    with ThreadPoolExecutor(options.jobs) as pool, kept.open("a") as file:
        for count, one in enumerate(pool.map(lambda pair: judge(*pair), todo), 1):
            known[one.mutant, one.digest] = one
            file.write(json.dumps(asdict(one)) + "\n")
            file.flush()
            say(f"{count}/{len(todo)} {one.verdict:9} {one.seconds:6} s  {one.mutant}")
    found = (known.get((task.name, task.digest)) for task in chosen)
    say(table([one for one in found if one]))
    return 0


def main() -> int:
    """Enter the namespaces and do it there."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--number", type=int, default=500, help="how many changes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[], help="modules")
    parser.add_argument("--thorough", action="store_true", help="all files, for open survivors")
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
    return subprocess.run(words, env=environment, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
