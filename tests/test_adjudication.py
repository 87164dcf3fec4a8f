"""--update-expectations: what comes into the file, what goes, and what stays as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import expectations, strict
from harness.adjudication import Place, update
from harness.expectations import NOT_ADJUDICATED, Expectation, Expectations
from harness.faults import ExpectationError
from harness.results import Case, Runtime, Verdict
from tests.conftest import ROOT, run_suite

if TYPE_CHECKING:
    from pathlib import Path

RUNTIME = Runtime("/r", "own", "1.2.3", "1.2.0", "features", "1.2.0", "00")
CASES = ROOT / "suites" / "runtime"

FILE = """\
# Ours, with a comment at its top.

[runtime]
name = "own"
versions = ">=1"

# A comment before an entry.
[[known]]
clause = "a.stays"
reason = "it was always so"   # and here
cases = [
    "test.py::test_stays",  # this one
]
upstream = "https://example.org/1"

[[known]]
clause = "a.goes"
reason = "mended"
cases = ["test.py::test_goes[*]"]

[[known]]
clause = "a.half"
reason = "half of it"
cases = ["test.py::test_half[1]", "test.py::test_half[2]"]

[[known]]
clause = "a.wavers"
reason = "a race"
unstable = true
cases = ["test.py::test_wavers"]

