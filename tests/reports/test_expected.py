"""The two lines of a deviation: read from what a case says, never guessed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reports.expected import expected_and_seen, told
from reports.pretty import marked, pretty

if TYPE_CHECKING:
    from tests.reports.conftest import Runs

TOOL = Path(__file__).parents[2] / "tools" / "killed.py"
CLAUSE = "Kill does a."


@pytest.mark.parametrize(
    ("reason", "both"),
    [
        ("demanded: an error; seen: start succeeded", ("an error", "start succeeded")),
        ("assert 18 == 95", ("95", "18")),
        ("assert {4242} == set()\n  Extra items in the left set", ("set()", "{4242}")),
        ("assert {'a'} <= {'b'}", ("<= {'b'}", "{'a'}")),
        ("assert 'x' not in ['x', 'y']", ("not in ['x', 'y']", "'x'")),
        ("assert ('a', <S...ed'>) == ('b', 1)", ("('b', 1)", "('a', <S...ed'>)")),
        ("assert 'a == b' == 'c'", ("'c'", "'a == b'")),
        ("assert (False or 'max' == '3'\n + where", (CLAUSE, "assert (False or 'max' == '3'")),
        ("assert a == b == c", (CLAUSE, "assert a == b == c")),
        ("kill ended with exit status 1", (CLAUSE, "kill ended with exit status 1")),
        ("Expected so.\nseen: assert 1 == 2", ("2", "1")),
    ],
)
def test_expected_and_seen(runs: Runs, reason: str, both: tuple[str, str]) -> None:
    """A demand or one clear comparison is taken apart; else the clause is what is expected."""
    assert expected_and_seen(runs.case("a", "fail", reason=reason)) == both


@pytest.mark.parametrize("verdict", ["blocked", "error", "skip", "pass", "recorded"])
def test_what_says_nothing_about_the_clause_has_no_two_lines(runs: Runs, verdict: str) -> None:
    """A blocked case saw nothing that the clause does not allow."""
    assert expected_and_seen(runs.case("a", verdict, reason="assert 1 == 2")) is None


@pytest.mark.parametrize(
    ("reason", "whole"),
    [("short", True), ("x" * 241, False), ("two\nlines", False), ("why\nseen: so", True)],
)
def test_told(runs: Runs, reason: str, whole: bool) -> None:  # noqa: FBT001 - a parameter
    """A reason that the list does not show as it is stands in the evidence."""
    assert told(runs.case("a", "fail", reason=reason), 240) is whole


CONFIG = json.dumps(
    {
        "process": {"user": {"uid": 0, "umask": 2}, "args": ["/probe", "}"], "cwd": "/"},
        "hooks": {"startContainer": [{"path": "/bin/true"}]},
        "linux": {"resources": {"memory": {"disableOOMKiller": True}}},
    }
)


@pytest.mark.parametrize(
    ("clause", "middle"),
    [
        ("config.process.user.umask-unset", '"umask": 2'),
        ("config.process.cwd", '"cwd": "/"'),
        ("config.process.args.first", '"args": ["/probe", "}"]'),
        ("linux.resources.memory.disable-oom-killer", '"disableOOMKiller": true'),
        ("linux.default-devices.null", ""),
        ("runtime.lifecycle.config-frozen", ""),
        ("runtime.kill.process", ""),
    ],
)
def test_marks_the_property_that_a_clause_names(clause: str, middle: str) -> None:
    """By the clause's id, the deepest member of that name; and no word of the text is lost."""
    parts = marked(CONFIG, [clause])

    assert parts[1] == middle
    assert "".join(parts) == pretty(CONFIG)


def test_marks_a_hook_of_the_lifecycle() -> None:
    """The clauses of runtime.md's lifecycle name hooks without their object."""
    middle = marked(CONFIG, ["runtime.lifecycle.start-container.invoked"])[1]

    assert middle.startswith('"startContainer": [')
    assert middle.rstrip().endswith("]")


def test_leaves_alone_what_is_no_json() -> None:
    """A case may write a broken config.json on purpose."""
    assert marked('{"process": ', ["config.process"]) == ('{"process": ', "", "")


def test_mutants_are_sorted_by_the_cases_that_failed_on_them(tmp_path: Path) -> None:
    """A case that passed on a mutant has not killed it; one that gave advice may have."""
    kills = [
        {"mutant": "m1", "killed_by": {"c": "a"}, "seen": {"a": "fail", "b": "pass"}},
        {"mutant": "m0", "killed_by": {"c": "d"}, "seen": {"a": "fail", "d": "advice"}},
    ]
    (tmp_path / "in.json").write_text(json.dumps(kills))

    out = tmp_path / "out.json"
    subprocess.run([sys.executable, TOOL, tmp_path / "in.json", "-o", out], check=True)

    assert json.loads(out.read_text()) == {"a": ["m0", "m1"], "d": ["m0"]}
