"""results.jsonl is read back as it was written, and nothing else is taken for one."""

from __future__ import annotations

import dataclasses
import io
import json
import types
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import results
from harness.faults import ResultsError
from harness.results import Case, End, Header, Run, Verdict

if TYPE_CHECKING:
    from pathlib import Path

# In JSON a high and a low surrogate side by side are one character: only such a pair is joined.
CHARACTERS = st.characters() | st.sampled_from("\n\r\0\x1b\x85\u2028\u2029\ud800\udcff\U0001f4a9")
TEXTS = st.text(CHARACTERS, max_size=12).map(
    lambda text: text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: st.integers(),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    Verdict: st.sampled_from(Verdict),
    type(None): st.none(),
}
PLAIN[Any] = st.recursive(
    st.one_of(*(PLAIN[type_] for type_ in (str, int, bool, float, type(None)))),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXTS, below, max_size=3),
    max_leaves=6,
)


def of(type_: Any) -> st.SearchStrategy[Any]:
    """Give any value of the type of a field."""
    arguments = get_args(type_)
    if get_origin(type_) is list:
        return st.lists(of(arguments[0]), max_size=3)
    if get_origin(type_) is dict:
        return st.dictionaries(TEXTS, of(arguments[1]), max_size=3)
    if isinstance(type_, types.UnionType):
        return st.one_of(*map(of, arguments))
    return made(type_) if dataclasses.is_dataclass(type_) else PLAIN[type_]


