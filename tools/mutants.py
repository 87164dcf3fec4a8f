"""Prove that the cases can fail: run each mutant of the reference runtime against its clauses.

``python tools/mutants.py [PATTERN...]`` (``make mutants``) ends in a table and the line
``N mutants, N killed, 0 survived``; exit status 1 if one survived. A mutant is killed when each
clause that it names has a case that ends in `fail`. One that says what it `needs`, and whose cases
this host has skipped, was not run here: the last line counts these apart. What was seen before
with the same sources is not run again.

A variant that behaves as an older release wants it (`right`) counts as killed when every clause
that it names has a case that passes, and no case of them does anything else.
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
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import pytest  # noqa: E402

from harness import clauses, remembered  # noqa: E402
from harness.clauses import mutants  # noqa: E402
from harness.clauses.__main__ import measure  # noqa: E402
from harness.results import Verdict  # noqa: E402
from tools import forked  # noqa: E402
from tools.launchers import write_launcher  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.clauses.mutants import Mutant

BUILD = ROOT / "build" / "mutants"
SOURCES = ("harness", "suites", "reference_runtime", "bundle_templates")
DEADLINE = 3  # seconds for one operation: a mutant that hangs is no kill, and costs them
LONGEST = 600.0  # seconds for one mutant; the longest seen took 34


@dataclass(frozen=True)
class Task:
    """One mutant and the cases that have to notice it."""

    mutant: Mutant
    cases: dict[str, list[str]]
    """By clause."""
    spec: str
    digest: str

    def __str__(self) -> str:
        return self.mutant.id


@dataclass
class Kill:
    """What a mutant came to."""

    mutant: str
    clauses: list[str]
    killed_by: dict[str, str] = field(default_factory=dict)
    """A case that failed, by clause."""
    seen: dict[str, str] = field(default_factory=dict)
    """Verdict of each case that ran; for a mutant that survived."""
    needs: str = ""
    right: bool = False
    problem: str = ""
    seconds: float = 0.0
    digest: str = ""

    @property
    def killed(self) -> bool:
        """Whether every clause of it has a case that failed."""
        return not self.problem and set(self.clauses) == set(self.killed_by)

    @property
    def not_run(self) -> bool:
        """Whether this host lacks what it needs, so that no case of it could run."""
        return bool(self.needs) and set(self.seen.values()) == {Verdict.SKIP.value}


def tasks(chosen: Iterable[Mutant], cases: dict[str, list[str]]) -> list[Task]:
    """Find the cases of each mutant; a clause that no case names leaves it without."""
    known = clauses.catalogue()
    everything = _sources()
    found = []
    for one in chosen:
        unknown = [id_ for id_ in one.clauses if id_ not in known]
        if unknown:
            sys.exit(f"tests/mutants/{one.file}.py: {one.name}: no clause {', '.join(unknown)}")
        until = [known[id_].until for id_ in one.clauses if known[id_].until]
        spec = one.spec or min([*until, clauses.RELEASES[-1]], key=clauses.release)
        own = (mutants.DIRECTORY / f"{one.file}.py").read_text(encoding="utf-8")
        digest = remembered.digest([everything, own, one.name, spec])
        own_cases = {id_: _least(cases.get(id_, []), one) for id_ in one.clauses}
        found.append(Task(one, own_cases, spec, digest))
    return found


def _least(cases: list[str], mutant: Mutant) -> list[str]:
    """Leave out the searches of whole lifecycles, but for the mutants that were made for them.

    They name most clauses of runtime.md and take half a minute; a clause has cases of its own.
    """
    short = [case for case in cases if not case.startswith("lifecycle/test_model.py")]
    return cases if mutant.file == "lifecycles" else short or cases


def _sources() -> str:
    paths = sorted(path for part in SOURCES for path in (ROOT / part).rglob("*") if path.is_file())
    named = [p for p in paths if "__pycache__" not in p.parts]
    return remembered.digest(p.read_text(encoding="utf-8", errors="replace") for p in named)


def judge(task: Task) -> Kill:
    """Run the cases of one mutant, in a process forked for it."""
    began = time.monotonic()
    names = list(task.mutant.clauses)
    found = Kill(task.mutant.id, names, digest=task.digest)
    found.needs, found.right = task.mutant.needs, task.mutant.right
    with tempfile.TemporaryDirectory(prefix="mutant-") as scratch:
        launcher = Path(scratch, task.mutant.name)
        write_launcher(launcher, task.mutant)
        said = subprocess.run([launcher, "--version"], capture_output=True, text=True, check=False)
        if said.returncode:
            last = said.stderr.strip().rpartition("\n")[2]
            found.problem = f"cannot be applied: {last}"
        else:
            _run(task, launcher, Path(scratch), found)
    found.seconds = round(time.monotonic() - began, 2)
    return found


class _Watcher:
    """Notes the verdicts as they come, and ends the run when nothing is left to show."""

    def __init__(self, found: Kill) -> None:
        self.found = found
        self.session: pytest.Session | None = None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Learn what to stop."""
        self.session = session

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Look at the case that a teardown has completed."""
        case = getattr(report, "case", None)
        if case is None:
            return
        self.found.seen[case.case] = case.verdict.value
        for id_ in set(case.clauses) & set(self.found.clauses):
            if case.verdict is (Verdict.PASS if self.found.right else _killing(id_)):
                self.found.killed_by.setdefault(id_, case.case)
            elif self.found.right:
                self.found.problem = f"{case.verdict.value}: {case.case}: {case.reason}"
        if self.found.killed and self.session and not self.found.right:
            self.session.shouldstop = "killed"


def _run(task: Task, launcher: Path, scratch: Path, found: Kill) -> None:
    named = dict.fromkeys(str(ROOT / "suites" / case) for of in task.cases.values() for case in of)
    # Last what takes longest: a search of whole lifecycles.
    ids = sorted(named, key=lambda id_: "/lifecycle/" in id_)
    words = [
        *ids, "-q", "--tb=no", "-p", "no:cacheprovider", f"--runtime={launcher}",
        f"--spec-version={task.spec}", "--expectations=none", f"--deadline={DEADLINE}",
        f"--results={scratch / 'results'}", f"--rootdir={ROOT}",
        *(f"--profile={profile}" for profile in clauses.PROFILES),
    ]  # fmt: skip
    output = os.open(scratch / "output", os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    status = pytest.main(words, plugins=[_Watcher(found)])
    if not found.seen:
        said = (scratch / "output").read_text(encoding="utf-8", errors="replace")
        last = said.strip().rpartition("\n")[2]
        found.problem = f"no case ran, exit status {int(status)}: {last}"


def _killing(id_: str) -> Verdict:
    """The verdict that kills: of a clause that is advice, advice."""
    return Verdict.ADVICE if clauses.catalogue()[id_].level == "should" else Verdict.FAIL


def run_all(to_do: Sequence[Task], jobs: int, build: Path) -> list[Kill]:
    """Judge all, in parallel, keeping each as it ends; those known already cost nothing."""
    build.mkdir(parents=True, exist_ok=True)
    journal = build / "seen.jsonl"
    known = _read(journal)
    found = [known[task.digest] for task in to_do if task.digest in known]
    waiting = [task for task in to_do if task.digest not in known]
    # A fresh process for each: pytest and the suite are loaded once, the sandbox is its own.
    with journal.open("a") as file:
        for number, one in enumerate(forked.each(judge, waiting, jobs, LONGEST), 1):
            kill = _lost(one) if isinstance(one, forked.Lost) else one
            found.append(kill)
            if kill.killed:
                file.write(json.dumps(asdict(kill)) + "\n")
                file.flush()
            _progress(number, len(waiting), kill)
    return found


def _lost(one: forked.Lost[Task]) -> Kill:
    mutant = one.task.mutant
    return Kill(mutant.id, list(mutant.clauses), digest=one.task.digest, problem=one.why)


def _read(journal: Path) -> dict[str, Kill]:
    if not journal.exists():
        return {}
    lines = journal.read_text(encoding="utf-8").splitlines()
    kills = [Kill(**json.loads(line)) for line in lines if line.endswith("}")]
    return {kill.digest: kill for kill in kills}


def _progress(number: int, total: int, kill: Kill) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{number}/{total} {kill.mutant}")
        sys.stderr.flush()


def table(kills: Iterable[Kill]) -> str:
    """Print mutant, clause, killed by, seconds; the survivors with what was seen."""
    lines = []
    for kill in sorted(kills, key=lambda one: (one.killed, one.mutant)):
        if kill.not_run:
            lines.append(f"not run  {kill.mutant}: needs {kill.needs}")
            continue
        sign = ("right   " if kill.right else "killed  ") if kill.killed else "SURVIVED"
        lines.append(f"{sign} {kill.mutant}  {kill.seconds:.1f} s")
        lines += [f"    {id_}: {kill.killed_by.get(id_, 'no case fails')}" for id_ in kill.clauses]
        if not kill.killed:
            counts = Counter(kill.seen.values())
            lines += [f"    seen: {dict(counts)} {kill.problem}"]
    return "\n".join(lines) + "\n"


def changed() -> set[str]:
    """Name the files of suites/ and tests/mutants/ that differ from the last commit."""
    words = ["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=all"]
    said = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    return {line[3:] for line in said.splitlines()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the chosen mutants."""
    parser = argparse.ArgumentParser(prog="tools/mutants.py", description=__doc__)
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="of mutants or clauses")
    parser.add_argument("--changed", action="store_true", help="whose case or mutant has changed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at once")
    parser.add_argument("--directory", type=Path, help="of the mutants; default: tests/mutants")
    parser.add_argument("--build", type=Path, default=BUILD, help="where the results go")
    chosen = parser.parse_args(arguments)
    mutants.DIRECTORY = chosen.directory or mutants.DIRECTORY
    sys.dont_write_bytecode = False  # whatever the caller's environment says: a mutant costs 1 s
    files = changed() if chosen.changed else None
    to_do = []
    if files is None or any(name.startswith(("suites/", "tests/mutants/")) for name in files):
        to_do = tasks(_choose(chosen.patterns), measure().tested)
    if files is not None:
        to_do = [task for task in to_do if _touched(task, files)]
    kills = run_all(to_do, chosen.jobs, chosen.build)
    not_run = [kill for kill in kills if kill.not_run]
    survived = [kill for kill in kills if not kill.killed and not kill.not_run]
    sys.stdout.write(table(kills))
    whole = not chosen.patterns and not chosen.changed
    (chosen.build / ("mutants.json" if whole else "partial.json")).write_text(
        json.dumps([asdict(kill) for kill in kills], indent=1)
    )
    killed = len(kills) - len(survived) - len(not_run)
    apart = f", {len(not_run)} not run here" if not_run else ""
    sys.stdout.write(f"{len(kills)} mutants, {killed} killed, {len(survived)} survived{apart}\n")
    return 1 if survived else 0


def _choose(patterns: Sequence[str]) -> list[Mutant]:
    def wanted(one: Mutant) -> bool:
        names = (one.id, one.name, one.file, *one.clauses)
        return any(fnmatch.fnmatchcase(name, p) for name in names for p in patterns)

    return [one for one in mutants.listed() if not patterns or wanted(one)]


def _touched(task: Task, files: set[str]) -> bool:
    of_cases = {f"suites/{case.partition('::')[0]}" for of in task.cases.values() for case in of}
    return bool(files & {*of_cases, f"tests/mutants/{task.mutant.file}.py"})


if __name__ == "__main__":
    raise SystemExit(main())
