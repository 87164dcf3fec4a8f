"""Why a run is red: three lines at most, the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.red import lines

if TYPE_CHECKING:
    from tests.reports.conftest import Runs

PAGE = "/results/report.html"


def test_new_failures_are_named_with_the_first_of_them(runs: Runs) -> None:
    """What was expected and seen of it, and where the report is."""
    bad = [runs.case(name, "fail", reason=f"assert {n} == 4") for n, name in enumerate("abcde")]

    found = lines(runs.run(runs.case("ok"), *bad, exit_status=1), PAGE)

    named = "runtime.kill.a, runtime.kill.b, runtime.kill.c and 2 more"
    assert found == [
        f"red: 5 new failures: {named}",
        "first: runtime/test_kill.py::test_a: expected 4; seen 0",
        f"report: {PAGE}",
    ]


def test_the_suites_own_errors_come_first(runs: Runs) -> None:
    """They are stronger than what the runtime does."""
    bad = runs.case("bad", "fail"), runs.case("ours", "error", reason="OSError: no\nspace")

    found = lines(runs.run(*bad, exit_status=3, problems=["p"]), PAGE)

    assert found[0] == "red: 1 error of the suite, 1 new failure, 1 problem: runtime.kill.ours"
    assert found[1] == "first: runtime/test_kill.py::test_ours: OSError: no space"


def test_problems_alone_are_said(runs: Runs) -> None:
    """An expectation that passed is no case that failed."""
    found = lines(runs.run(runs.case("ok"), exit_status=1, problems=["remove\x1b[2J it"]), PAGE)

    assert found[:2] == ["red: 1 problem", "first: remove␛[2J it"]


def test_advice_is_red_only_for_who_asked(runs: Runs) -> None:
    """By --gate should."""
    run = runs.run(runs.case("a", "advice", level="should"), exit_status=1)

    assert lines(run, PAGE, "should")[0].startswith("red: 1 advice (--gate should)")
    assert "advice" not in lines(run, PAGE)[0]


def test_a_run_that_is_not_red_says_nothing(runs: Runs) -> None:
    """Nor one that was broken off, which says so itself."""
    case = runs.case("a")

    assert lines(runs.run(case), PAGE) == []
    assert lines(runs.run(case, exit_status=5), PAGE) == []
    assert lines(runs.cut_off(case), PAGE) == []
