"""The plain-text summary at the end of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reports.summary import render

if TYPE_CHECKING:
    from tests.reports.conftest import Runs

GOLD = Path(__file__).parent / "gold"


def test_gold(runs: Runs) -> None:
    """Sections in the specification's order, then levels, then the sentence, then the problems."""
    run = runs.run(
        runs.case("first", section="config.md#mounts"),
        runs.case("kills"),
        runs.case("refuses", "fail"),
        runs.case("warns", "advice", level="should"),
        runs.case("chooses", "recorded", level="may", section="runtime.md#state"),
        runs.case("limits", "skip", section="config-linux.md#memory"),
        runs.case("differs", "known", section="engine"),
        problems=["expectation runtime.kill.kills passed: delete line 3 of runc.toml"],
        leaks=["cgroup /oci/c-1"],
    )

    assert render(run) == (GOLD / "summary.txt").read_text(encoding="utf-8")


def test_gold_of_a_run_without_cases(runs: Runs) -> None:
    """No table, and still a sentence."""
    assert render(runs.cut_off()) == (GOLD / "summary-empty.txt").read_text(encoding="utf-8")


def test_nothing_of_a_runtime_controls_the_terminal(runs: Runs) -> None:
    """Escape sequences, line feeds and lone surrogates of names come out visible."""
    bad = "\x1b[2J\n\ud800\u202e"
    run = runs.run(runs.case("a", section=bad), problems=[bad])

    text = render(run)

    assert all(character.isprintable() or character == "\n" for character in text)
    assert "␛[2J ⟨U+D800⟩⟨U+202E⟩" in text
