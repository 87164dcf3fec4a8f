"""What stands on report.html before a case is opened: each fact in its place."""

from __future__ import annotations

import dataclasses
import html
import re
from typing import TYPE_CHECKING

from harness.results import Verdict
from reports import coverage
from reports.html import render
from tests.reports.test_html import Document

if TYPE_CHECKING:
    import pytest

    from tests.reports.conftest import Runs


def plain(markup: str) -> str:
    """Give the text of a piece of a page, each white space one blank."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def facts(page: str) -> dict[str, str]:
    """Give the pairs of the lists in which the run is described."""
    pairs = re.findall(r"<div><dt>(.*?)</dt><dd>(.*?)</dd></div>", page, re.DOTALL)
    return {plain(name): plain(value) for name, value in pairs if "<kbd>" not in name}


def test_the_run_is_described_in_full(runs: Runs) -> None:
    """Runtime, host, date, suite, options: these and no others."""
    header = runs.header(options={"args": ["--runtime=/x", "-k", "a b"]}, lane="v2")
    header = dataclasses.replace(header, host=dataclasses.replace(header.host, rootless=True))

    page = render(runs.run(runs.case("a"), header=header))

    assert facts(page) == {
        "name": "runc",
        "version": "1.1.5",
        "path": "/usr/sbin/runc",
        "sha256": "9f" * 32,
        "judged by": "runtime-spec 1.0.2, from --version",
        "bundles carry": "ociVersion 1.0.2",
        "--version says": "runc version 1.1.5 spec: 1.0.2-dev",
        "started": "2026-11-22T15:20:00Z",
        "suite": "0.1.0",
        "profiles": "core, linux",
        "host": "5.10.0, x86_64, 8 CPUs",
        "cgroups": "hybrid",
        "lane": "v2",
        "LSMs": "capability, yama",
        "capabilities": "000001ffffffffff",
        "run as": "uid 0, rootless, Python 3.11.7",
        "expectations": "runc.toml",
        "args": '["--runtime=/x", "-k", "a b"]',
    }
    assert plain(page.split("<h1>")[1].split("</h1>")[0]) == "runc 1.1.5"
    assert "<title>runc 1.1.5: conformant, OCI runtime conformance</title>" in page


def test_what_is_red_beyond_its_cases_stands_at_the_top(runs: Runs) -> None:
    """Problems of the gate, and what was left on the host, below the sentence."""
    page = render(runs.run(runs.case("a"), problems=["remove line 3"], leaks=["cgroup /c-1"]))

    top = plain(page.split("<header")[1].split("</header>")[0])
    assert top.endswith("(core, linux). remove line 3 Left on the host: cgroup /c-1")


def test_the_meter_has_a_bar_for_each_verdict_one_after_the_other(runs: Runs) -> None:
    """As wide as its share, from where the one before it ends."""
    cases = [runs.case("a"), runs.case("b"), runs.case("c", "fail"), runs.case("d", "skip")]
    should = runs.case("e", "advice", level="should")

    page = render(runs.run(*cases, should))

    meters = page.split('<div class="meters">')[1].split("</div>\n</div>")[0]
    bars = re.findall(r'<g class="([\w-]+)">.*?<rect x="([\d.]+)%" width="([\d.]+)%"', meters)
    assert [(name, float(x), float(width)) for name, x, width in bars] == [
        ("pass", 0, 50), ("fail", 50, 25), ("skip", 75, 25), ("advice", 0, 100),
    ]  # fmt: skip
    names = re.findall(r'<div class="name">(.*?)</div>', meters)
    assert names == ["must", "should"]


def test_the_meter_tells_verdicts_apart_by_more_than_colour(runs: Runs) -> None:
    """What needs a look is hatched, what says nothing is dotted; a symbol stands in wide bars."""
    cases = [runs.case(v.value, v.value) for v in (Verdict.PASS, Verdict.BLOCKED, Verdict.SKIP)]

    page = render(runs.run(*cases))

    bars = re.findall(r'<g class="([\w-]+)">(.*?)</g>', page.split('class="meters"')[1], re.DOTALL)
    drawn = {name: re.findall(r'class="(hatch|dots)"', bar) for name, bar in bars}
    assert drawn == {"pass": [], "blocked": ["hatch"], "skip": ["dots"]}
    texts = [re.findall(r"<text[^>]*>(.*?)</text>", bar) for _, bar in bars]
    assert texts == [["✓ 1"], ["⊘ 1"], ["– 1"]]  # noqa: RUF001


def test_counts_stand_in_a_table_by_verdict_and_level(runs: Runs) -> None:
    """With what each verdict means, and how many cases there were."""
    cases = [runs.case("a"), runs.case("b", "fail"), runs.case("c", level="should")]

    page = render(runs.run(*cases, collected=4))

    table = page.split('<table class="counts">')[1].split("</table>")[0]
    rows = [plain(row) for row in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)]
    assert rows == [
        "verdict must should all meaning",
        "✓ pass 1 1 2 the clause held",
        "✗ fail 1 1 the runtime does not do what the clause says",
        "cases 2 1 3 4 collected, in 2.0 s",
    ]


def test_sections_have_their_counts_in_the_order_of_the_specification(runs: Runs) -> None:
    """In the navigation and above the cases: how many, and how many to look at."""
    run = runs.run(
        runs.case("a", section="config.md#mounts"),
        runs.case("b", "fail"),
        runs.case("c", "blocked"),
        runs.case("d"),
    )

    page = render(run)

    nav = plain(page.split("<nav")[1].split("</nav>")[0].partition(">")[2])
    assert nav == "Sections runtime.md Kill ⚑ 2 to look at of / 3 config.md Mounts 1"
    parts = re.findall(r'<section class="part".*?</h3>(.*?)</p>', page, re.DOTALL)
    assert [plain(part) for part in parts] == ["✓ 1 pass ✗ 1 fail ⊘ 1 blocked", "✓ 1 pass"]
    chosen = re.findall(r"<option[^>]*>([^<]*)</option>", page)
    assert chosen == ["All sections", "Kill (3)", "Mounts (1)", "All releases", "since 1.0.0 (4)"]


def test_a_case_of_the_list_has_verdict_clause_level_and_what_was_seen(runs: Runs) -> None:
    """In this order; a known deviation keeps its reason beside it."""
    known = "It is so upstream.\nseen: assert 'KILL' == 'TERM'"
    page = render(
        runs.run(
            runs.case("a", "fail", case="x::test_a[TERM]", reason="assert 'KILL' == 'TERM'"),
            runs.case("b", "known", level="should", reason=known),
            runs.case("c"),
        )
    )

    lines = re.findall(r'<details class="case.*?<summary>(.*?)</summary>', page, re.DOTALL)
    assert [plain(line) for line in lines] == [
        "✗ fail Kill does a. TERM must expected 'TERM' seen 'KILL'",
        "◆ known Kill does b. should It is so upstream. expected 'TERM' seen 'KILL'",
        "✓ pass Kill does c. must",
    ]


def test_an_opened_case_says_since_when_at_which_level_and_how_long(runs: Runs) -> None:
    """And the lane, what blocked it, and the worker."""
    case = runs.case("a", "blocked", level="should", **runs.evidence() | {"lanes": {"v2": "pass"}})

    (found,) = runs.unpacked(render(runs.run(case))).values()

    assert found["facts"] == [
        "level should", "since 1.0.0", "500 ms, 250 ms in the runtime", "blocked by create",
        "lane v1-root", "pass on v2", "worker gw0",
    ]  # fmt: skip
    assert (found["id"], found["clauses"]) == (case.case, ["runtime.kill.a"])


def test_operations_have_their_words_exit_status_and_time(runs: Runs) -> None:
    """As they are shown, and as numbers for the picture of when they ran."""
    (found,) = runs.unpacked(render(runs.run(runs.case("a", **runs.evidence())))).values()

    kill, delete = found["operations"]
    assert kill == {
        "at": 0.125,
        "seconds": 0.012,
        "began": "125 ms",
        "took": "12 ms",
        "name": "kill",
        "command": "/usr/sbin/runc kill 'c 1' TERM",
        "outcome": "exit 1",
        "fault": "OperationError",
        "stdout": "printed",
        "stderr": "said",
    }
    assert (delete["command"], delete["outcome"]) == ("runc delete", "SIGSEGV")
    assert found["moments"] == [[0.1, "status", "running", 0]]


def test_more_reasons_than_there_is_room_for_are_counted(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commonest ones are shown."""
    monkeypatch.setattr(coverage, "ROWS", 1)
    skips = [runs.case(str(n), "skip", reason=f"no {n // 2}") for n in range(5)]

    text = " ".join(Document(render(runs.run(*skips))).text.split())

    assert "Skipped on this host: 5 cases 2 no 0 2 more reasons" in text
