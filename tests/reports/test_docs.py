"""Command lines in the docs are command lines that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reports.__main__ import FORMATS, arguments, main

if TYPE_CHECKING:
    import argparse

    from tests.reports.conftest import Runs

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


def sources(chosen: argparse.Namespace) -> list[Path]:
    """Give the results that a command line names."""
    found = [getattr(chosen, word, []) for word in ("results", "old", "new")]
    return [path for one in found for path in ([one] if isinstance(one, Path) else one)]


@pytest.mark.parametrize("name", sorted(path.name for path in DOCS.glob("*.md")))
def test_commands_of_the_docs_do_what_they_are_there_for(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Run with results in the places that the page names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    for line in commands(name):
        if line.startswith("FORMAT "):
            continue
        words = shlex.split(re.sub(r" \[.*?\]| [>#].*", "", line))
        chosen = arguments(words)
        for place in sources(chosen):
            if not place.exists():  # else an earlier line of the page has made it
                place.mkdir(parents=True)
                runs.save(runs.run(runs.case("a")), place / "results.jsonl")

        assert main(words) == 0, line
        if chosen.output is not None:
            assert chosen.output.exists()


def test_every_format_is_in_the_docs() -> None:
    """With the three that take several runs, and the folder."""
    text = (DOCS / "results-format.md").read_text(encoding="utf-8")

    for name in [*FORMATS, "compare", "diff", "merge", "submission", "evidence"]:
        assert f"`{name}`" in text, name
