"""What an expectation file says no more: which line of it is to go."""

from __future__ import annotations

from datetime import date

import pytest

from harness import strict
from harness.expectations import load
from harness.results import Verdict

LINED = """\
# of this runtime

[runtime]
name = "runc"
versions = ">=1.1"

# each on its own line
[[known]]
clause = "a.b"
cases = [
    "one",
    "two[*]",  # [[known]]
]
reason = "r"

[[known]]  # on one line
clause = "a.b"
cases = ["three", "four"]
reason = '''
[not a header] "three"'''
until = "1.0"

# of the next
[[known]]
clause = "a.b"
cases = ['five']
reason = "not adjudicated"
"""


@pytest.fixture
def file(tmp_path):
    """Write a file as a user does."""

    def write(text):
        path = tmp_path / "own.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("passes", "said"),
    [
        (["one"], "own.toml:11: one passes and is expected to fail: remove this line of the "),
        (["two[1]", "two[2]"], "own.toml:12: two[1] and 1 more pass and are expected to fail: rem"),
        (["two[1]"], 'own.toml:12: two[1] passes and is expected to fail: "two[*]" of the entry '),
        (["one", "two[1]", "two[2]"], "own.toml:8: one and 2 more pass and are expected to fail: "),
        (["four"], 'own.toml:18: four passes and is expected to fail: remove "four" from the '),
        (["five"], "own.toml:24: five passes and is expected to fail: remove the entry of a.b ("),
    ],
)
def test_what_passes_names_the_line_that_is_to_go(file, passes, said):
    known = load(file(LINED.replace(' "three"\'', "'")), "1.0.2")
    every = ["one", "two[1]", "two[2]", "three", "four", "five"]
    ran = [(c, ["a.b"], Verdict.PASS if c in passes else Verdict.KNOWN) for c in every]

    (problem,) = strict.passing(known, ran)

    assert problem.startswith(said)


def test_the_lines_of_an_entry_are_those_that_would_be_deleted(file):
    known = load(path := file(LINED), "1.0.2")

    ranges = [(entry.lines.first, entry.lines.last) for entry in known.known]
    assert ranges == [(8, 14), (16, 21), (24, 27)]
    rows = path.read_text().splitlines()
    rows[7:14] = []
    path.write_text("\n".join(rows))
    assert [entry.cases[0] for entry in load(path, "1.0.2").known] == ["three", "five"]


def test_what_stands_in_two_lines_is_named_by_its_entry(file):
    known = load(file(LINED), "1.0.2")

    (problem,) = strict.passing(known, [("three", ["a.b"], Verdict.PASS)])

    assert problem.startswith('own.toml:16: three passes and is expected to fail: remove "three" ')


def test_an_entry_that_is_not_where_entries_are_has_no_line(file):
    text = LINED.partition("# each")[0]
    inline = 'known = [{clause = "a.b", reason = "r", cases = ["one"]}]\n'

    known = load(file(inline + text), "1.0.2")

    (problem,) = strict.passing(known, [("one", ["a.b"], Verdict.PASS)])
    assert problem == "own.toml: one passes and is expected to fail: remove the entry of a.b"


def test_what_matches_nothing_has_ended_or_lacks_a_reason_names_its_line(file):
    known = load(file(LINED), "1.0.2")
    ran = [(case, ["a.b"]) for case in ("one", "three", "four")]
    entry = "the entry of a.b"

    assert strict.unmatched(known, ran) == [
        f"own.toml:12: {entry} matches no case: two[*]; remove this line of {entry}",
        f"own.toml:24: {entry} matches no case: five; remove {entry} (lines 24 to 27)",
    ]
    (said,) = strict.expired(known, "1.1", date(2027, 1, 1))
    assert said.startswith(f"own.toml:16: {entry} ended (1.0): look again, then remove {entry} (")
    assert [text.partition(": ")[0] for text in strict.unadjudicated(known)] == ["own.toml:24"]
