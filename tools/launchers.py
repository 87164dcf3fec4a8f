"""Programs that are mutants: the reference runtime, one thing of it replaced before its main."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.clauses import mutants

if TYPE_CHECKING:
    from harness.clauses.mutants import Mutant

ROOT = Path(__file__).resolve().parent.parent

_LAUNCHER = """\
#!{interpreter} -IS
import sys
sys.path[:0] = [{root!r}, {beside!r}]
from {module} import {name}
{name}()
from reference_runtime import cli
cli.main()
"""


def write_launcher(path: Path, mutant: Mutant) -> None:
    """Write the program that is the mutant, and beside it the module of what it is made of."""
    module = f"alone_{mutant.name}"
    path.with_name(f"{module}.py").write_text(alone(mutant), encoding="utf-8")
    text = _LAUNCHER.format(
        interpreter=os.path.realpath(sys.executable),
        root=str(ROOT),
        beside=str(path.parent),
        module=module,
        name=mutant.name,
    )
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def alone(mutant: Mutant) -> str:
    """Return the source of the mutant with what it uses of its file, and without its decorator.

    A file imports what any of its mutants breaks. Each call of the runtime would import it too.
    """
    source = (mutants.DIRECTORY / f"{mutant.file}.py").read_text(encoding="utf-8")
    statements = ast.parse(source).body
    used, kept = {mutant.name, "annotations"}, set[ast.stmt]()
    while True:
        more = {one for one in statements if used & _bound(one)} - kept
        if not more:
            break
        kept |= more
        for one in more:
            if isinstance(one, ast.FunctionDef) and one.name == mutant.name:
                one.decorator_list = []
            used |= {node.id for node in ast.walk(one) if isinstance(node, ast.Name)}
    for one in kept:
        if isinstance(one, ast.Import | ast.ImportFrom):
            one.names = [alias for alias in one.names if _name(alias) in used]
    body = [one for one in statements if one in kept]
    return ast.unparse(ast.Module(body=body, type_ignores=[])) + "\n"


def _bound(statement: ast.stmt) -> set[str]:
    """Names that a statement of a module gives a meaning to."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {_name(alias) for alias in statement.names}
    nodes = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return {node.id for node in nodes if isinstance(node.ctx, ast.Store)}


def _name(alias: ast.alias) -> str:
    return (alias.asname or alias.name).partition(".")[0]
