"""How what was seen is written: as the probe writes it, since a shell compares the texts."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import looks

SCALARS = st.none() | st.booleans() | st.integers() | st.text()
DOCUMENTS = st.recursive(
    SCALARS, lambda part: st.lists(part) | st.dictionaries(st.text(), part), max_leaves=10
)


@given(DOCUMENTS)
def test_what_is_written_is_the_value(document):
    text = looks.literal(document)

    assert json.loads(text) == document
    assert not looks.CONTROL.search(text)


@given(DOCUMENTS)
def test_control_characters_alone_are_numbered(document):
    escapes = set(re.findall(r"\\(?:u....|.)", looks.literal(document)))
    numbered = {rf"\u{number:04x}" for number in (*range(0x20), 0x7F)}

    assert escapes <= numbered | {r"\\", r"\""}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, "b"], "c": None}, '{"a":[1,"b"],"c":null}'),
        ('\n\x7f\\"é', '"\\u000a\\u007f\\\\\\"é"'),
        (True, "true"),
    ],
)  # fmt: skip
def test_texts_are_those_of_the_probe(value, text):
    assert looks.literal(value) == text
