"""Who uses the keyboard sees where they are, gets past the top, and finds every key listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reports import compare

if TYPE_CHECKING:
    from playwright.sync_api import Page

OUTLINE = """() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  return outlineStyle === "none" ? 0 : parseFloat(outlineWidth);
}"""


@pytest.fixture(params=["report", "compare"])
def page(request, open_page, opened, everything, tmp_path) -> Page:
    """Open each of the pages."""
    if request.param == "report":
        return open_page(everything)  # type: ignore[no-any-return]
    file = tmp_path / "compare.html"
    file.write_text(compare.render([everything, everything]), encoding="utf-8")
    return opened(file)  # type: ignore[no-any-return]


def test_whatever_has_the_focus_is_outlined(page):
    places = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        places.add(page.evaluate("document.activeElement.localName"))
        assert page.evaluate(OUTLINE) >= 2, page.evaluate("document.activeElement.outerHTML")
    assert {"a", "summary", "input"} & places


def test_the_first_step_leads_past_the_top(page):
    page.keyboard.press("Tab")
    link = page.locator("a.jump:focus")
    assert link.is_visible()
    assert link.evaluate("link => link.getBoundingClientRect().top >= 0")

    page.keyboard.press("Enter")

    place = page.evaluate("document.activeElement.id")
    assert place in {"cases", "clauses"}
    assert page.locator(f"#{place} .tools, #{place} .bar").count() >= 1


def test_every_key_is_in_the_list(page):
    script = page.locator("script:not([type])").text_content()
    table = script.partition("const keys = {")[2].partition("};")[0]
    keys = {line.strip().partition(":")[0].strip('"') for line in table.strip().splitlines()}

    page.keyboard.press("?")

    listed = page.locator("#keys kbd").all_inner_texts()
    assert set(listed) - {"Enter"} == {"Esc" if key == "Escape" else key for key in keys}
    assert {"/", "?", "j", "k"} <= set(listed)
