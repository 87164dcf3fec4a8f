"""The sentence of verdict: what it says of each kind of run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.results import Verdict
from reports.marks import MEANINGS, SYMBOLS
from reports.verdict import Outcome, judge

if TYPE_CHECKING:
    from tests.reports.conftest import Runs

SPEC = "OCI runtime-spec 1.0.2 (core, linux)"


def test_conformant_when_every_must_holds(runs: Runs) -> None:
    """A whole run without a MUST case that gates is conformant, with version and profiles."""
    advice = runs.case("b", "advice", level="should")

    judgement = judge(runs.run(runs.case("a"), advice))

    assert judgement.outcome is Outcome.CONFORMANT
    assert judgement.sentence == f"Conformant with {SPEC}."


def test_known_deviations_and_skips_are_named(runs: Runs) -> None:
    """What is expected to fail, and what could not run, is in the sentence."""
    known = [runs.case(name, "known") for name in ("b", "c")]

    judgement = judge(runs.run(runs.case("a"), *known, runs.case("d", "skip")))

    assert judgement.sentence == (
        f"Not conformant with {SPEC}: 2 MUST clauses fail, each a known deviation; "
        "1 MUST case was skipped."
    )
    assert judgement.outcome is Outcome.AS_EXPECTED
    assert judgement.known == ["runtime.kill.b", "runtime.kill.c"]


def test_failures_are_counted_by_clause_and_the_rest_apart(runs: Runs) -> None:
    """Two cases of one clause are one clause; blocked, error and unstable count apart."""
    twice = [runs.case("f", "fail", case=f"x::test_f[{n}]") for n in (1, 2)]
    others = [runs.case(name, name) for name in ("blocked", "error", "unstable")]

    judgement = judge(runs.run(runs.case("a"), *twice, *others))

    assert judgement.outcome is Outcome.NOT_CONFORMANT
    assert judgement.sentence == (
        f"Not conformant with {SPEC}: 1 MUST clause fails, 1 MUST case is blocked, "
        "1 case ended in an error of the suite and 1 MUST case is unstable."
    )


def test_every_clause_that_fails_is_counted(runs: Runs) -> None:
    """The number in the sentence is that of the clauses."""
    failing = [runs.case(name, "fail") for name in "abc"]

    judgement = judge(runs.run(runs.case("d"), *failing))

    assert judgement.sentence == f"Not conformant with {SPEC}: 3 MUST clauses fail."


@pytest.mark.parametrize("verdict", ["blocked", "error", "unstable"])
def test_without_a_failure_what_gates_leaves_it_undecided(runs: Runs, verdict: str) -> None:
    """Neither conformant nor not: the clause was never shown to hold or to fail."""
    judgement = judge(runs.run(runs.case("a"), runs.case("b", verdict)))

    assert judgement.outcome is Outcome.UNDECIDED
    assert judgement.sentence.startswith(
        f"Conformance with {SPEC} is not shown: no MUST clause fails, but 1 ",
    )


def test_a_failing_should_decides_nothing(runs: Runs) -> None:
    """Only the level must decides."""
    judgement = judge(runs.run(runs.case("a"), runs.case("b", "fail", level="should")))

    assert judgement.outcome is Outcome.CONFORMANT


def test_a_partial_run_says_so_first_and_never_shows_conformance(runs: Runs) -> None:
    """A selection of the suite proves no conformance."""
    judgement = judge(runs.run(runs.case("a"), header=runs.header(partial=True)))

    assert judgement.outcome is Outcome.UNDECIDED
    assert judgement.sentence == (
        f"Partial run: conformance with {SPEC} is not shown: "
        "no MUST clause fails in the 1 MUST case that passed."
    )


def test_a_cut_off_run_says_so_first(runs: Runs) -> None:
    """No end mark: the number of cases that were finished comes first."""
    judgement = judge(runs.cut_off(runs.case("a"), runs.case("b", "fail")))

    assert judgement.outcome is Outcome.NOT_CONFORMANT
    assert judgement.sentence == (
        f"Cut off after 2 cases: not conformant with {SPEC}: 1 MUST clause fails."
    )


def test_an_interrupted_partial_run_says_both(runs: Runs) -> None:
    """Both marks stand at the front."""
    run = runs.run(runs.case("a"), header=runs.header(partial=True), interrupted=True)

    assert judge(run).sentence.startswith("Partial run, interrupted after 1 case: ")


def test_a_case_without_a_result_leaves_it_undecided(runs: Runs) -> None:
    """A worker may swallow a case: what was collected and not recorded counts against the run."""
    judgement = judge(runs.run(runs.case("a"), collected=3))

    assert judgement.outcome is Outcome.UNDECIDED
    assert "2 collected cases have no result" in judgement.sentence


def test_nothing_run(runs: Runs) -> None:
    """Only skips: nothing was run, and that is not conformance."""
    judgement = judge(runs.run(runs.case("a", "skip"), runs.case("b", "not-applicable")))

    assert judgement.outcome is Outcome.NOTHING_RUN
    assert judgement.sentence == "Nothing was run (1 skip, 1 not-applicable)."


def test_no_case_at_all(runs: Runs) -> None:
    """A header alone is a run that was cut off before anything was run."""
    assert judge(runs.cut_off()).sentence == (
        "Cut off after 0 cases: nothing was run; no case was recorded."
    )


def test_known_deviations_alone_show_nothing(runs: Runs) -> None:
    """A runtime of which every MUST deviates as expected was not seen to conform."""
    judgement = judge(runs.run(runs.case("a", "known"), runs.case("b", "recorded", level="may")))

    assert judgement.outcome is Outcome.UNDECIDED
    assert "no MUST clause was seen to hold" in judgement.sentence


def test_every_verdict_has_a_symbol_of_its_own_and_a_meaning() -> None:
    """Colour never stands alone, and no two verdicts look alike."""
    assert set(SYMBOLS) == set(MEANINGS) == set(Verdict)
    assert len(set(SYMBOLS.values())) == len(Verdict)


def test_what_engines_need_decides_nothing_about_the_specification(runs: Runs) -> None:
    """A failing engine clause leaves the verdict as it is and has a sentence of its own."""
    header = runs.header(profiles=["core", "linux", "engine"])
    several = [
        runs.case(name, verdict, profile="engine", section="engine-profile.md#pid-file")
        for name, verdict in (("b", "fail"), ("c", "error"), ("d", "known"), ("e", "pass"))
    ]

    judgement = judge(runs.run(runs.case("a"), *several, header=header))

    assert judgement.outcome is Outcome.CONFORMANT
    assert judgement.sentence == f"Conformant with {SPEC}."
    assert judgement.engine == (
        "What engines need beyond the specification: 1 clause holds, 1 clause fails, "
        "1 clause is a known deviation, 1 case ended in an error of the suite."
    )


def test_a_pass_of_an_engine_clause_shows_no_conformance(runs: Runs) -> None:
    """With the engine profile alone the specification was not judged, whatever passed."""
    case = runs.case("b", profile="engine")

    judgement = judge(runs.run(case, header=runs.header(profiles=["engine"])))

    assert judgement.outcome is Outcome.NOTHING_RUN
    assert judgement.sentence == "Conformance with the specification was not judged."
    assert judgement.engine.endswith(": 1 clause holds.")


def test_nobody_is_told_of_engines_who_has_not_asked(runs: Runs) -> None:
    """Cases of a profile that was not chosen are not applicable and not worth a sentence."""
    unasked = runs.case("b", "not-applicable", profile="engine")

    assert judge(runs.run(runs.case("a"), unasked)).engine == ""
