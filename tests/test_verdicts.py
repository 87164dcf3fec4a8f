"""Each row of the table of verdicts, as far as one phase of a case decides it."""

from __future__ import annotations

import pytest

from harness.clauses import Clause
from harness.faults import (
    HarnessError,
    MalformedOutput,
    NotClaimed,
    NotShown,
    OperationError,
    RuntimeCrashed,
    RuntimeHung,
    TemplateError,
    Unsupported,
)
from harness.journal import Journal
from harness.progress import Progress
from harness.results import Operation, Verdict
from harness.verdicts import Judgement, judge

FAULTS = [OperationError, RuntimeCrashed, RuntimeHung, MalformedOutput]


def clause(level="must", **members) -> Clause:
    """Make a clause about start."""
    values = {"operations": ("start",)} | members
    return Clause("a.b", "A.", "runtime.md#a", level, level, "1.0.0", **values)


def fault(kind, operation: str, *, control: bool = False):
    made = kind("it went wrong", Operation(operation, [operation], 0.0, 0.1))
    made.control = control
    return made


def verdict(error, when="call", *, level="must", **members) -> Verdict:
    return judge(error, when, [clause(level, **members)], level).verdict


# fail


def test_an_assertion_in_the_case_is_fail():
    assert judge(AssertionError("3 != 4"), "call", [clause()], "must") == Judgement(
        Verdict.FAIL, "3 != 4"
    )


def test_an_assertion_without_words_has_a_reason():
    assert judge(AssertionError(), "call", [clause()], "must").reason


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("when", ["setup", "call"])
def test_a_fault_of_the_operation_that_the_clause_is_about_is_fail(kind, when):
    assert verdict(fault(kind, "start"), when) is Verdict.FAIL


def test_one_of_several_clauses_about_the_operation_is_enough():
    other = clause(operations=("kill",))

    found = judge(fault(OperationError, "kill"), "call", [clause(), other], "must")

    assert found.verdict is Verdict.FAIL


def test_a_sign_that_is_not_shown_after_that_operation_is_fail():
    assert verdict(NotShown("no line", "start")) is Verdict.FAIL


def test_a_runtime_that_contradicts_itself_in_what_it_may_do_is_fail():
    assert verdict(AssertionError(), level="may") is Verdict.FAIL


# blocked


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("when", ["setup", "call"])
def test_a_fault_of_any_other_operation_is_blocked_by_it(kind, when):
    found = judge(fault(kind, "create"), when, [clause()], "must")

    assert (found.verdict, found.blocked_by) == (Verdict.BLOCKED, "create")


@pytest.mark.parametrize("level", ["must", "should", "may"])
def test_a_fault_in_a_control_is_blocked_whatever_the_clause(level):
    error = fault(OperationError, "start", control=True)

    assert verdict(error, level=level) is Verdict.BLOCKED


def test_a_sign_that_is_not_shown_in_a_control_is_blocked():
    error = NotShown("no line", "start")
    error.control = True

    assert verdict(error) is Verdict.BLOCKED


def test_a_fault_where_the_clause_demands_an_error_is_blocked():
    assert verdict(fault(OperationError, "start"), demands_error=True) is Verdict.BLOCKED


def test_a_sign_that_is_not_shown_after_another_operation_is_blocked_by_it():
    found = judge(NotShown("no line", "create"), "call", [clause()], "must")

    assert (found.verdict, found.blocked_by) == (Verdict.BLOCKED, "create")


# error


@pytest.mark.parametrize("when", ["setup", "call", "teardown"])
@pytest.mark.parametrize(
    "error",
    [ValueError("x"), HarnessError("x"), TemplateError("x"), KeyboardInterrupt()],
)
@pytest.mark.parametrize("level", ["must", "should", "may"])
def test_anything_else_is_an_error_of_ours(error, when, level):
    assert verdict(error, when, level=level) is Verdict.ERROR


@pytest.mark.parametrize("when", ["setup", "teardown"])
def test_an_assertion_outside_of_the_case_is_an_error_of_ours(when):
    assert verdict(AssertionError(), when) is Verdict.ERROR


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_while_cleaning_is_an_error_of_ours(kind):
    assert verdict(fault(kind, "start"), "teardown") is Verdict.ERROR


