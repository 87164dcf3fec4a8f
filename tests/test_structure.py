"""The rules of the house that a machine can check: imports, doors, sizes, docstrings."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PARTS = ("harness", "suites", "reports", "reference_runtime", "tests", "tools")
MODULES = [path for part in PARTS for path in sorted((ROOT / part).rglob("*.py"))]

LONGEST_MODULE = 400
LONGEST_CASE = 25

OWN = {"harness", "suites", "reports", "reference_runtime", "tests", "tools"}

# To each part what it may import besides itself and the standard library. Names without a dot
# stand for whatever is below them.
MAY_IMPORT = {
    "suites": {"harness", "pytest"},
    "reports": {"harness.results", "harness.faults", "jinja2", "jsonschema", "markupsafe"},
    "reference_runtime": set(),
    "harness": {
        "hypothesis",
        "jinja2",
        "jsonschema",
        "packaging",
        "pexpect",
        "pytest",
        "_pytest",
        "tomlkit",
    },
}

# At the end of a run, and only there, the harness renders its report.
RENDERS = "harness/controller.py"


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> set[str]:
    """Give the modules that a module imports, wherever it does, for typing too."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}:{node.lineno}: a relative import"
            module = node.module or ""
            own = {f"{module}.{alias.name}" for alias in node.names}
            found |= own if module in OWN else {module}
    return found


def below(module: str, allowed: set[str]) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in allowed)


def calls(path: Path, function: str) -> list[int]:
    """Give the lines on which something called ``function`` is called."""
    return [
        node.lineno
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and function in {getattr(node.func, "attr", ""), getattr(node.func, "id", "")}
    ]


def of(*parts: str) -> list[Path]:
    return [path for path in MODULES if path.relative_to(ROOT).parts[0] in parts]


def test_there_is_something_to_look_at():
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} == set(PARTS)
    assert "subprocess" in imports(ROOT / "harness" / "door.py")
    assert "harness.faults" in imports(ROOT / "harness" / "door.py")


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_imports_go_one_way(part):
    allowed = MAY_IMPORT[part] | {part, "__future__"} | sys.stdlib_module_names

    strangers = [
        f"{name(path)} imports {module}"
        for path in of(part)
        for module in sorted(imports(path))
        if not below(module, allowed)
    ]

    assert [s for s in strangers if not s.startswith(f"{RENDERS} imports reports.")] == []


def test_the_reference_runtime_is_a_program_that_only_its_own_tests_import():
    own = {"tests/reference_runtime", "tests/mutants"}

    importing = [
        name(path)
        for path in of("harness", "suites", "reports", "tests", "tools")
        if any(below(module, {"reference_runtime"}) for module in imports(path))
    ]

    assert [p for p in importing if not any(p.startswith(f"{folder}/") for folder in own)] == []


def test_only_the_door_starts_programs():
    others = [path for path in of("harness") if path != ROOT / "harness" / "door.py"]

    assert [name(path) for path in others if "subprocess" in imports(path)] == []
    assert [
        f"{name(path)}:{node.lineno}"
        for path in others
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr.startswith(("system", "popen", "posix_spawn", "spawn", "fork", "exec"))
    ] == []


def test_nothing_waits_by_sleeping():
    sleeping = [
        f"{name(path)}:{line}"
        for path in of("harness", "suites", "tests")
        for line in calls(path, "sleep")
    ]

    assert sleeping == []


def test_every_module_says_what_it_is():
    assert [name(path) for path in MODULES if not ast.get_docstring(tree(path))] == []


def test_every_module_is_short_enough_to_read():
    lengths = {name(p): len(p.read_text(encoding="utf-8").split("\n")) - 1 for p in MODULES}

    assert {p: length for p, length in lengths.items() if length > LONGEST_MODULE} == {}


def cases() -> list[tuple[Path, ast.FunctionDef]]:
    return [
        (path, node)
        for path in of("suites")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def test_a_case_is_short():
    long = [
        f"{name(path)}:{node.lineno} {node.name}"
        for path, node in cases()
        if (node.end_lineno or 0) - node.lineno + 1 > LONGEST_CASE
    ]

    assert long == []


def test_a_case_has_no_branch_no_loop_and_no_try():
    branching = ast.If | ast.For | ast.While | ast.Try | ast.AsyncFor | ast.Match

    assert [
        f"{name(path)}:{inner.lineno}"
        for path, node in cases()
        for inner in ast.walk(node)
        if isinstance(inner, branching)
    ] == []
