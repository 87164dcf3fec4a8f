"""Systematic changes of a source: where they are made, and what they make of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests import mutation

SOURCE = '''
"""A module."""

from __future__ import annotations

LIMIT = 3


def check(values, flag=1):
    """Look at values."""
    if values:
        log("seen")
    for value in values:
        try:
            take(value | 4)
        except OSError:
            raise ValueError(f"{value + 1}")
    self.done = True
    return len(values) == LIMIT and flag
'''


def changes(kind):
    return {p.before: p.after for p in mutation.points(SOURCE) if p.kind == kind}


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("negate", {"if values:\n    log('seen')": "if not values:\n    log('seen')"}),
        ("constant", {"4": "5", "True": "False"}),
        ("compare", {"len(values) == LIMIT": "len(values) != LIMIT"}),
        ("and-or", {"len(values) == LIMIT and flag": "len(values) == LIMIT or flag"}),
        ("operator", {"value | 4": "value & 4"}),
        (
            "drop",
            {
                "log('seen')": "pass",
                "take(value | 4)": "pass",
                "raise ValueError(f'{value + 1}')": "pass",
                "self.done = True": "pass",
            },
        ),
    ],
)
def test_each_kind_of_change(kind, found):
    assert changes(kind) == found


def test_a_comparison_is_not_negated_twice():
    source = "def check(a):\n    if a == 1:\n        return 2\n"

    assert [point.kind for point in mutation.points(source)] == ["compare", "constant", "constant"]


def test_one_change_is_made_and_no_other():
    numbers = [point.number for point in mutation.points(SOURCE)]
    made = [mutation.mutated(SOURCE, number) for number in numbers]

    assert len(set(made)) == len(numbers)
    plain = mutation.marked(SOURCE, "m", "pass").count("\n")
    assert {abs(text.count("\n") - plain) < 12 for text in made} == {True}
    for point, text in zip(mutation.points(SOURCE), made, strict=True):
        assert point.after.splitlines()[0] in text


def test_marks_say_which_blocks_were_executed():
    seen: list[str] = []
    source = mutation.marked(SOURCE.replace("self.done = True", ""), "m", "import math")
    names: dict[str, Any] = {mutation.MARK: seen.append, "log": len, "take": print}
    exec(compile(source, "m", "exec"), names)  # noqa: S102 - our own text

    names["check"]([])

    lines = SOURCE.splitlines()
    first = 1 + lines.index('    """Look at values."""')
    assert seen == [f"m:{first}"]
    assert "\nimport math\n" in source
