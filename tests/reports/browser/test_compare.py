"""The page of several runs as people use it: opened from disk, filtered, searched, by keyboard."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from reports import compare
from reports.text import slug

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PHONE = {"width": 360, "height": 740}
DIFFERS = slug("runtime.kill.differs")


@pytest.fixture
def open_compared(opened: Callable[..., Any], tmp_path: Path, runs) -> Callable[..., Any]:
    """Give a function that opens the page of two runs."""
    old = runs.run(
        runs.case("agrees"),
        runs.case("differs", "fail", reason="</script><img src=x onerror=alert(1)>"),
        runs.case("unclaimed", level="should"),
        runs.case("chooses", "recorded", level="may", section="config.md#mounts"),
    )
    new = runs.run(
        runs.case("agrees"),
        runs.case("differs"),
        runs.case("unclaimed", "not-applicable", level="should", reason="claimed later"),
        runs.case("chooses", "recorded", level="may", section="config.md#mounts"),
    )
    runtime = dataclasses.replace(new.header.runtime, version="1.2.0")
    new = dataclasses.replace(new, header=dataclasses.replace(new.header, runtime=runtime))

    def go(fragment: str = "", **options: Any) -> Any:
        file = tmp_path / "compare.html"
        file.write_text(compare.render([old, new]), encoding="utf-8")
        return opened(file, fragment, **options)

    return go


def count(page: Any) -> int:
    """Count the rows that are to be seen."""
    found: int = page.locator("details.row:visible").count()
    return found


def test_filters_where_they_differ(open_compared, artefacts):
    page = open_compared()
    assert page.inner_text("#shown") == "4 of 4 clauses"

    page.get_by_role("button", name="where they differ").click()
    assert page.inner_text("#shown") == "2 of 4 clauses"
    page.get_by_role("button", name="where those that ran differ").click()
    assert page.locator("details.row:visible").get_attribute("id") == DIFFERS
    page.screenshot(path=artefacts / "compare.png")


def test_filters_by_verdict_and_level(open_compared):
    page = open_compared()

    page.locator("button.not-applicable").click()
    assert count(page) == 1
    page.get_by_role("button", name="may").click()
    assert count(page) == 0
    page.click("#reset")
    assert count(page) == 4


def test_the_evidence_is_one_click_away_and_inert(open_compared):
    page = open_compared()
    row = page.locator(f"#{DIFFERS}")
    assert not row.locator(".body").is_visible()

    row.locator("summary").click()

    assert "</script><img src=x onerror=alert(1)>" in row.locator("pre").inner_text()
    assert page.locator("img").count() == 0


def test_search_and_keys(open_compared):
    page = open_compared()

    page.keyboard.press("d")
    assert count(page) == 2
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    assert page.locator(f"#{DIFFERS}").get_attribute("open") == ""
    page.keyboard.press("Escape")
    assert count(page) == 4
    page.keyboard.press("/")
    page.keyboard.type("LATER claimed")
    page.get_by_text("1 of 4 clauses", exact=True).wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()


def test_a_deep_link_opens_its_clause(open_compared):
    page = open_compared(f"#{DIFFERS}")

    assert page.locator(f"#{DIFFERS} .body").is_visible()


def test_without_script_everything_is_there(open_compared):
    page = open_compared(java_script_enabled=False)

    assert count(page) == 4
    page.locator(f"#{DIFFERS} summary").click()
    assert page.locator(f"#{DIFFERS} pre").is_visible()


def test_a_phone_shows_the_runs_by_name(open_compared, artefacts):
    page = open_compared(viewport=PHONE)

    assert page.locator(f"#{DIFFERS} .run").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.screenshot(path=artefacts / "compare-phone.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_compared, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = open_compared(f"#{DIFFERS}", color_scheme=scheme)

    found = axe.Axe().run(page, options={"resultTypes": ["violations"]})

    assert found.response["violations"] == []