[[known]]
clause = "a.rootless"
reason = "as a user"
rootless = true
cases = ["test.py::test_rootless"]
"""


def case(name: str, verdict: str) -> Case:
    clause = f"a.{name.partition('[')[0]}"
    return Case(f"test.py::test_{name}", [clause], Verdict(verdict), "must", "s", "1.0.0", "sum")


def told(_: Case) -> tuple[str, str]:
    return "this", "that"


RAN = [
    case("stays", "known"),
    case("goes[1]", "pass"),
    case("goes[2]", "pass"),
    case("half[1]", "pass"),
    case("half[2]", "known"),
    case("wavers", "pass"),
    case("rootless", "pass"),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_what_passes_goes_and_the_rest_stays_as_people_wrote_it(file):
    change = update(file, RUNTIME, RAN, told)

    assert (change.added, change.removed) == (0, 2)
    text = file.read_text()
    kept = FILE.replace('[[known]]\nclause = "a.goes"', "").replace('"test.py::test_half[1]", ', "")
    assert text.replace("\n", "") == kept.replace(
        'reason = "mended"\ncases = ["test.py::test_goes[*]"]', ""
    ).replace("\n", "")


def test_what_is_new_comes_in_and_is_not_adjudicated(file):
    ran = [*RAN, case("new[1]", "fail"), case("new[2]", "fail"), case("stuck", "blocked")]

    change = update(file, RUNTIME, [*ran, case("ours", "error"), case("may", "advice")], told)

    assert (change.added, change.removed) == (2, 2)
    known = expectations.load(file, "1.2.0")
    new, stuck = known.known[-2:]
    assert new == Expectation(
        "a.new", NOT_ADJUDICATED, ("test.py::test_new[1]", "test.py::test_new[2]")
    )
    assert (stuck.clause, stuck.blocked) == ("a.stuck", True)
    assert "# expected: this\n# seen: that\n" in file.read_text()
    assert [line.split(": ")[1] for line in strict.unadjudicated(known)] == [
        f"the entry of a.new is {NOT_ADJUDICATED}",
        f"the entry of a.stuck is {NOT_ADJUDICATED}",
    ]


def test_a_second_time_nothing_changes(file):
    update(file, RUNTIME, [*RAN, case("new", "fail")], told)
    text = file.read_text()

    change = update(file, RUNTIME, [RAN[0], case("new", "known"), case("half[2]", "skip")], told)

    assert (change.added, change.removed, file.read_text()) == (0, 0, text)


def test_a_pattern_goes_only_if_all_of_its_cases_pass(file):
    change = update(file, RUNTIME, [case("goes[1]", "pass"), case("goes[2]", "skip")], told)

    assert (change.removed, file.read_text()) == (0, FILE)


def test_a_run_of_a_user_writes_for_such_runs(file):
    update(file, RUNTIME, [*RAN, case("new", "fail")], told, Place(rootless=True))

    of_users = expectations.load(file, "1.2.0", rootless=True)
    assert of_users.known[-1].rootless
    assert "a.rootless" not in {entry.clause for entry in of_users.known}
    assert "a.new" not in {e.clause for e in expectations.load(file, "1.2.0").known}


@pytest.mark.parametrize(
    ("old", "removed"), [('cases = ["test.py::test_goes[*]"]', 1), ('clause = "a.goes"', 1)]
)
def test_what_passes_goes_from_an_entry_of_a_clause_or_of_cases_alone(file, old, removed):
    file.write_text(FILE.replace(old, ""))

    change = update(file, RUNTIME, [case("goes[1]", "pass"), case("goes[2]", "pass")], told)

    assert (change.removed, "mended" in file.read_text()) == (removed, False)


@pytest.mark.parametrize(("cgroup", "removed"), [("v1", 1), ("v2", 0)])
def test_what_passes_goes_only_where_the_entry_speaks_of_such_cgroups(file, cgroup, removed):
    file.write_text(FILE.replace('reason = "mended"', 'reason = "mended"\ncgroup = "v1"'))

    change = update(file, RUNTIME, [case("goes[1]", "pass")], told, Place(cgroup=cgroup))

    assert change.removed == removed


def test_a_file_that_is_not_there_is_made_for_this_version(tmp_path):
    file = tmp_path / "new.toml"

    update(file, RUNTIME, [case("new", "fail")], told)

    assert file.read_text().startswith("# Known deviations of own 1.2.3.\n")
    assert 'versions = "==1.2.3"' in file.read_text()
    assert [entry.clause for entry in expectations.load(file, "1.2.0").known] == ["a.new"]


def test_what_cannot_be_written_is_said_in_one_line(tmp_path):
    with pytest.raises(ExpectationError, match="cannot be written"):
        update(tmp_path / "none" / "file.toml", RUNTIME, [case("new", "fail")], told)


def test_texts_of_a_run_stay_comments(tmp_path):
    file = tmp_path / "new.toml"

    update(file, RUNTIME, [case('new[\n"]\nx = 1', "fail")], lambda _: ('"]', "[[known]]"))

    (entry,) = expectations.load(file, "1.2.0").known
    assert entry.cases == ('test.py::test_new[\n"]\nx = 1',)


def test_the_gate_stays_red_until_a_person_gives_the_reason():
    known = Expectations("f", (Expectation("a", "it is so", ("c",)),))

    assert strict.unadjudicated(known) == []


# On the command line


def test_a_run_writes_the_file_and_the_next_one_is_red_for_lack_of_reasons(tmp_path):
    bad = tmp_path / "bad"
    bad.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "bad version 1.0"\nexit 1\n')
    bad.chmod(0o755)
    file = tmp_path / "bad.toml"
    words = [f"{CASES}/test_create.py", "-k", "creates_a_container", f"--runtime={bad}", "-q"]
    words += [f"--expectations={file}", "--spec-version=1.0.2"]

    first = run_suite(*words, "--update-expectations", results=tmp_path / "1")
    again = run_suite(*words, results=tmp_path / "2")

    assert f"expectations: {file}: 1 entry added, 0 patterns removed" in first.output
    assert (first.status, again.status) == (1, 1)
    assert set(again.verdicts.values()) == {"known"}
    assert f"is {NOT_ADJUDICATED}: read the clause" in again.output
    file.write_text(file.read_text().replace(NOT_ADJUDICATED, "it is no runtime"))
    assert run_suite(*words, results=tmp_path / "3").status == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--expectations=none"], "there is no file with --expectations=none"),
        (["--spec-version=1.0.2"], "name one by --expectations=FILE"),
    ],
)
def test_without_a_file_there_is_nothing_to_update(words, said, tmp_path):
    bad = tmp_path / "bad"
    bad.write_text("#!/bin/sh\nexit 1\n")
    bad.chmod(0o755)

    outcome = run_suite(
        str(CASES), "--update-expectations", f"--runtime={bad}", *words, results=tmp_path / "r"
    )

    assert (outcome.status, said in outcome.output) == (4, True), outcome.output
