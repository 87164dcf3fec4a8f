"""Small systematic changes of Python source: where they can be made, and the changed source.

Each change is a class of slip that people make: a condition negated, a comparison off, a statement
forgotten, a number off by one, a flag lost. Blocks are what executes together: the body of a
function, a branch, a loop, a handler.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_EXACT = (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot)
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
}
MARK = "_block_is_executed"
_NOTHING: tuple[type[ast.AST], ...] = (ast.Raise, ast.arguments, ast.AnnAssign, ast.JoinedStr)
"""Nothing is changed below these: messages, defaults, annotations."""


@dataclass(frozen=True)
class Point:
    """A place and what can be done to it; ``number`` counts them in one file."""

    number: int
    kind: str
    line: int
    block: int
    """Line of the first statement of the block that it belongs to."""
    before: str
    after: str


def points(source: str) -> list[Point]:
    """List what can be changed in ``source``, in the order of the text."""
    tree = ast.parse(source)
    found = []
    for number, (node, kind, block) in enumerate(_walk(tree)):
        after = _changed(copy.deepcopy(node), kind)
        line = node.lineno
        found.append(Point(number, kind, line, block, ast.unparse(node), ast.unparse(after)))
    return found


def mutated(source: str, number: int) -> str:
    """Return ``source`` with the change of that number made."""
    tree = ast.parse(source)
    node, kind, _ = list(_walk(tree))[number]
    changed = _Put(node, _changed(copy.deepcopy(node), kind)).visit(tree)
    return ast.unparse(ast.fix_missing_locations(changed))


def marked(source: str, module: str, statement: str) -> str:
    """Return ``source`` with ``statement``, and ``MARK("MODULE:LINE")`` where each block begins."""
    tree = ast.parse(source)
    for body, line in _blocks(tree):
        at = 1 if _is_docstring(body[0]) and len(body) > 1 else 0
        body.insert(at, ast.parse(f'{MARK}("{module}:{line}")').body[0])
    at = 1 if tree.body and _is_docstring(tree.body[0]) else 0
    while at < len(tree.body) and _is_future(tree.body[at]):
        at += 1
    tree.body.insert(at, ast.parse(statement).body[0])
    return ast.unparse(ast.fix_missing_locations(tree))


class _Put(ast.NodeTransformer):
    """Put one node in the place of another."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old = old
        self.new = new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


Place = ast.expr | ast.stmt


def _walk(tree: ast.Module) -> Iterator[tuple[Place, str, int]]:
    """Yield each node that can be changed, how, and its block; what is at module level is not."""
    for body, line in _blocks(tree):
        for statement in body:
            yield from _of(statement, line)


def _of(node: ast.AST, block: int) -> Iterator[tuple[Place, str, int]]:
    if isinstance(node, ast.Raise):
        yield node, "drop", block
    if isinstance(node, _NOTHING) or _is_docstring(node):
        return
    if isinstance(node, ast.expr | ast.stmt):
        for kind in _kinds(node):
            yield node, kind, block
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt) and not isinstance(node, ast.Module):
            continue  # belongs to a block of its own
        if isinstance(child, ast.ExceptHandler | ast.match_case | ast.withitem):
            if isinstance(child, ast.withitem):
                yield from _of(child.context_expr, block)
            continue
        yield from _of(child, block)


def _kinds(node: Place) -> Iterator[str]:
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            if not (isinstance(test, ast.Compare) and type(test.ops[0]) in _EXACT):
                yield "negate"  # else the change of the comparison is the same
        case ast.Expr(value=ast.Call()):
            yield "drop"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]) | ast.AugAssign():
            yield "drop"
        case ast.Compare(ops=[operator]) if type(operator) in _COMPARISONS:
            yield "compare"
        case ast.BoolOp():
            yield "and-or"
        case ast.BinOp(op=operator) if type(operator) in _OPERATORS:
            yield "operator"
        case ast.Constant(value=bool() | int()):
            yield "constant"
        case _:
            return


def _changed(node: Place, kind: str) -> Place:
    match node:
        case ast.If() | ast.While() | ast.IfExp() if kind == "negate":
            node.test = ast.UnaryOp(ast.Not(), node.test)
        case ast.Compare():
            node.ops = [_COMPARISONS[type(node.ops[0])]()]
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.BinOp():
            node.op = _OPERATORS[type(node.op)]()
        case ast.Constant(value=bool()):
            node.value = not node.value
        case ast.Constant(value=int(number)):
            node.value = number + 1
        case _:
            return ast.copy_location(ast.Pass(), node)
    return node


def _blocks(tree: ast.Module) -> list[tuple[list[ast.stmt], int]]:
    """Return the blocks inside of functions, each with the line of its first statement."""
    found: list[tuple[list[ast.stmt], int]] = []
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            found += [(body, body[0].lineno) for body in _bodies(function)]
    return sorted(found, key=lambda block: block[1])


def _bodies(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        body = getattr(node, name, None)
        if isinstance(body, list) and body:
            yield body
            for statement in body:
                if not isinstance(statement, ast.FunctionDef | ast.ClassDef):
                    yield from _bodies(statement)
    for part in ("handlers", "cases"):
        for child in getattr(node, part, []):
            yield from _bodies(child)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"
