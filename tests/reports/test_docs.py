"""Command lines in the docs are command lines that there are."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from reports.__main__ import FORMATS, arguments

DOCS = Path(__file__).parents[2] / "docs"
COMMAND = "python -m reports "


def commands(name: str) -> list[str]:
    """Give the commands of a page's blocks, with what is optional in them."""
    text = (DOCS / name).read_text(encoding="utf-8")
    lines = [line for block in text.split("```")[1::2] for line in block.splitlines()]
    return [line.removeprefix(COMMAND) for line in lines if line.startswith(COMMAND)]


@pytest.mark.parametrize("name", ["comparing-runs.md", "results-format.md"])
def test_commands_of_the_docs_parse(name: str) -> None:
    """Each with all of its options."""
    several = [line for line in commands(name) if not line.startswith("FORMAT ")]

    assert several
    for line in several:
        words = shlex.split(line.replace("[", "").replace("]", ""))
        assert arguments(words).format == words[0]


def test_every_format_is_in_the_docs() -> None:
    """With the three that take several runs, and the folder."""
    text = (DOCS / "results-format.md").read_text(encoding="utf-8")

    for name in [*FORMATS, "compare", "diff", "merge", "submission", "evidence"]:
        assert f"`{name}`" in text, name
