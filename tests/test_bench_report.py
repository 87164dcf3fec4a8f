"""The figures of report.html that ``make bench`` prints, and their limits."""

from __future__ import annotations

import json
import shutil
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from harness import door
from tools import bench, bench_report


def test_a_page_of_nine_hundred_cases_is_within_its_limits():
    """Below 3 MB; below a second to the first paint where there is a browser to paint it.

    In a process of its own: one process drives one browser.
    """
    done = door.tool([sys.executable, str(bench_report.__file__)], deadline=120)

    found = json.loads(done.stdout)["report"]
    assert (done.exit_status, found["cases"]) == (0, 900)
    assert 0 < found["bytes"] <= 3_000_000
    assert found["render_ms"] > 0
    if any(map(shutil.which, bench_report.NAMES)):
        assert 0 < found["first_paint_ms"] <= 1000


@pytest.mark.parametrize(
    ("found", "held"),
    [
        ({"bytes": 3_000_000, "first_paint_ms": 1000.0}, True),
        ({"bytes": 3_000_000}, True),
        ({"bytes": 3_000_001, "first_paint_ms": 10.0}, False),
        ({"bytes": 1, "first_paint_ms": 1000.1}, False),
    ],
)
def test_what_is_beyond_a_limit_is_red(found, held):
    assert bench_report.within(found) is held


@pytest.mark.parametrize("status", [0, 1])
def test_the_bench_prints_them_and_is_red_if_they_do_not_hold(status, monkeypatch, capsys):
    asked: list[list[str]] = []

    def tool(words: list[str], **_: Any) -> SimpleNamespace:
        asked.append(words)
        return SimpleNamespace(stdout='{"report": {}}\n', exit_status=status)

    monkeypatch.setattr(bench, "print_ratio", lambda: True)
    monkeypatch.setattr(bench, "measure", lambda _: bench.Measured("r", *range(8)))
    monkeypatch.setattr(door, "tool", tool)
    monkeypatch.setattr(sys, "argv", ["bench.py", "/usr/bin/none"])

    assert bench.main() == status
    assert capsys.readouterr().out.startswith('{"report": {}}\n')
    assert asked[0][-1].endswith("tools/bench_report.py")
