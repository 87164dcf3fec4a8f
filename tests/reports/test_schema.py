"""The JSON Schema of results.jsonl says what the harness writes, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from harness import results
from reports import merge
from reports.load import schema
from tests.conftest import ROOT, run_suite

if TYPE_CHECKING:
    from pathlib import Path

    from tests.reports.conftest import Runs

CLASSES = {
    "run": results.Header,
    "case": results.Case,
    "end": results.End,
    "runtime": results.Runtime,
    "host": results.Host,
    "operation": results.Operation,
    "moment": results.Moment,
    "finding": results.Finding,
}
LINES = {"run", "case", "end"}


def written(runs: Runs, path: Path) -> list[dict[str, Any]]:
    """Give the lines of a run in which every member has a value."""
    case = runs.case("everything", "fail", **runs.evidence())
    file = runs.save(runs.run(case, problems=["p"], leaks=["l"]), path / "results.jsonl")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_is_a_schema() -> None:
    """The published file is itself valid by its dialect."""
    Draft202012Validator.check_schema(schema())


def test_every_line_that_the_writer_writes_is_valid(runs: Runs, tmp_path: Path) -> None:
    """Run, case and end lines of the harness satisfy the schema."""
    lines = written(runs, tmp_path)

    errors = [e.message for line in lines for e in Draft202012Validator(schema()).iter_errors(line)]

    assert [line["type"] for line in lines] == ["run", "case", "end"]
    assert errors == []


def test_a_line_without_a_required_member_is_rejected(runs: Runs, tmp_path: Path) -> None:
    """Taking any required member out of any line makes it invalid."""
    for line in written(runs, tmp_path):
        for member in schema()["$defs"][line["type"]]["required"]:
            rest = {name: value for name, value in line.items() if name != member}
            assert not Draft202012Validator(schema()).is_valid(rest), (line["type"], member)


@pytest.mark.parametrize("value", [{"not": ["of", "the", "type"]}, [[None]], 1e400, "\x00"])
def test_a_member_of_another_type_is_rejected(runs: Runs, tmp_path: Path, value: object) -> None:
    """No member takes a value of every type; those with free text take no other type."""
    free = {"options", "counts", "recorded"}
    for line in written(runs, tmp_path):
        for member, good in line.items():
            if isinstance(value, type(good)) or (member == "config" and isinstance(value, str)):
                continue
            if member in free and isinstance(value, dict):
                continue
            if isinstance(value, float) and isinstance(good, float):
                continue
            assert not Draft202012Validator(schema()).is_valid(line | {member: value}), member


def test_unknown_members_and_types_are_rejected(runs: Runs, tmp_path: Path) -> None:
    """A member that the format does not have, or a line of no known type, is no line of it."""
    for line in written(runs, tmp_path):
        assert not Draft202012Validator(schema()).is_valid(line | {"surprise": 1})
        assert not Draft202012Validator(schema()).is_valid(line | {"type": "other"})


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_members_are_the_fields_of_the_dataclass(name: str) -> None:
    """Every field of results.py is in the schema and the other way round; so are the defaults."""
    fields = dataclasses.fields(CLASSES[name])
    definition = schema()["$defs"][name]
    kind = {"type"} & LINES if name not in LINES else {"type"}
    needed = {
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }

    assert set(definition["properties"]) == {field.name for field in fields} | kind
    assert set(definition["required"]) == needed | kind
    assert all(
        "description" in member or "$ref" in member or "const" in member
        for member in definition["properties"].values()
    )


def test_verdicts_are_those_of_the_enumeration() -> None:
    """The schema lists every verdict and no other."""
    assert set(schema()["$defs"]["verdict"]["enum"]) == {v.value for v in results.Verdict}


@pytest.mark.parametrize(
    ("runtime", "verdicts"),
    [("", {"pass"}), ("tests/miniatures/fails", {"blocked"})],
    ids=["reference", "fails"],
)
def test_every_line_of_a_real_run_is_valid(
    tmp_path: Path, runtime: str, verdicts: set[str]
) -> None:
    """What the harness wrote of a good and of a bad runtime, in processes of their own."""
    words = ["suites/runtime/test_warnings.py", "suites/features/test_linux.py", "-q", "-n0"]
    given = [f"--runtime={ROOT / runtime}", "--spec-version=1.2.0"] if runtime else []

    outcome = run_suite(*words, *given, results=tmp_path)

    file = outcome.directory / "partial" / "results.jsonl"
    assert file.exists(), outcome.output
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    errors = [e.message for line in lines for e in Draft202012Validator(schema()).iter_errors(line)]
    assert errors == []
    kinds = [line["type"] for line in lines]
    assert kinds == ["run", *["case"] * (len(kinds) - 2), "end"]
    assert verdicts <= {line["verdict"] for line in lines[1:-1]}


def test_a_merge_of_real_shapes_is_valid(runs: Runs, tmp_path: Path) -> None:
    """What reports write as results.jsonl is of the same format."""
    case = runs.case("everything", "fail", **runs.evidence())
    several = [("1", runs.run(case)), ("2", runs.run(runs.case("other"), leaks=["l"]))]
    file = tmp_path / "merged"
    file.write_text(merge.render(merge.merge(several, 3)), encoding="utf-8")

    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]

    errors = [e.message for line in lines for e in Draft202012Validator(schema()).iter_errors(line)]
    assert (len(lines), errors) == (4, [])


def test_is_published() -> None:
    """A wheel holds it with the templates and static files, and the docs name it."""
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = metadata["tool"]["setuptools"]["package-data"]["reports"]
    package = ROOT / "reports"

    held = {path for pattern in patterns for path in package.glob(pattern)}
    others = {p for p in package.rglob("*") if p.is_file() and p.suffix not in {".py", ".pyc"}}

    assert package / "results.schema.json" in held
    assert others - held == set()
    document = (ROOT / "docs" / "results-format.md").read_text(encoding="utf-8")
    assert "reports/results.schema.json" in document
    assert schema()["$id"] in document
