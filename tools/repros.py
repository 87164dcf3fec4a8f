"""Run the repro.sh of a case that each mutant fails, and see the same deviation without the suite.

``python tools/repros.py [PATTERN...]`` takes mutants by file, name or clause (default: all). The
script has to show the deviation on the mutant and none on the reference runtime, or to say what a
shell has not got. It ends in the line ``N mutants: N shown, N beyond a shell, N not run here, 0
wrong``; exit status 1 if one is wrong. What was right is not run again (build/repros/seen.jsonl)
until its mutant's file or what writes the scripts is another, or with ``--afresh``.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from harness import door, options, remembered  # noqa: E402
from harness.clauses import PROFILES, RELEASES, mutants  # noqa: E402
from harness.clauses.__main__ import measure  # noqa: E402
from harness.sandbox import Sandbox  # noqa: E402
from tools import forked  # noqa: E402
from tools.launchers import write_launcher  # noqa: E402
from tools.mutants import DEADLINE, Task, tasks  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

SEEN, NOT_SEEN, CANNOT_TELL, USAGE = 0, 1, 2, 4
"""Exit statuses of repro.sh."""
BUILD = ROOT / "build" / "repros"
SCRIPTS = [ROOT / "reports" / name for name in ("script.py", "repro.py", "static/repro.sh")]
LONGEST = 300.0  # seconds of one run of the suite, and of one script
RUNS = 3
"""Of a script that shows no deviation: some mutants race, and now and then by chance they win."""


@dataclass(frozen=True)
class Shown:
    """What the script of one mutant came to."""

    mutant: str
    verdict: str
    """shown, beyond, not-run (no case of it fails on this host), wrong."""
    said: str
    """Last line of the script, or why there is none."""
    seconds: float
    key: str


def key(task: Task) -> str:
    """What an outcome holds for."""
    own = mutants.DIRECTORY / f"{task.mutant.file}.py"
    texts = [path.read_text(encoding="utf-8") for path in (own, *SCRIPTS)]
    return remembered.digest([*texts, task.mutant.name, task.spec])


def evidence(task: Task, directory: Path) -> Path | None:
    """Run the cases of a mutant up to the first that fails; return the script, None if none does.

    The mutant is ``directory`` / its name.
    """
    launcher = directory / task.mutant.name
    write_launcher(launcher, task.mutant)
    cases = dict.fromkeys(case for of_clause in task.cases.values() for case in of_clause)
    # Of whole lifecycles the script is another one: it shows the sequence that was found.
    chosen = [case for case in cases if not case.startswith("lifecycle/")] or list(cases)
    words = [
        sys.executable, "-m", "pytest", *(str(ROOT / "suites" / case) for case in chosen),
        "-x", "-q", "--tb=no", "-p", "no:cacheprovider", f"--runtime={launcher}",
        f"--spec-version={task.spec}", "--expectations=none", f"--deadline={DEADLINE}",
        f"--results={directory / 'results'}", f"--rootdir={ROOT}",
        *(f"--profile={profile}" for profile in PROFILES),
    ]  # fmt: skip
    door.tool(words, LONGEST)
    found = sorted((directory / "results" / "partial" / "evidence").glob("*/repro.sh"))
    return found[0] if found else None


def run(script: Path, runtime: Path) -> tuple[int, str]:
    """Run a script in a sandbox, in which nothing stays; return its exit status and what it says.

    TMPDIR is where every user may walk.
    """
    output = script.with_name("said")

    def inside() -> int:
        sandbox = Sandbox.enter()
        with output.open("wb") as file:
            done = subprocess.run(
                ["sh", script, runtime],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ["PATH"], "TMPDIR": "/tmp"},  # noqa: S108 - it makes its own in it
                timeout=LONGEST,
                check=False,
            )
        left = sandbox.leave()
        return 200 if left else done.returncode

    pid = door.fork(inside)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status, output.read_text(encoding="utf-8", errors="replace")


def run_again(script: Path, runtime: Path) -> tuple[int, str]:
    """Run a script, and again while it shows no deviation, RUNS times at most."""
    for _ in range(RUNS):
        status, text = run(script, runtime)
        if status != NOT_SEEN:
            break
    return status, text


def judge(task: Task) -> Shown:
    """See what the script of one mutant shows, of it and of the reference runtime."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="repro-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        script = evidence(task, directory)
        verdict, said = "not-run", "no case of it fails here"
        if script is not None:
            launcher = directory / task.mutant.name
            verdict, said = _look(script, launcher, older=task.spec != RELEASES[-1])
    seconds = round(time.monotonic() - began, 1)
    return Shown(task.mutant.id, verdict, said, seconds, key(task))


