"""The changes of the reference runtime's source, each with the case files that execute it."""

from __future__ import annotations

import ast
import random
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import remembered
from harness.clauses import mutants
from harness.clauses.__main__ import measure
from tests import mutation
from tools.machine_runs import RUNTIME, reached

if TYPE_CHECKING:
    from pathlib import Path

UNSEEN = {"__init__", "__main__", "install", "op_spec", "op_list", "op_ps", "op_run", "plan"}
"""Modules that no bundle shows."""
HARDWARE = {"resctrl"}
"""Modules that need hardware which this host may lack (its lane has it)."""
RESOURCES = ("close(", "closerange(", ".release_lock(", ".unregister(")
"""A dropped call of these leaves something open until the process ends, or executes a program."""


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
    change: str
    """What tests/machine_survivors.toml calls it."""
    has_twins: bool
    """Whether another change of the module is called the same: each is run before it is read."""

    @property
    def name(self) -> str:
        """Where it is and what it is: stable as long as the module is."""
        return f"{self.module}:{self.point.line}:{self.point.kind}:{self.point.number}"

    @property
    def is_hidden(self) -> bool:
        """Whether no bundle could show it here: it closes nothing, or is about other hardware."""
        closes = any(name in self.point.before for name in RESOURCES)
        return self.module in HARDWARE or (self.point.kind == "drop" and closes)


def tasks(only: list[str], build: Path) -> list[Task]:
    """List all changes of the runtime; ``build`` keeps what executes each block."""
    files = reached(build)
    near = related()
    found = []
    for path in sorted(RUNTIME.glob("*.py")):
        if path.stem in UNSEEN or (only and path.stem not in only):
            continue
        source = path.read_text(encoding="utf-8")
        digest = remembered.digest([ast.dump(ast.parse(source))])
        points = mutation.points(source)
        changes = [_change(path.stem, source, point) for point in points]
        called = Counter(changes)
        for point, change in zip(points, changes, strict=True):
            executed = files.get(f"{path.stem}:{point.block}", [])
            executed = random.Random(path.stem).sample(executed, len(executed))  # noqa: S311
            closeness = near[path.stem] + _named(near, point.before)
            ordered = _ordered(executed, closeness)
            found.append(Task(path.stem, point, ordered, digest, change, called[change] > 1))
    return found


def _change(module: str, source: str, point: mutation.Point) -> str:
    change = f"{module}: {point.before[:200]} -> {point.after[:200]}"
    line = f" in {source.splitlines()[point.line - 1].strip()}"
    return change + line * (point.kind == "constant")


def _ordered(files: list[str], closeness: Counter[str]) -> list[str]:
    # Searches of lifecycles come last: what hangs keeps them busy for minutes.
    return sorted(files, key=lambda file: ("/lifecycle/" in file, -closeness[file]))


def _named(near: dict[str, Counter[str]], text: str) -> Counter[str]:
    """Count the case files of what the changed source names, ten times what is only beside it."""
    found: Counter[str] = Counter()
    for name in near.keys() & set(re.findall(r"\w+", text)):
        found.update({file: 10 * count for file, count in near[name].items()})
    return found