def test_the_reason_of_an_error_names_its_class():
    assert judge(KeyError("x"), "call", [clause()], "must").reason == "KeyError: 'x'"


# advice


@pytest.mark.parametrize("error", [AssertionError(), fault(OperationError, "start")])
def test_a_should_that_does_not_hold_is_advice(error):
    assert verdict(error, level="should") is Verdict.ADVICE


def test_a_should_that_could_not_be_reached_is_blocked():
    assert verdict(fault(OperationError, "create"), level="should") is Verdict.BLOCKED


# pass, recorded, and the worst of several phases


def progress(level: str = "must", **members) -> Progress:
    return Progress("runtime/test_a.py::test_b", [clause(level, **members)], Journal())


def test_nothing_that_went_wrong_is_pass():
    assert progress().finish("").verdict is Verdict.PASS


def test_what_was_recorded_under_a_may_is_recorded_and_no_pass():
    case = progress("may")
    case.journal.recorded["choice"] = 1

    assert case.finish("").verdict is Verdict.RECORDED


@pytest.mark.parametrize("level", ["must", "should"])
def test_a_record_beside_a_stronger_clause_leaves_it_a_pass(level):
    case = progress(level)
    case.journal.recorded["choice"] = 1

    assert case.finish("").verdict is Verdict.PASS


def test_a_contradiction_that_was_recorded_as_well_is_fail():
    case = progress("may")
    case.journal.recorded["choice"] = 1
    case.note(Judgement(Verdict.FAIL, "x"))

    assert case.finish("").verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("phases", "worst"),
    [
        ([Verdict.FAIL, Verdict.ERROR], Verdict.ERROR),
        ([Verdict.ERROR, Verdict.FAIL], Verdict.ERROR),
        ([Verdict.BLOCKED, Verdict.ERROR], Verdict.ERROR),
        ([Verdict.SKIP, Verdict.ERROR], Verdict.ERROR),
        ([Verdict.NOT_APPLICABLE, Verdict.FAIL], Verdict.FAIL),
        ([Verdict.KNOWN, Verdict.ERROR], Verdict.ERROR),
        ([Verdict.ADVICE], Verdict.ADVICE),
        ([Verdict.SKIP], Verdict.SKIP),
        ([Verdict.NOT_APPLICABLE], Verdict.NOT_APPLICABLE),
    ],
)
def test_the_worst_phase_counts(phases, worst):
    case = progress()
    for number, found in enumerate(phases):
        case.note(Judgement(found, f"reason {number}"), f"details {number}")

    record = case.finish("gw1")

    number = phases.index(worst)
    assert (record.verdict, record.reason) == (worst, f"reason {number}")
    assert (record.details, record.worker) == (f"details {number}", "gw1")


@pytest.mark.parametrize(
    ("levels", "strongest"),
    [(["may", "must"], "must"), (["should", "may"], "should"), (["may"], "may")],
)
def test_the_strongest_level_of_the_clauses_is_the_level_of_the_case(levels, strongest):
    assert Progress("a", [clause(level) for level in levels]).level == strongest


@pytest.mark.parametrize(("found", "shown"), [(Verdict.PASS, None), (Verdict.FAIL, "{}")])
def test_the_configuration_is_kept_only_where_the_case_did_not_pass(found, shown):
    case = progress()
    case.journal.config = "{}"
    case.note(Judgement(found))

    assert case.finish("").config == shown


@pytest.mark.parametrize("when", ["setup", "call"])
def test_what_a_runtime_does_not_claim_is_not_applicable(when):
    error = NotClaimed("its features do not claim it")

    assert judge(error, when, [clause()], "must") == Judgement(Verdict.NOT_APPLICABLE, str(error))


@pytest.mark.parametrize("when", ["setup", "call"])
def test_a_value_that_need_not_be_supported_is_recorded(when):
    error = Unsupported("refuses SCHED_ISO, which it need not support")

    assert judge(error, when, [clause()], "must") == Judgement(Verdict.RECORDED, str(error))
