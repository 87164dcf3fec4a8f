"""What report.html costs: its size, the time to render it, and Chromium's first paint of it.

``python tools/bench_report.py`` prints one line of JSON; ``make bench`` prints it too. Exit status
1 where a figure is beyond its limit.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from harness.results import (  # noqa: E402
    Case,
    End,
    Header,
    Host,
    Moment,
    Operation,
    Run,
    Runtime,
    Verdict,
)
from reports import html  # noqa: E402

CASES = 900
LARGEST = 3_000_000
"""Bytes of the page."""
LATEST = 1000.0
"""Milliseconds to the first paint."""
NAMES = ("chromium", "chromium-browser", "google-chrome")


def figures() -> dict[str, Any]:
    """Return cases, bytes, render_ms (of the processor) and, with a browser, first_paint_ms."""
    run = _run()
    began = time.process_time()
    page = html.render(run)
    seconds = time.process_time() - began
    found: dict[str, Any] = {
        "cases": CASES,
        "bytes": len(page.encode()),
        "render_ms": round(1000 * seconds, 1),
    }
    painted = _painted(page)
    return found if painted is None else found | {"first_paint_ms": round(painted, 1)}


def within(found: dict[str, Any]) -> bool:
    """Whether the figures hold."""
    return bool(found["bytes"] <= LARGEST and found.get("first_paint_ms", 0.0) <= LATEST)


def _run() -> Run:
    """Make a run of which every ninth case passes, each with the evidence of a failure."""
    config = json.dumps({f"member {n}": list(range(20)) for n in range(6)}, indent=2)
    cases = [_case(number, config) for number in range(CASES)]
    runtime = Runtime("/usr/sbin/runc", "runc", "1.1.5", "1.0.2", "--version", "1.0.2", "9f" * 32)
    host = Host("6.1", "x86_64", "v2", ["capability"], "0" * 16, 0, 2, "3.11")
    header = Header("1.1", "0.1.0", "2026-01-01T00:00:00Z", runtime, host, ["core"], {}, False, "")  # noqa: FBT003 - members of a line
    return Run(header, cases, End(CASES, CASES, {}, 1, False, 60.0, 50.0, 10.0, []))  # noqa: FBT003 - as above


def _case(number: int, config: str) -> Case:
    argv = ["/usr/sbin/runc", "--root", f"/run/{number}", "create", "--bundle", f"/b/{number}", "c"]
    words = [f"{number * n} of {n}" for n in range(40)]
    operations = [
        Operation(name, [*argv, name], at / 10, 0.05, 0, None, " ".join(words), "")
        for at, name in enumerate(("create", "start", "state", "kill", "delete"))
    ]
    verdict = Verdict.PASS if number % 9 == 0 else Verdict.FAIL
    return Case(
        f"runtime/test_{number % 30}.py::test_{number}", [f"runtime.clause.{number}"], verdict,
        "must", f"runtime.md#part-{number % 30}", "1.0.0", f"The runtime does {number}.",
        reason=f"assert {number} == 0", operations=operations, details="\n".join(words),
        timeline=[Moment(at / 10, "status", "running") for at in range(5)],
        config=config.replace("0", str(number)),
    )  # fmt: skip


def _painted(page: str) -> float | None:
    """Milliseconds to the first paint, the best of three; None without a browser."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - it may not be there
    except ImportError:
        return None
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        file = Path(name, "report.html")
        file.write_text(page, encoding="utf-8")
        # All it opens is our own file.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.goto(file.as_uri())
        seen = []
        for _ in range(3):
            seen.append(tab.evaluate("performance.getEntriesByType('paint')[0].startTime"))
            tab.reload()
        browser.close()
    return float(min(seen))


def main() -> int:
    """Print the figures."""
    found = figures()
    sys.stdout.write(json.dumps({"report": found}) + "\n")
    return 0 if within(found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
