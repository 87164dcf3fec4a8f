"""The reading side: text of a container that nobody vouches for."""

import pytest

from harness.probe import Line, parse

GOOD = b'{"nonce":"n","as":"a","event":"e","x":1}\n'


@pytest.mark.parametrize(
    "noise",
    [
        b"a runtime says hello\n", b"\n", b"\xff\xfe\n", b"[1]\n", b"{}\n", b"null\n", b"{\n",
        b'{"nonce":"other","as":"","event":"e"}\n', b'{"nonce":"n","as":"","event":1}\n',
        b'{"nonce":"n","as":null,"event":"e"}\n', b'{"nonce":["n"],"as":"","event":"e"}\n',
        b'{"nonce":"n","as":"","event":"e","x":NaN}\n', b"{" * 100_000 + b"\n",
        b'{"a":' * 100_000 + b"\n", b'{"nonce":"n","as":"","event":"e","x":' + b"9" * 9999 + b"}\n",
        b'{"nonce":"n","as":"","event":"e","x":"' + b"y" * (3 << 20) + b'"}\n',
    ],
    ids=lambda noise: repr(noise[:24]),
)  # fmt: skip
@pytest.mark.parametrize("decoded", [False, True])
def test_parse_passes_over_what_is_not_a_line_of_this_probe(*, noise: bytes, decoded: bool) -> None:
    raw = GOOD + noise + GOOD
    text = raw.decode("utf-8", "surrogateescape") if decoded else raw

    assert parse(text, "n") == [Line("e", "a", {"x": 1})] * 2


@pytest.mark.parametrize("end", range(1, len(GOOD)))
def test_parse_passes_over_a_line_that_is_still_being_written(end: int) -> None:
    assert parse(GOOD + GOOD[:end], "n") == [Line("e", "a", {"x": 1})]


def test_parse_splits_at_newlines_only() -> None:
    line = '{"nonce":"n","as":"","event":"a\u2028b\x85c"}\n'

    assert [found.event for found in parse(line.encode(), "n")] == ["a\u2028b\x85c"]
