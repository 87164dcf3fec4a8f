"""What changed between two runs, and the gate that rests on it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import reports.__main__ as command
from harness.results import Case, Run, Verdict
from reports import diff

if TYPE_CHECKING:
    from tests.reports.conftest import Runs

GOLD = Path(__file__).parent / "gold"


def two(runs: Runs) -> tuple[Run, Run]:
    """Give an old run and a new one with an entry of every group."""
    old = [
        runs.case("same"),
        runs.case("breaks"),
        runs.case("known", "known", reason="upstream 1"),
        runs.case("mends", "fail", reason="assert 1"),
        runs.case("expected", "fail", reason="assert 2"),
        runs.case("leaves"),
    ]
    new = [
        runs.case("same"),
        runs.case("breaks", "fail", reason="assert 'KILL' == 'TERM'\nseen: | and `x`"),
        runs.case("known", reason=""),
        runs.case("mends"),
        runs.case("expected", "known", reason="upstream 2"),
        runs.case("appears"),
        runs.case("appears_failing", "blocked", reason="create: exit status 1"),
    ]
    header = runs.header()
    runtime = dataclasses.replace(header.runtime, version="1.2.0", sha256="8e" * 32)
    return runs.run(*old), runs.run(*new, header=dataclasses.replace(header, runtime=runtime))


@pytest.mark.parametrize(("name", "render"), [("diff.txt", diff.text), ("diff.md", diff.markdown)])
def test_gold(runs: Runs, name: str, render: object) -> None:
    """Newly failing with its reason, fixed, changed, new, gone; what else is not the same."""
    assert callable(render)

    assert render(diff.compare(*two(runs))) == (GOLD / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("before", [None, *Verdict])
@pytest.mark.parametrize("after", [None, *Verdict])
def test_a_regression_is_what_newly_gates(
    runs: Runs, before: Verdict | None, after: Verdict | None
) -> None:
    """Of all pairs those are newly failing whose second gates and first does not; what is fixed."""

    def of(verdict: Verdict | None) -> list[Case]:
        return [runs.case("a", verdict.value)] if verdict else []

    found = diff.compare(runs.run(*of(before)), runs.run(*of(after)))

    gates = {Verdict.FAIL, Verdict.BLOCKED, Verdict.ERROR, Verdict.UNSTABLE}
    assert bool(found.failing) is (after in gates and before not in gates)
    failed = {*gates, Verdict.KNOWN, Verdict.ADVICE}
    assert bool(found.fixed) is (before in failed and after in {Verdict.PASS, Verdict.RECORDED})
    listed = [change for _, changes in found.groups for change in changes]
    assert len(listed) == (before is not after)


def test_the_exit_status_gates(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """1 on a regression, 0 on none, whichever way the text goes."""
    old, new = two(runs)
    first, second = runs.save(old, tmp_path / "old"), runs.save(new, tmp_path / "new")

    assert command.main(["diff", str(first), str(second)]) == 1
    assert "Regression: 2 cases that newly fail." in capsys.readouterr().out
    assert command.main(["diff", str(first), str(second), "-o", str(tmp_path / "out")]) == 1
    assert command.main(["diff", str(second), str(second)]) == 0
    assert "No regression in 7 cases." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("where", "members", "said"),
    [
        ("runtime", {"sha256": "8e" * 32}, "program (sha256): 9f9f9f9f9f9f -> 8e8e8e8e8e8e"),
        ("runtime", {"spec_version": "1.2.0"}, "release that judges: 1.0.2 -> 1.2.0"),
        ("run", {"profiles": ["core"]}, "profiles: core, linux -> core"),
        ("run", {"suite_version": "0.2.0"}, "suite: 0.1.0 -> 0.2.0"),
        ("run", {"expectations": ""}, "expectations: runc.toml -> none"),
        ("run", {"lane": "v2"}, "lane: host -> v2"),
        ("host", {"kernel": "6.1"}, "kernel: 5.10.0 -> 6.1"),
        ("host", {"cgroup": "v2"}, "cgroups: hybrid -> v2"),
        ("host", {"rootless": True}, "rootless: no -> yes"),
        ("run", {"partial": True}, "selection: whole -> partial"),
    ],
)
def test_what_else_is_not_the_same_is_said(
    runs: Runs, where: str, members: dict[str, Any], said: str
) -> None:
    """It may explain a change of verdict: each on a line of its own, and no other."""
    header = runs.header()
    if where == "run":
        other = dataclasses.replace(header, **members)
    else:
        part = dataclasses.replace(getattr(header, where), **members)
        other = dataclasses.replace(header, **{where: part})
    found = diff.compare(runs.run(runs.case("a")), runs.run(runs.case("a"), header=other))

    lines = diff.text(found).splitlines()
    assert [line.strip() for line in lines if line.startswith("     ")] == [said]
    assert f"- {said}" in diff.markdown(found).replace("`", "")


def test_a_cut_off_run_does_not_pass_the_gate(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a killed run did not come to might have failed: rendered, marked, and status 4."""
    first = runs.save(runs.run(runs.case("a"), runs.case("b")), tmp_path / "old")
    second = runs.save(runs.cut_off(runs.case("a")), tmp_path / "new")

    assert command.main(["diff", str(first), str(second)]) == 4

    said = capsys.readouterr()
    assert "Gone: 1" in said.out
    assert "The new run is not whole: it was cut off after 1 case." in said.out
    assert said.err.count("\n") == 1
    assert str(second) in said.err
    assert command.main(["diff", str(second), str(first)]) == 0


def test_long_groups_are_cut_but_not_what_newly_fails(runs: Runs) -> None:
    """A hundred thousand new cases take no page; a regression is always named."""
    new = [runs.case(f"n{n}") for n in range(1000)]
    bad = [runs.case(f"b{n}", "fail") for n in range(1000)]
    found = diff.compare(runs.run(), runs.run(*new, *bad))

    text, markdown = diff.text(found), diff.markdown(found)

    assert "... and 800 more" in text
    assert sum(case.case in text for case in bad) == 1000
    assert "and 950 more" in markdown
    assert len(markdown) < 60_000
