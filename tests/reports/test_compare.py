"""The page of several runs: rows, columns, differences, evidence, and that text stays text."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from typing import TYPE_CHECKING, Any

import pytest

from harness.faults import ResultsError
from harness.results import Operation, Verdict
from reports import across, compare
from reports.text import slug
from tests.reports.test_html import HOSTILE, Document, filled, full

if TYPE_CHECKING:
    from harness.results import Run
    from tests.reports.conftest import Runs


def named(run: Run, version: str) -> Run:
    """Give ``run`` as one of another version."""
    runtime = dataclasses.replace(run.header.runtime, version=version)
    return dataclasses.replace(run, header=dataclasses.replace(run.header, runtime=runtime))


def two(runs: Runs) -> list[Run]:
    """Give two runs that agree, differ and lack."""
    one = runs.run(
        runs.case("late", section="config.md#mounts"),
        runs.case("agrees"),
        runs.case("differs", "fail", **runs.evidence()),
        runs.case("unclaimed"),
        runs.case("only_here"),
    )
    other = runs.run(
        runs.case("agrees"),
        runs.case("differs"),
        runs.case("unclaimed", "not-applicable", reason="since 1.2.0"),
        runs.case("only_there", "skip", section="runtime.md#state"),
        runs.case("late", section="config.md#mounts"),
    )
    return [one, named(other, "1.2.0")]


def words(page: str) -> str:
    """Give the text of a page, each white space one blank."""
    return " ".join(Document(page).text.split())


def test_rows_stand_in_the_specifications_order_and_no_case_is_lost(runs: Runs) -> None:
    """State before kill before mounts, whatever the order of the runs and their cases."""
    parts = across.parts(two(runs))

    assert [part.name for part in parts] == [
        "runtime.md#state", "runtime.md#kill", "config.md#mounts",
    ]  # fmt: skip
    assert [row.clause.rpartition(".")[2] for part in parts for row in part.rows] == [
        "only_there", "agrees", "differs", "unclaimed", "only_here", "late",
    ]  # fmt: skip


def test_a_row_has_each_runs_verdict_by_name(runs: Runs) -> None:
    """Which run a mark belongs to is text; none is where a run has no case."""
    text = words(compare.render(two(runs)))

    assert "Kill does differs. must runc 1.1.5: ✗ fail runc 1.2.0: ✓ pass" in text
    assert "Kill does only_here. must runc 1.1.5: ✓ pass runc 1.2.0: · none" in text


def test_what_differs_is_marked(runs: Runs) -> None:
    """Any verdict that differs; and apart from it those of runs that ran the case."""
    page = compare.render(two(runs))
    rows = {
        str(attributes["id"]): attributes
        for tag, attributes in Document(page).attributes
        if tag == "details" and attributes.get("data-v")
    }

    def having(name: str) -> set[str]:
        return {place for place, attributes in rows.items() if name in attributes}

    def places(*clauses: str) -> set[str]:
        return {slug(f"runtime.kill.{clause}") for clause in clauses}

    assert having("data-d") == places("differs", "unclaimed", "only_here", "only_there")
    assert having("data-r") == places("differs")
    assert rows[slug("runtime.kill.differs")]["data-v"] == "fail pass"
    assert "6 clauses in 2 runs: 4 with verdicts that differ, 1 of them among" in words(page)


def test_totals_of_each_run(runs: Runs) -> None:
    """Counts by verdict and the sentence of each run; zero is left empty."""
    text = words(compare.render(two(runs)))

    assert "✓ pass 4 3" in text
    assert "✗ fail 1 – skip 1 ○ not-applicable 1 cases 5 5" in text  # noqa: RUF001
    assert "runc 1.1.5 Not conformant with OCI runtime-spec 1.0.2" in text
    assert "runc 1.2.0 Conformant with OCI runtime-spec 1.0.2" in text


def test_what_each_run_was_made_with_stands_below_its_totals(runs: Runs) -> None:
    """Release, date, program, suite, host: what may explain that verdicts differ."""
    first, other = two(runs)
    host = dataclasses.replace(other.header.host, kernel="6.1", cgroup="v2", rootless=True)
    runtime = dataclasses.replace(other.header.runtime, spec_version="1.2.0", sha256="ab" * 32)
    made: dict[str, Any] = {"host": host, "runtime": runtime, "suite_version": "0.2.0"}
    made |= {"started": "2026-12-01T00:00:00Z", "partial": True}
    other = dataclasses.replace(other, header=dataclasses.replace(other.header, **made))

    page = compare.render([first, other])

    table = page.split("<tbody>")[1].split("</tbody>")[0]
    rows = re.findall(r'<tr><th scope="row">([a-z0-9 ]+)</th>(.*?)</tr>', table)
    cells = {
        name: [re.sub("<[^>]*>", "", cell) for cell in re.findall("<td>(.*?)</td>", row)]
        for name, row in rows
    }
    assert cells == {
        "judged by": [f"OCI runtime-spec {v} (core, linux)" for v in ("1.0.2", "1.2.0")],
        "started": ["2026-11-22T15:20:00Z", "2026-12-01T00:00:00Z"],
        "sha256": ["9f" * 6, "ab" * 6],
        "suite": ["0.1.0", "0.2.0, partial"],
        "host": ["5.10.0 x86_64, cgroups hybrid", "6.1 x86_64, cgroups v2, rootless"],
    }


def test_sections_say_how_many_of_their_clauses_differ(runs: Runs) -> None:
    """In the list that leads to them."""
    page = compare.render(two(runs))

    listed = page.split('<nav class="about"')[1].split("</nav>")[0]
    items = re.findall(r"<li>(.*?)</li>", listed)
    assert [" ".join(re.sub("<[^>]*>", "", item).split()) for item in items] == [
        "runtime.md: State 1 of 1 differ",
        "runtime.md: Kill 3 of 4 differ",
        "config.md: Mounts 0 of 1 differ",
    ]


def test_evidence_is_one_click_away(runs: Runs) -> None:
    """In the details of its row: case, reason, the call that failed; runs that agree together."""
    page = compare.render(two(runs))
    row = page.split(f'id="{slug("runtime.kill.differs")}"')[1].split("</details>")[0]
    agreed = page.split(f'id="{slug("runtime.kill.agrees")}"')[1].split("</details>")[0]

    for expected in (
        "runtime/test_kill.py::test_differs", "assert &#39;KILL&#39; == &#39;TERM&#39;",
        "kill: exit 1: said", "delete: SIGSEGV", "since 1.0.0",
    ):  # fmt: skip
        assert expected in row, expected
    assert "✓</i> pass</b> in all" in agreed


def test_a_cell_says_how_many_of_its_cases_are_so(runs: Runs) -> None:
    """The worst of those that ran, and the number of cases that came to it."""
    clause: dict[str, Any] = {"clauses": ["runtime.kill.x"]}
    one = [runs.case("a", "fail", **clause), runs.case("b", **clause), runs.case("c", **clause)]
    other = [runs.case("a", **clause), runs.case("b", "skip", **clause)]

    text = words(compare.render([runs.run(*one), named(runs.run(*other), "2")]))

    assert "runc 1.1.5: ✗ fail 1 of 3 runc 2: ✓ pass 1 of 2" in text


def test_runs_of_the_same_name_are_numbered(runs: Runs) -> None:
    """Two runs of one runtime stay apart."""
    run = runs.run(runs.case("a"))

    text = words(compare.render([run, run, named(run, "2")]))

    assert "runc 1.1.5 (1): ✓ pass runc 1.1.5 (2): ✓ pass runc 2: ✓ pass" in text


def test_a_cut_off_run_says_so(runs: Runs) -> None:
    """It is on the page with what it finished, marked."""
    text = words(compare.render([runs.run(runs.case("a")), runs.cut_off(runs.case("a"))]))

    assert "runc 1.1.5 (2) Partial" not in text
    assert "runc 1.1.5 (2) Cut off after 1 case" in text


def test_runs_without_cases_render(runs: Runs) -> None:
    """An empty page is a page too."""
    assert "No case was recorded." in words(compare.render([runs.cut_off(), runs.run()]))


def test_more_runs_than_anybody_can_read_are_refused(runs: Runs) -> None:
    """One clear line instead of a page of a hundred columns."""
    with pytest.raises(ResultsError, match="21 runs; a page shows at most 20"):
        compare.render([runs.run()] * 21)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_a_runtime_printed_is_never_markup(runs: Runs, text: str) -> None:
    """The page has the same elements and attributes as that of harmless runs, and only prints."""

    def page(word: str) -> str:
        return compare.render([filled(full(runs), word), full(runs)])

    hostile = page(text)

    assert Document(hostile).elements == Document(page("x")).elements
    assert all(character.isprintable() or character in "\n\t" for character in hostile)
    hostile.encode("utf-8")


def test_needs_nothing_but_itself(runs: Runs) -> None:
    """No element loads anything; the policy allows our own css and js by digest alone."""
    page = compare.render([full(runs), full(runs)])
    document = Document(page)

    policy = next(v for v in document.values("content") if "default-src" in v)
    for kind in ("style", "script"):
        source = page.split(f"<{kind}>")[1].split(f"</{kind}>")[0]
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert document.values("src") == document.values("style") == []
    assert {v[0] for v in document.values("href")} == {"#"}
    assert not re.search(r"url\((?!#)|@import", page)


def test_ids_are_unique_and_links_lead_somewhere(runs: Runs) -> None:
    """Even where a clause has cases in two sections, or a case was recorded twice."""
    again = runs.case("fail", "fail", section="config.md#mounts", case="x")
    first = full(runs)
    first.cases.extend([again, first.cases[0]])

    document = Document(compare.render([first, full(runs)]))

    ids = document.values("id")
    assert len(ids) == len(set(ids))
    assert {v[1:] for v in document.values("href")} <= set(ids)
    assert slug("runtime.kill.fail") in ids


def test_five_ordinary_runs_stay_below_three_megabytes(runs: Runs) -> None:
    """2100 cases of 850 clauses each, with reasons where they did not pass."""
    several = []
    verdicts = list(Verdict)
    for number in range(5):
        cases = [
            runs.case(
                f"does_something_with_a_name_of_some_length[{n}-{n}]",
                verdicts[n % 10] if n % 7 == number else "pass",
                clauses=[f"runtime.kill.clause-{n % 850}"],
                reason=f"demanded: an error of the operation {n}; seen: it succeeded " * 2,
            )
            for n in range(2100)
        ]
        several.append(named(runs.run(*cases), str(number)))

    page = compare.render(several)

    assert len(page.encode()) < 3_000_000
    assert page.count('<details class="row"') == 850
    assert "seen: it succeeded" in page


def test_a_megabyte_in_every_text_is_cut(runs: Runs) -> None:
    """Five runs of 2100 cases that all failed with very much to say are no larger page."""
    operation = Operation("create", ["r"], 0, 0, 1, stderr="<" * 4096, fault="OperationError")
    several = []
    for number in range(5):
        told = {"reason": f"{number}</script>\x1b\ud800" * 200, "operations": [operation] * 3}
        cases = [runs.case(f"case_of_some_length_{n}", "fail", **told) for n in range(2100)]
        several.append(named(runs.run(*cases), str(number)))

    page = compare.render(several)

    assert len(page.encode()) < 3_000_000
    assert page.count('<details class="row"') == 2100
