"""See that a mutant fails on what it breaks, and on nothing else.

``python tools/precision.py [--number N] [--share K] [PATTERN...]`` takes mutants from every file of
tests/mutants in turn, runs the whole suite on each (with ``--share K`` every Kth case of it,
another Kth for each mutant), and lists the cases that fail though none of their clauses is among
those of the mutant or of its ``also``. Exit status 1 if there is one, or if a case ends in `error`.
A mutant that held is not run again until it is made otherwise, or with ``--afresh``: the whole
takes hours of one processor. Neither is one whose ``also`` now says it all. What was seen here
stands in build/precision/seen.jsonl; ``--keep`` puts what held into tests/precision.jsonl.
"""

from __future__ import annotations

import argparse
import fnmatch
import itertools
import json
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import pytest  # noqa: E402

from harness import clauses, remembered  # noqa: E402
from harness.clauses import mutants  # noqa: E402
from harness.results import Verdict  # noqa: E402
from tools import forked  # noqa: E402
from tools.launchers import alone, write_launcher  # noqa: E402
from tools.mutants import DEADLINE, tasks  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.clauses.mutants import Mutant

BUILD = ROOT / "build" / "precision"
SEEN = BUILD / "seen.jsonl"
KEPT = ROOT / "tests" / "precision.jsonl"
"""What held on some machine, one mutant a line."""
LONGEST = 3600.0
"""Seconds for one mutant and the whole suite; for a share of the cases they are fewer."""
FAILED = {Verdict.FAIL, Verdict.ADVICE}


@dataclass(frozen=True)
class Task:
    """One mutant, and which of every ``share`` cases are run on it."""

    mutant: Mutant
    spec: str
    share: int
    first: int
    suites: str

    def __str__(self) -> str:
        return self.mutant.id

    @property
    def key(self) -> str:
        """What its outcome holds for: how the mutant is made, and the cases that it met."""
        return remembered.digest([f"{self.share} {self.suites}", alone(self.mutant)])


@dataclass
class Spread:
    """What the suite said of one mutant."""

    mutant: str
    clauses: list[str]
    """Those that it breaks, and its ``also``."""
    verdicts: dict[str, int] = field(default_factory=dict)
    own: int = 0
    """How many cases failed on what it breaks."""
    strays: dict[str, list[str]] = field(default_factory=dict)
    """Clauses of the cases that failed on something else, by case."""
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    key: str = ""

    @property
    def held(self) -> bool:
        """Whether it failed on what it breaks and on nothing else."""
        return not (self.strays or self.errors)


def sample(number: int, seed: int, patterns: Sequence[str]) -> list[Mutant]:
    """Take mutants from each file in turn, so that all sections are in it.

    None of those that only whole lifecycles show, which are not run here.
    """
    by_file: dict[str, list[Mutant]] = defaultdict(list)
    for one in mutants.listed():
        names = (one.id, one.name, one.file, *one.clauses)
        if not (one.needs or one.right or one.file.startswith("lifecycles")) and (
            not patterns or any(fnmatch.fnmatchcase(n, p) for n in names for p in patterns)
        ):
            by_file[one.file].append(one)

    def place(name: str) -> str:  # stays what it is when others are added
        return remembered.digest([str(seed), name])

    files = (
        sorted(by_file[file], key=lambda one: place(one.id)) for file in sorted(by_file, key=place)
    )
    turns = itertools.zip_longest(*files)
    return [one for turn in turns for one in turn if one][:number]


def implied(mutant: Mutant, of_case: Sequence[str]) -> bool:
    """Whether a case of these clauses may fail on it."""
    return any(fnmatch.fnmatchcase(id_, known) for id_ in of_case for known in mutant.implied)


def superseded(of_case: Sequence[str]) -> bool:
    """Whether a later release has turned a clause of these round: the reference runtime fails it.

    The mutants of an older release are judged by that.
    """
    newest = clauses.RELEASES[-1]
    return any(not clauses.catalogue()[id_].applies(newest) for id_ in of_case)


class _Watcher:
    """Takes a share of the cases, and their verdicts as they come."""

    def __init__(self, task: Task, found: Spread) -> None:
        self.task = task
        self.found = found
        self.counts: Counter[str] = Counter()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep every so many."""
        items[:] = items[self.task.first :: self.task.share]

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Look at the case that a teardown has completed."""
        case = getattr(report, "case", None)
        if case is None:
            return
        self.counts[case.verdict.value] += 1
        if case.verdict is Verdict.ERROR:
            self.found.errors.append(f"{case.case}: {case.reason}")
        elif case.verdict in FAILED and implied(self.task.mutant, case.clauses):
            self.found.own += 1
        elif case.verdict is Verdict.FAIL and not superseded(case.clauses):
            self.found.strays[case.case] = [*case.clauses, case.reason[:200]]


