"""Known deviations: which cases and versions a file speaks of, and what is wrong with it."""

from __future__ import annotations

from datetime import date

import pytest

from harness import expectations, strict
from harness.expectations import Expectation, find, load
from harness.faults import ExpectationError
from harness.results import Runtime, Verdict

FILE = """
[runtime]
name = "runc"
versions = ">=1.1,<1.2"

[[known]]
clause = "a.b"
reason = "it was always so"
cases = ["runtime/test_a.py::test_b"]
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Write a file of expectations/."""
    monkeypatch.setattr(expectations, "DIRECTORY", tmp_path)

    def write(text=FILE, name="own.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refused(call, *arguments):
    with pytest.raises(ExpectationError) as caught:
        call(*arguments)
    assert len(str(caught.value).splitlines()) == 1
    assert "own.toml" in str(caught.value)
    return str(caught.value)


def runtime(version, name="runc"):
    return Runtime("/r", name, version, "1.0.2", "features", "1.0.2", "00")


def covers(pattern, case, clauses=("a.b",)):
    return Expectation("a.b", "reason", (pattern,)).covers(case, clauses)


# Which cases


@pytest.mark.parametrize(
    ("pattern", "case", "covered"),
    [
        ("runtime/test_a.py::test_b", "runtime/test_a.py::test_b", True),
        ("runtime/test_a.py::test_b", "runtime/test_a.py::test_bc", False),
        ("runtime/test_a.py::test_b", "runtime/test_a.py::test_b[x]", False),
        ("test_b[TERM]", "test_b[TERM]", True),
        ("test_b[TERM]", "test_bT", False),
        ("test_b[TERM-1.0]", "test_b[TERM-1x0]", False),
        ("test_b[*]", "test_b[TERM]", True),
        ("test_b[*]", "test_b", False),
        ("test_b[*-none]", "test_b[prestart-none]", True),
        ("test_b[*-none]", "test_b[prestart-some]", False),
        ("test_b[[1]]", "test_b[[1]]", True),
        ("test_b[!a]", "test_b[!a]", True),
        ("test_b[!a]", "test_bc", False),
        ("test_b*", "test_b[x]", True),
        ("runtime/*::test_b", "runtime/test_a.py::test_b", True),
        ("*", "anything::at[all]", True),
        ("TEST_B", "test_b", False),
    ],
)
def test_a_case_is_covered_by_its_id_with_brackets_as_they_stand(pattern, case, covered):
    assert covers(pattern, case) == covered


def test_a_case_about_other_clauses_is_not_covered():
    assert not covers("*", "test_b", ("a.c", "a"))
    assert covers("*", "test_b", ("a.c", "a.b"))


def test_the_first_entry_about_a_case_is_the_one(file):
    second = FILE.partition("[[known]]")[2].replace("always", "never")
    known = load(file(f"{FILE}[[known]]{second}"), "1.0.2")

    found = known.of("runtime/test_a.py::test_b", iter(["a.b"]), Verdict.FAIL)

    assert found is not None
    assert (found.reason, known.name) == ("it was always so", "own.toml")
    assert known.of("runtime/test_a.py::test_c", ["a.b"], Verdict.FAIL) is None


# Which verdicts


def test_fail_is_excused_and_blocked_only_where_the_entry_says_so():
    plain = Expectation("a.b", "reason", ("*",))
    blocked = Expectation("a.b", "reason", ("*",), blocked=True)

    assert [v for v in Verdict if plain.excuses(v)] == [Verdict.FAIL]
    assert [v for v in Verdict if blocked.excuses(v)] == [Verdict.FAIL, Verdict.BLOCKED]


def test_what_is_unstable_may_fail_be_blocked_or_pass():
    unstable = Expectation("a.b", "reason", ("*",), unstable=True)
    known = expectations.Expectations("own.toml", (unstable,))

    assert [v for v in Verdict if unstable.excuses(v)] == [Verdict.FAIL, Verdict.BLOCKED]
    assert strict.passing(known, [("x", ["a.b"], Verdict.PASS)]) == []


@pytest.mark.parametrize("verdict", Verdict)
def test_a_pass_and_nothing_else_contradicts_an_entry(verdict):
    known = expectations.Expectations("own.toml", (Expectation("a.b", "reason", ("*",)),))

    assert bool(strict.passing(known, [("x", ["a.b"], verdict)])) is (verdict is Verdict.PASS)
    assert strict.passing(known, [("x", ["a.c"], verdict)]) == []


# By clause or by case


def test_an_entry_with_a_clause_alone_speaks_of_all_of_its_cases(file):
    known = load(file(FILE.replace('cases = ["runtime/test_a.py::test_b"]', "")), "1.0.2")

    assert known.of("any", ["a.b"], Verdict.FAIL)
    assert known.of("any", ["a.c"], Verdict.FAIL) is None


def test_an_entry_with_cases_alone_speaks_of_whatever_they_check(file):
    known = load(file(FILE.replace('clause = "a.b"', "")), "1.0.2")

    assert known.of("runtime/test_a.py::test_b", ["x.y"], Verdict.FAIL)
    assert known.of("runtime/test_a.py::test_c", ["x.y"], Verdict.FAIL) is None
    (said,) = strict.unmatched(known, [("other", ["a.b"])])
    assert said.endswith("; remove the entry of runtime/test_a.py::test_b (lines 6 to 9)")


# Which releases of the specification


@pytest.mark.parametrize(
    ("specifier", "judged_by", "held"),
    [
        ("", "1.0.0", 1),
        (">=1.3.0", "1.3.0", 1),
        (">=1.3.0", "1.2.1", 0),
        ("<1.3.0", "1.2.1", 1),
        ("==1.0.*", "1.0.2", 1),
        ("==1.0.*", "1.1.0", 0),
        (">=1.9", "1.10.0", 1),
        (">=1.0.2,<1.2", "1.2.0", 0),
    ],
)
def test_an_entry_holds_for_the_releases_that_it_names(file, specifier, judged_by, held):
    path = file(f'{FILE}spec = "{specifier}"\n')

    assert len(load(path, judged_by).known) == held


# Which versions of a runtime


@pytest.mark.parametrize(
    ("versions", "version", "matches"),
    [
        (">=1.1,<1.2", "1.1.5", True),
        (">=1.1,<1.2", "1.1.5+ds1", True),
        ("<=1.1.5", "1.1.5+ds1", True),
        ("==1.1.5", "1.1.5+ds1", True),
        ("==1.1.5+ds1", "1.1.5", False),
        ("<1.1.5", "1.1.5+ds1", False),
        (">=1.1,<1.2", "1.2.0", False),
        (">=1.1,<1.2", "1.1.5+ds1-1+deb12u1", True),
        (">=1.0.0rc90,<1.1", "1.0.0~rc93+ds1-5+deb11u5", True),
        ("<1.0.0", "1.0.0~rc93", False),
        (">=1.0.0rc90", "1.0.0~rc93+ds1", True),
        (">=1.3", "1.3.0-rc.1", False),
        (">=1.3.0rc1", "1.3.0-rc.1", True),
        (">=1.4", "1.5.0-dev+g1234", True),
        (">=1.9", "1.10", True),
        (">=0", "unknown", False),
        (">=0", "", False),
        (">=0", "1.2.3-12-gabcdef", False),
    ],
)
def test_a_file_is_found_by_the_range_that_the_version_is_in(file, versions, version, matches):
    path = file(FILE.replace(">=1.1,<1.2", versions))

    assert find(runtime(version)) == (path if matches else None)


def test_a_file_is_found_by_the_exact_name_of_the_runtime(file):
    file()

    assert find(runtime("1.1.5", "crun")) is None
    assert find(runtime("1.1.5", "runc2")) is None


def test_of_several_files_the_one_that_matches_is_found(file):
    file(FILE.replace('"runc"', '"crun"'), "a.toml")
    file(FILE.replace(">=1.1,<1.2", ">=1.2"), "b.toml")

    assert find(runtime("1.2.0")) == file(FILE.replace(">=1.1,<1.2", ">=1.2"), "b.toml")


def test_a_runtime_without_a_file_has_no_expectations():
    assert expectations.NONE.of("x", ["a.b"], Verdict.FAIL) is None


# What is wrong with a file


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[runtime]", "[runtimes]", "needs [runtime]"),
        ("[runtime]", "[[runtime]]", "needs [runtime]"),
        ('name = "runc"', "", "needs [runtime] with name and versions"),
        ('">=1.1,<1.2"', "1.1", "needs [runtime] with name and versions"),
        (
            'clause = "a.b"\nreason = "it was always so"\ncases',
            "reason = 'r'\ncase",
            "lacks clause",
        ),
        ('reason = "it was always so"', "", "known entry 1 lacks reason"),
        ("cases = [", "case = [", "known entry 1: no member of an entry: case"),
        ("[[known]]", "[[known]]\nlines = 'x'", "known entry 1: no member of an entry: lines"),
        ('["runtime/test_a.py::test_b"]', '[""]', "known entry 1: cases is no list of case ids"),
        ("[[known]]", "[known]", "known is no array"),
        ("[[known]]", "[[known]]\nblocking = 'x'", "known entry 1: no member of an"),
        ("[[known]]", "[[known]]\nblocked = 'yes'", "known entry 1: blocked is of the wrong type"),
        ("[[known]]", "[[known]]\nspec = 1.3", "known entry 1: spec is of the wrong type"),
        ("[[known]]", "[[known]]\nspec = '1.3'", "own.toml: Invalid specifier"),
        ('["runtime/test_a.py::test_b"]', '"runtime/test_a.py::test_b"', "cases is of the wrong"),
        ('["runtime/test_a.py::test_b"]', "[]", "known entry 1: cases is no list of case ids"),
        ('["runtime/test_a.py::test_b"]', "[1]", "known entry 1: cases is no list of case ids"),
        ('clause = "a.b"', "clause =", "own.toml"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(file, old, new, said):
    assert said in refused(load, file(FILE.replace(old, new)), "1.3.0")


def test_an_entry_that_is_no_table_is_one_line(file):
    text = "known = ['x']\n" + FILE.partition("[[known]]")[0]

    assert "known entry 1 is no table" in refused(load, file(text), "1.3.0")


@pytest.mark.parametrize("versions", ["1.1", ">=x", "=>1.1"])
def test_a_range_that_is_none_is_one_line(file, versions):
    file(FILE.replace(">=1.1,<1.2", versions))

    assert "own.toml: Invalid specifier" in refused(find, runtime("1.1.5"))


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    refused(load, tmp_path / "own.toml", "1.3.0")


def test_every_file_of_the_project_loads():
    for path in expectations.DIRECTORY.glob("*.toml"):
        assert load(path, "1.3.0").name == path.name


@pytest.mark.parametrize(
    ("until", "ended"),
    [
        ("", False),
        ("2027-01-31", False),
        ("2027-01-30", True),
        ("1.5", True),
        ("1.4.9", True),
        ("1.5.1", False),
    ],
)
def test_an_entry_ends_after_its_day_or_with_its_version(until, ended):
    entry = Expectation("a", "why", ("x",), until=until)

    assert entry.ended("1.5.0", date(2027, 1, 31)) == ended


def test_an_end_that_is_none_is_refused(file):
    said = refused(load, file(FILE + 'until = "soon"\n'), "1.3.0")

    assert "known entry 1: until 'soon' is no day" in said


@pytest.mark.parametrize(("cgroup", "expected"), [("v2", ["a", "b"]), ("hybrid", ["a", "c"])])
def test_an_entry_may_hold_for_one_layout_of_cgroups_only(tmp_path, cgroup, expected):
    text = '[runtime]\nname = "x"\nversions = ">=1"\n'
    for name, only in (("a", ""), ("b", 'cgroup = "v2"'), ("c", 'cgroup = "hybrid"')):
        text += f'[[known]]\nclause = "{name}"\nreason = "r"\ncases = ["{name}"]\n{only}\n'
    (tmp_path / "x.toml").write_text(text)

    known = expectations.load(tmp_path / "x.toml", "1.0.0", cgroup=cgroup).known

    assert [entry.clause for entry in known] == expected


def test_a_layout_of_cgroups_that_there_is_not_is_named(file):
    said = refused(load, file(FILE + 'cgroup = "v3"\n'), "1.3.0")

    assert "known entry 1: cgroup is none of v1, v2, hybrid" in said
