"""The pictures of README.md: three runtimes compared, and two versions of one.

``python tools/pictures.py RUN RUN RUN --diff OLD NEW`` (``make pictures``), each a results.jsonl or
its directory, writes docs/pictures/compare.png and diff.png by Chromium; exit status 1 if one of
them is larger than a README should have.
"""

from __future__ import annotations

import argparse
import html
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from reports import compare, diff  # noqa: E402
from reports.load import load  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Page

PICTURES = ROOT / "docs" / "pictures"
LARGEST = 80_000
"""Bytes of a picture."""
WIDTH, HEIGHT = 900, 400
NAMES = ("chromium", "chromium-browser", "google-chrome")

TERMINAL = """<!doctype html><meta charset="utf-8"><title>diff</title>
<style>body { margin: 0; background: #fff; color: #111; font: 13px/1.4 monospace }
pre { margin: 16px; white-space: pre-wrap }</style><pre>%s</pre>"""


def draw(runs: Sequence[Path], old: Path, new: Path, directory: Path) -> list[Path]:
    """Write both pictures; return their paths."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only who draws needs it

    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        sys.exit("tools/pictures.py: needs chromium: make deps-browser")
    directory.mkdir(parents=True, exist_ok=True)
    command = f"$ python -m reports diff {old.name} {new.name}\n"
    pages = {
        "compare": compare.render([load(path) for path in runs]),
        "diff": TERMINAL % html.escape(command + diff.text(diff.compare(load(old), load(new)))),
    }
    made = []
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        # All it opens is our own file.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        for name, text in pages.items():
            file = Path(scratch, f"{name}.html")
            file.write_text(text, encoding="utf-8")
            page.goto(file.as_uri())
            _show(page)
            made.append(directory / f"{name}.png")
            page.screenshot(path=made[-1])
        browser.close()
    return made


def _show(page: Page) -> None:
    """Show of a compared page the clauses where those that ran differ."""
    differ = page.get_by_role("button", name="where those that ran differ")
    if differ.count():
        differ.click()
        page.evaluate("document.querySelector('section.part:not([hidden])').scrollIntoView()")


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw what the command line names."""
    parser = argparse.ArgumentParser(prog="tools/pictures.py", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="to be compared")
    parser.add_argument("--diff", nargs=2, type=Path, required=True, metavar=("OLD", "NEW"))
    parser.add_argument("--directory", type=Path, default=PICTURES, help="where they go")
    chosen = parser.parse_args(arguments)
    old, new = chosen.diff
    made = draw(chosen.runs, old, new, chosen.directory)
    sizes = {path: path.stat().st_size for path in made}
    for path, size in sizes.items():
        sys.stdout.write(f"{path}: {size} bytes\n")
    return int(max(sizes.values()) > LARGEST)


if __name__ == "__main__":
    raise SystemExit(main())
