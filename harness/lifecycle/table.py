"""``python -m harness.lifecycle.table``: the model as the tables of docs/lifecycle-model.md."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from harness.lifecycle import model

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.lifecycle.model import Row

BEGIN, END = "<!-- model: python -m harness.lifecycle.table -->", "<!-- end of model -->"


def render() -> str:
    """Return all tables, between the marks that they stand between in the page."""
    parts = [
        BEGIN,
        "",
        *_by_status(),
        "",
        "The clause that is broken if the operation errs where it should not, or the other way",
        "round, and the clause that is broken if the container is otherwise afterwards:",
        "",
        *_clauses(model.OPERATIONS_TABLE),
        "",
        "Of containers of which a hook fails, the first of two of its kind:",
        "",
        *_failing(),
        "",
        "What is looked at after each step besides the status:",
        "",
        "| looked at | clause |",
        "|---|---|",
        *(f"| {what} | {clause} |" for what, clause in model.OBSERVED.items()),
        "",
        END,
    ]
    return "\n".join(parts)


def _by_status() -> list[str]:
    operations = dict.fromkeys(row.operation for row in model.OPERATIONS_TABLE)
    lines = [f"| operation | {' | '.join(model.STATUSES)} |", "|---" * 5 + "|"]
    for operation in operations:
        rows = [model.find(model.OPERATIONS_TABLE, operation, s, "") for s in model.STATUSES]
        lines.append(f"| {operation} | {' | '.join(map(_cell, rows))} |")
    return lines


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    return "error" if row.errs else " or ".join(row.after)


def _clauses(rows: Iterable[Row]) -> list[str]:
    return [
        "| operation | status | outcome | afterwards |",
        "|---|---|---|---|",
        *(f"| {row.operation} | {row.before} | {row.outcome} | {row.effect} |" for row in rows),
    ]


def _failing() -> list[str]:
    lines = ["| hook | operation | status | | broken if otherwise |", "|---|---|---|---|---|"]
    for row in model.HOOKS_TABLE:
        clauses = ", ".join(dict.fromkeys(row.clauses))
        becomes = f"error, then {row.after[0]}" if row.errs else row.after[0]
        lines.append(f"| {row.bundle} | {row.operation} | {row.before} | {becomes} | {clauses} |")
    return lines


if __name__ == "__main__":
    sys.stdout.write(render() + "\n")