def judge(task: Task) -> Spread:
    """Run the suite on one mutant, in a process forked for it."""
    began = time.monotonic()
    found = Spread(task.mutant.id, list(task.mutant.implied), key=task.key)
    watcher = _Watcher(task, found)
    with tempfile.TemporaryDirectory(prefix="precision-") as scratch:
        launcher = Path(scratch, task.mutant.name)
        write_launcher(launcher, task.mutant)
        words = [
            str(ROOT / task.suites), "-q", "--tb=no", "-p", "no:cacheprovider",
            f"--runtime={launcher}", f"--spec-version={task.spec}", "--expectations=none",
            f"--deadline={DEADLINE}", f"--results={scratch}/results", f"--rootdir={ROOT}",
            "--profile=core", "--profile=linux",
            *["--profile=engine"] * task.mutant.file.startswith("engine_"),
            # A search ends at the first deviation that it meets, which may be a consequence.
            f"--ignore={ROOT}/suites/lifecycle",
        ]  # fmt: skip
        output = os.open(Path(scratch, "output"), os.O_WRONLY | os.O_CREAT)
        os.dup2(output, 1)
        os.dup2(output, 2)
        status = int(pytest.main(words, plugins=[watcher]))
        if status not in (0, 1):
            said = Path(scratch, "output").read_text(errors="replace").strip()
            found.errors.append(f"exit status {status}: {said.rpartition(chr(10))[2]}")
    found.verdicts = dict(watcher.counts)
    found.seconds = round(time.monotonic() - began, 1)
    return found


def lost(one: forked.Lost[Task]) -> Spread:
    """Say of a mutant that nothing came of it."""
    mutant = one.task.mutant
    return Spread(mutant.id, list(mutant.implied), errors=[one.why], key=one.task.key)


def seen(to_do: Iterable[Task]) -> dict[str, Spread]:
    """Return the mutants of these that have held before, by what that holds for."""
    known = {task.key: task.mutant for task in to_do}
    found = {}
    files = (path.read_text(encoding="utf-8") for path in (KEPT, SEEN) if path.exists())
    for text in "".join(files).splitlines():
        with suppress(ValueError, TypeError):  # a line that was cut off
            one = Spread(**json.loads(text))
            if one.key in known and set(one.clauses) <= set(known[one.key].implied):
                _argued(one, known[one.key])
                found[one.key] = one
    return {key: one for key, one in found.items() if one.held}


def _argued(found: Spread, mutant: Mutant) -> None:
    """Count what the mutant says by now as its own."""
    for case, (*of_case, _) in list(found.strays.items()):
        is_own = implied(mutant, of_case)
        if is_own or superseded(of_case):
            del found.strays[case]
            found.own += is_own
    found.clauses = list(mutant.implied)


def line(found: Spread) -> str:
    """One line for a mutant, and one for each case that should not have failed."""
    sign = "ok    " if found.held else "strays"
    text = f"{sign} {found.mutant}: {found.own} of its own fail, {found.seconds:.0f} s"
    text += "".join(f"\n    {case}: {', '.join(said)}" for case, said in found.strays.items())
    return text + "".join(f"\n    error: {said}" for said in found.errors)


def keep(found: Iterable[Spread]) -> None:
    """Write down what has held, for other machines."""
    lines = sorted(json.dumps(asdict(one)) for one in found if one.held)
    KEPT.write_text("".join(f"{text}\n" for text in lines), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the sample."""
    parser = argparse.ArgumentParser(prog="tools/precision.py", description=__doc__)
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="of mutants or clauses")
    parser.add_argument("--number", type=int, default=60, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=int, default=1, metavar="K", help="every Kth case only")
    parser.add_argument("--suites", default="suites", metavar="DIR", help="less than the whole")
    parser.add_argument("--directory", type=Path, help="of the mutants; default: tests/mutants")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at once")
    parser.add_argument("--keep", action="store_true", help=f"write what held to {KEPT.name}")
    parser.add_argument("--afresh", action="store_true", help="also what has held before")
    chosen = parser.parse_args(arguments)
    mutants.DIRECTORY = chosen.directory or mutants.DIRECTORY
    to_do = [
        Task(one.mutant, one.spec, chosen.share, number % chosen.share, chosen.suites)
        for number, one in enumerate(tasks(sample(chosen.number, chosen.seed, chosen.patterns), {}))
    ]
    BUILD.mkdir(parents=True, exist_ok=True)
    clauses.catalogue()
    before = {} if chosen.afresh else seen(to_do)
    found = [*before.values()]
    if found:
        sys.stdout.write(f"{len(found)} of {len(to_do)} have held before\n")
    to_do = [task for task in to_do if task.key not in before]
    for outcome in forked.each(judge, to_do, chosen.jobs, LONGEST / chosen.share**0.5):
        spread = lost(outcome) if isinstance(outcome, forked.Lost) else outcome
        found.append(spread)
        with SEEN.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(spread)) + "\n")
        sys.stdout.write(line(spread) + "\n")
        sys.stdout.flush()
    (BUILD / "precision.json").write_text(json.dumps([asdict(one) for one in found], indent=1))
    if chosen.keep:
        keep(found)
    wrong = [one for one in found if not one.held]
    sys.stdout.write(f"{len(found)} mutants, {len(wrong)} of them fail beyond what they break\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
