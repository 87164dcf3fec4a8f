"""A results file read and checked: what a format is given has the types it was promised."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from harness import results
from harness.faults import ResultsError
from reports.text import line

if TYPE_CHECKING:
    from pathlib import Path

    from jsonschema.protocols import Validator


@cache
def schema() -> dict[str, Any]:
    """Return the published JSON Schema of the lines of results.jsonl."""
    text = files("reports").joinpath("results.schema.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


@cache
def validator(kind: str) -> Validator:
    """Make a validator of the lines of one type: run, case or end."""
    return Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": schema()["$defs"]})


def load(path: Path) -> results.Run:
    """Read the run in ``path``, a file or its directory; ResultsError says what is wrong."""
    try:
        run = results.read(path)
        _check(path, "run", run.header)
        for case in run.cases:
            _check(path, "case", case)
        if run.end is not None:
            _check(path, "end", run.end)
    except RecursionError as error:
        message = f"{path}: not a results.jsonl (nested too deeply)"
        raise ResultsError(message) from error
    return run


def _check(path: Path, kind: str, part: results.Header | results.Case | results.End) -> None:
    document = {"type": kind, **dataclasses.asdict(part)}
    if validator(kind).is_valid(document):
        return
    error = best_match(validator(kind).iter_errors(document))
    where = ".".join(str(step) for step in error.absolute_path) if error else ""
    what = line(error.message, 120) if error else "invalid"
    label = f"case {line(str(part.case))}" if isinstance(part, results.Case) else f"{kind} line"
    message = f"{path}: {label}: {where or 'line'}: {what}"
    raise ResultsError(message)
