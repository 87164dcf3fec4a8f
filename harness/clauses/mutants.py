"""The mutants of the reference runtime, as tests/mutants/ lists them; none is run here.

They are read from the source: what a mutant imports is the runtime's, and stays out of here.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.faults import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Iterator

DIRECTORY = Path(__file__).parents[2] / "tests" / "mutants"
"""Of the clone; what is installed from a wheel has none."""


@dataclass(frozen=True)
class Mutant:
    """The reference runtime broken in one way."""

    file: str
    """Its module: ``runtime_kill``."""
    name: str
    """Its function: ``signals_are_swallowed``."""
    summary: str
    clauses: tuple[str, ...]
    """Which it violates; a case of each has to fail."""
    also: tuple[str, ...] = ()
    """Clauses, or patterns of them, that may fail with these."""
    spec: str = ""
    """Release that it is judged by; empty for the last one in which its clauses stand."""
    needs: str = ""
    """What a host must have for its cases to run; empty if any will do."""
    right: bool = False
    """Behaves as an older release wants it: its cases have to pass."""

    @property
    def implied(self) -> tuple[str, ...]:
        """Clauses, or patterns of them, whose cases may fail on it."""
        return (*self.clauses, *self.also)

    @property
    def id(self) -> str:
        """``runtime_kill.signals_are_swallowed``."""
        return f"{self.file}.{self.name}"


def listed(directory: Path | None = None) -> list[Mutant]:
    """Read all mutants of a directory; CatalogueError naming file and line of what is wrong."""
    found = []
    for path in sorted((directory or DIRECTORY).glob("*.py")):
        found += list(_of_file(path))
    return found


def _of_file(path: Path) -> Iterator[Mutant]:
    constants: dict[str, ast.expr] = {}
    for node in ast.parse(path.read_text(encoding="utf-8"), str(path)).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            constants[node.targets[0].id] = node.value
        if not isinstance(node, ast.FunctionDef):
            continue
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "mutant":
                yield _mutant(path, node, mark, constants)


def _mutant(
    path: Path, node: ast.FunctionDef, mark: ast.Call, constants: dict[str, ast.expr]
) -> Mutant:
    def value(expression: ast.expr) -> Any:  # noqa: ANN401 - of any literal
        name = expression.id if isinstance(expression, ast.Name) else ""
        return ast.literal_eval(constants.get(name, expression))

    try:
        clauses = tuple(ast.literal_eval(argument) for argument in mark.args)
        options = {str(k.arg): value(k.value) for k in mark.keywords}
        also, spec = tuple(options.pop("also", ())), options.pop("spec", "")
        needs, right = options.pop("needs", ""), bool(options.pop("right", False))
    except ValueError as error:
        where = f"tests/mutants/{path.name}:{mark.lineno}"
        raise CatalogueError(
            f"{where}: the arguments of @mutant are literals or names of such"
        ) from error
    summary = (ast.get_docstring(node) or "").partition("\n")[0]
    if options or not clauses or not summary:
        where = f"tests/mutants/{path.name}:{node.lineno}"
        raise CatalogueError(
            f"{where}: a mutant has clauses, `also`, `spec`, `needs`, `right`, and a docstring"
        )
    return Mutant(path.stem, node.name, summary, clauses, also, spec, needs, right)