def made(cls: Any, **given: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Give any instance of a dataclass, whatever fields it has."""
    fields = {name: of(type_) for name, type_ in get_type_hints(cls).items()}
    return st.builds(cls, **fields | given)


FORMATS = st.sampled_from([results.FORMAT, "1.7", "1"])
HEADERS = made(Header, format=FORMATS)


def written(*lines: Header | Case | End) -> str:
    stream = io.StringIO()
    writer = results.Writer(stream)
    for line in lines:
        writer.write(line)
    return stream.getvalue()


@settings(deadline=None, database=None)
@given(HEADERS, st.lists(made(Case), max_size=3), st.none() | made(End))
def test_what_is_written_is_read_back_equal(header, cases, end):
    text = written(header, *cases, *([end] if end else []))

    assert text.isascii()
    assert results.parse(text, "results.jsonl") == Run(header, cases, end)


@settings(deadline=None, database=None, max_examples=30)
@given(made(Case))
def test_a_case_crosses_from_a_worker_as_it_is(case):
    assert results.case_from(results.dumps(dataclasses.asdict(case))) == case


# A run of two cases

CASE = Case("runtime/test_kill.py::test_a", ["runtime.kill.a"], Verdict.PASS, "must", "s", "1", "x")
END = End(2, 2, {"pass": 2}, 0, False, 1.0, 0.5, 0.5, [])  # noqa: FBT003 - in the order of the line
RUNTIME = results.Runtime("/r", "r", "1", "1.2.1", "features", "1.2.1", "00")
HOST = results.Host("6.1", "x86_64", "v2", [], "0", 0, 2, "3.11")
HEADER = Header(results.FORMAT, "0", "now", RUNTIME, HOST, ["core"], {}, False, "")  # noqa: FBT003


def lines() -> list[str]:
    other = dataclasses.replace(CASE, case="b")
    return written(HEADER, CASE, other, END).splitlines(keepends=True)


def refused(text: str) -> str:
    """Return the one line that says why this is no run."""
    with pytest.raises(ResultsError) as caught:
        results.parse(text, "r.jsonl")
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85"])
def test_only_a_newline_ends_a_line(separator):
    run_line, case_line, *rest = lines()
    raw = case_line.replace('"reason":""', f'"reason":"a{separator}b"')

    run = results.parse("".join([run_line, raw, *rest]), "r.jsonl")

    assert run.cases[0].reason == f"a{separator}b"


def test_a_carriage_return_is_no_end_of_a_line_of_a_file(tmp_path):
    file = tmp_path / "results.jsonl"
    file.write_bytes("".join(lines()).replace('"seconds"', '\r"seconds"').encode())

    assert len(results.read(tmp_path).cases) == 2


def test_a_last_line_without_its_newline_counts_only_if_nothing_else_is_missing():
    text = "".join(lines())

    for end in range(text.index("\n"), len(text)):
        run = results.parse(text[:end], "r.jsonl")
        finished = sum(f"{text[:end]}\n".startswith(text[: n + 1]) for n in newlines(text))
        assert 1 + len(run.cases) + (run.end is not None) == finished


def newlines(text: str) -> list[int]:
    return [number for number, character in enumerate(text) if character == "\n"]


def test_a_whole_run_has_an_end_and_a_cut_off_one_has_none():
    assert results.parse("".join(lines()), "r.jsonl").end == END
    assert results.parse("".join(lines()[:-1]), "r.jsonl").end is None


@pytest.mark.parametrize(
    "bad",
    [
        "", " ", "not json", '{"type":"case"', '{"type":"case"}', '{"type":"surprise"}',
        '{"type":[]}', "{}", "[]", "1", "null", '"case"', "[" * 200_000, '{"a":' * 200_000,
        "9" * 5000, "\ufeff{}",
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
@pytest.mark.parametrize("number", [1, 2, 4, 5])
def test_a_complete_line_that_is_none_is_named_wherever_it_is(bad, number):
    text = lines()
    text.insert(number - 1, bad + "\n")

    assert refused("".join(text)).startswith(f"r.jsonl:{number}: ")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"verdict":"pass"', '"verdict":"passed"'),
        ('"verdict":"pass",', ""),
        ('"operations":[]', '"operations":{}'),
        ('"operations":[]', '"operations":["create"]'),
        ('"timeline":[]', '"timeline":[{"at":0}]'),
        ('"seconds":0.0', '"seconds":NaN'),
        ('"seconds":0.0', '"seconds":-Infinity'),
    ],
)
def test_a_case_of_another_shape_is_named(old, new):
    text = lines()
    assert old in text[1]
    text[1] = text[1].replace(old, new, 1)

    assert refused("".join(text)).startswith("r.jsonl:2: ")


@pytest.mark.parametrize(
    ("order", "line"),
    [
        ([0, 0, 1, 2, 3], 2), ([0, 1, 0], 3), ([1, 0, 2, 3], 1), ([3, 0], 1), ([0, 1, 3, 2], 4),
        ([0, 1, 2, 3, 3], 5), ([0, 3, 0], 3),
    ],
)  # fmt: skip
def test_a_line_out_of_its_place_is_named(order, line):
    text = [lines()[number] for number in order]

    assert refused("".join(text)).startswith(f"r.jsonl:{line}: out of place")


@pytest.mark.parametrize("text", ["", "{", '{"type":"run"', "[" * 200_000, "\0" * 512])
def test_a_file_without_a_line_has_no_run(text):
    assert "has no run line" in refused(text)


@pytest.mark.parametrize("version", ["2.0", "", "one", "0.9", "11.0", "2\n1"])
def test_another_major_format_is_refused_before_its_lines_are_looked_at(version):
    text = json.dumps({"type": "run", "format": version, "all": "else is new"})

    assert refused(text + "\n{}\n").startswith("r.jsonl:1: format ")


@pytest.mark.parametrize("version", [None, 1, 1.0, ["1.0"], {}, True])
def test_a_format_that_is_no_string_is_refused(version):
    text = written(HEADER).replace(f'"{results.FORMAT}"', json.dumps(version), 1)

    assert refused(text).startswith("r.jsonl:1: format ")


def test_members_of_a_newer_minor_format_are_dropped():
    text = "".join(lines()).replace('{"type"', '{"news":[1],"type"')

    assert results.parse(text, "r.jsonl") == results.parse("".join(lines()), "r.jsonl")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\0"], ids=["missing", "no UTF-8"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content):
    file = tmp_path / "results.jsonl"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ResultsError, match="cannot be read") as caught:
        results.read(file)

    assert str(file) in str(caught.value)


def test_a_line_is_on_disk_before_the_next_one(tmp_path):
    file = tmp_path / "results.jsonl"
    order: list[Header | Case | End] = [HEADER, CASE, END]
    with file.open("w", encoding="utf-8") as stream:
        writer = results.Writer(stream)
        for number, line in enumerate(order, 1):
            writer.write(line)
            assert file.read_bytes().count(b"\n") == number


# Verdicts


def test_every_verdict_has_a_severity_of_its_own():
    assert sorted(verdict.severity for verdict in Verdict) == list(range(len(Verdict)))


def test_what_gates_is_worse_than_what_does_not():
    gates = [verdict.severity for verdict in Verdict if verdict.gates]
    others = [verdict.severity for verdict in Verdict if not verdict.gates]

    assert min(gates) > max(others)
    assert {v.value for v in Verdict if v.gates} == {"fail", "blocked", "error", "unstable"}


def test_only_what_never_operated_did_not_run():
    assert {v.value for v in Verdict if not v.ran} == {"skip", "not-applicable"}
