"""What an opened case of report.html shows, part by part, as a reader sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.results import Finding, Moment, Operation

if TYPE_CHECKING:
    from playwright.sync_api import Locator


@pytest.fixture
def body(open_page, runs) -> Locator:
    """Open a case that has something of everything."""
    evidence: dict[str, Any] = runs.evidence() | {
        "reason": "assert 'KILL' == 'TERM'\n  and more",
        "operations": [
            Operation("create", ["runc", "create", "c 1"], 0.01, 0.05, 0),
            Operation("kill", ["runc", "kill"], 0.1, 0.02, None, 11, "out", "err", "Crashed"),
        ],
        "timeline": [
            Moment(0.01, "operation", "create"),
            Moment(0.02, "hook", "createRuntime 1"),
            Moment(0.07, "status", "created"),
            Moment(0.08, "program", "ready"),
            Moment(0.1, "operation", "kill"),
        ],
        "findings": [Finding("runtime.delete.cgroups", "cgroup c-1 is still there")] * 101,
        "details": "E   AssertionError",
    }
    page = open_page(runs.run(runs.case("a", "fail", **evidence)))
    page.keyboard.press("e")
    page.eval_on_selector_all("details", "all => all.forEach(each => { each.open = true; })")
    found: Locator = page.locator("details.case .body")
    return found


def test_operations_are_rows_of_words_outcome_and_time(body):
    rows = [row.locator("td").all_inner_texts() for row in body.locator(".ops tbody tr").all()]

    assert [[" ".join(cell.split()) for cell in row] for row in rows] == [
        ["10 ms", "create", "runc create 'c 1'", "exit 0", "50 ms"],
        ["100 ms", "kill", "runc kill stdout out stderr err", "SIGSEGV Crashed", "20 ms"],
    ]
    assert body.locator(".ops thead th").all_inner_texts() == [
        "at", "operation", "command and output", "ended", "took",
    ]  # fmt: skip


def test_the_timeline_draws_operations_hooks_and_states_each_in_its_way(body):
    rows = [" ".join(row.inner_text().split()) for row in body.locator(".time li").all()]

    assert rows == [
        "10 ms operation create (exit 0, 50 ms)",
        "20 ms hook createRuntime 1",
        "70 ms status created",
        "80 ms program ready",
        "100 ms operation kill (SIGSEGV, 20 ms)",
    ]
    shapes = body.locator(".time path").evaluate_all("all => all.map(p => p.getAttribute('d'))")
    assert len(set(shapes)) == 3
    bars = body.locator(".time rect").all()
    places = [float(str(bar.get_attribute("x")).rstrip("%")) for bar in bars]
    assert places == pytest.approx([96 * 0.01 / 0.12, 96 * 0.1 / 0.12], abs=0.01)
    widths = [bar.evaluate("bar => bar.getBoundingClientRect().width") for bar in bars]
    assert widths[0] == pytest.approx(2.5 * widths[1], rel=0.02)


def test_all_else_that_was_recorded_is_there(body):
    text = " ".join(body.inner_text().split())

    assert body.locator("pre.reason").inner_text() == "assert 'KILL' == 'TERM'\n  and more"
    assert 'Recorded choice {"status": 3}' in text
    assert "cgroup c-1 is still there runtime.delete.cgroups" in text
    assert body.locator(".cut").all_inner_texts() == [
        "1 finding left out here; results.jsonl has them."
    ]
    texts = body.locator("details.more pre").all_inner_texts()
    assert texts == ['{\n  "ociVersion": "1.0.2"\n}', "E   AssertionError"]


def test_what_a_case_says_of_itself_is_a_line_with_its_links(body):
    meta = " ".join(body.locator(".meta").inner_text().split())

    assert meta == (
        "runtime.kill.a level must since 1.0.0 500 ms, 250 ms in the runtime blocked by create "
        "lane v1-root worker gw0 runtime.md#kill runtime/test_kill.py::test_a"
    )
    links = body.locator(".meta a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert links[0].endswith("/blob/v1.0.2/runtime.md#kill")
    assert links[1].startswith("#runtime-kill-a-")
