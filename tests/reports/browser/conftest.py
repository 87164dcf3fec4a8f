"""A real browser: Chromium from the system, driven by playwright; without either, a skip."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.results import Moment, Operation, Verdict
from reports import html

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from harness.results import Run

ARTEFACTS = Path(__file__).parents[3] / "build" / "screenshots"
DEADLINE = 10_000  # milliseconds for what a page has to do
NAMES = ("chromium", "chromium-browser", "google-chrome")

CONFIG = """{
  "ociVersion": "1.0.2",
  "process": {"user": {"uid": 0, "umask": 18}, "args": ["/probe"], "cwd": "/"},
  "root": {"path": "rootfs"}
}"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium, once."""
    driver = pytest.importorskip("playwright.sync_api", reason="needs playwright: make setup")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("needs chromium: apt-get install chromium")
    with driver.sync_playwright() as playwright:
        # Its own sandbox needs an ordinary user or user namespaces; all it opens is our own file.
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def artefacts() -> Path:
    """Give the directory that screenshots go to."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    return ARTEFACTS


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Give a function that opens a file from disk; no page may complain of anything."""
    complaints: list[str] = []
    contexts = []

    def go(file: Path, fragment: str = "", init: str = "", **options: Any) -> Page:
        context = browser.new_context(**options)
        context.set_default_timeout(DEADLINE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on(
            "request", lambda r: None if r.url.startswith("file:") else complaints.append(r.url)
        )
        if init:
            page.add_init_script(init)
        page.goto(f"{file.as_uri()}{fragment}")
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready]")
        return page

    yield go
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def open_page(opened: Callable[..., Page], tmp_path: Path) -> Callable[..., Page]:
    """Give a function that opens a run's report."""

    def go(run: Run, fragment: str = "", **options: Any) -> Page:
        file = tmp_path / "report.html"
        file.write_text(html.render(run), encoding="utf-8")
        return opened(file, fragment, **options)

    return go


@pytest.fixture
def everything(runs) -> Run:
    """Give a run with a case of each verdict, in two sections, levels and releases."""
    cases = []
    for number, verdict in enumerate(Verdict):
        evidence = runs.evidence() | {
            "reason": "" if verdict is Verdict.PASS else f"why {verdict.value}",
            "clauses": ["config.process.user.umask"],
            "config": CONFIG,
            "operations": [
                Operation("create", ["runc", "create", "c1"], 0.01, 0.05, 0),
                Operation("kill", ["runc", "kill"], 0.1, 0.02, 1, None, f"said-{number}", "", "F"),
            ],
            "timeline": [Moment(0.07, "status", "created"), Moment(0.08, "hook", "poststart 1")],
            "section": "runtime.md#kill" if number % 2 else "config.md#mounts",
            "level": "must" if number < 6 else "should",
            "since": "1.0.0" if number < 8 else "1.2.0",
        }
        cases.append(runs.case(verdict.value, verdict.value, **evidence))
    made: Run = runs.run(*cases)
    return made