def _look(script: Path, launcher: Path, *, older: bool) -> tuple[str, str]:
    """``older``: by a release that the reference runtime, a newer one, deviates from as well."""
    status, text = run_again(script, launcher)
    said = text.rstrip().rpartition("\n")[2]
    if status == CANNOT_TELL:
        return "beyond", said
    if status != SEEN:
        return "wrong", f"on the mutant, status {status}: {said}"
    status, text = run(script, options.bundled_runtime())
    if status != NOT_SEEN and not (older and status == SEEN):
        last = text.rstrip().rpartition("\n")[2]
        return "wrong", f"on the reference runtime, status {status}: {last}"
    return "shown", said


def lost(one: forked.Lost[Task]) -> Shown:
    """Say of a mutant that nothing came of it."""
    return Shown(one.task.mutant.id, "wrong", one.why, 0.0, key(one.task))


def seen_before() -> dict[str, Shown]:
    """Return what was seen, by what it holds for; what was wrong is run again."""
    path = BUILD / "seen.jsonl"
    found = {}
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        with suppress(ValueError, TypeError):  # a line that was cut off
            one = Shown(**json.loads(text))
            if one.verdict != "wrong":
                found[one.key] = one
    return found


def chosen(patterns: Sequence[str]) -> list[Task]:
    """Find the mutants; those that are right, and of which no case fails, are left out."""
    found = []
    for one in mutants.listed():
        names = (one.id, one.name, one.file, *one.clauses)
        wanted = any(fnmatch.fnmatchcase(name, p) for name in names for p in patterns)
        if not one.right and (wanted or not patterns):
            found.append(one)
    return tasks(found, measure().tested)


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the scripts."""
    parser = argparse.ArgumentParser(prog="tools/repros.py", description=__doc__)
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="of mutants or clauses")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at once")
    parser.add_argument("--afresh", action="store_true", help="also what was right before")
    given = parser.parse_args(arguments)
    to_do = chosen(given.patterns)
    BUILD.mkdir(parents=True, exist_ok=True)
    before = {} if given.afresh else seen_before()
    found = [before[key(task)] for task in to_do if key(task) in before]
    to_do = [task for task in to_do if key(task) not in before]
    with (BUILD / "seen.jsonl").open("a", encoding="utf-8") as file:
        outcomes = forked.each(judge, to_do, given.jobs, 5 * LONGEST)
        for count, outcome in enumerate(outcomes, 1):
            one = lost(outcome) if isinstance(outcome, forked.Lost) else outcome
            found.append(one)
            file.write(json.dumps(asdict(one)) + "\n")
            file.flush()
            progress = f"{count}/{len(to_do)} {one.verdict:7} {one.seconds:5.1f} s  {one.mutant}"
            sys.stdout.write(progress + (f": {one.said}\n" if one.verdict == "wrong" else "\n"))
            sys.stdout.flush()
    counts = Counter(one.verdict for one in found)
    sys.stdout.write(
        f"{len(found)} mutants: {counts['shown']} shown, {counts['beyond']} beyond a shell, "
        f"{counts['not-run']} not run here, {counts['wrong']} wrong\n"
    )
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
