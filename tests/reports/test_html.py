"""report.html: what is on it, and that nothing of a runtime gets out of its place."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import random
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from harness.clauses import catalogue
from harness.results import Moment, Operation, Verdict
from reports import evidence, killed
from reports.coverage import coverage
from reports.html import render
from reports.text import slug

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.results import Run
    from tests.reports.conftest import Runs

VOID = {"meta", "br", "input", "link", "img", "hr"}
OPTIONAL_END = {"td", "th", "tr", "li", "p", "dt", "dd"}


class Document(HTMLParser):
    """The elements of a page, its text, and the attributes by element."""

    def __init__(self, page: str) -> None:
        """Parse ``page``."""
        super().__init__()
        self.elements: list[tuple[str, list[str]]] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, sorted(name for name, _ in attrs)))
        self.attributes.append((tag, dict(attrs)))
        if tag not in VOID | OPTIONAL_END:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element that closes itself."""
        self.elements.append((tag, sorted(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Check that what ends is what began last."""
        if tag not in OPTIONAL_END:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep text, not css and js."""
        if not self.open or self.open[-1] not in {"style", "script"}:
            self.text += data + " "

    def values(self, name: str) -> list[str]:
        """Give the values of an attribute."""
        return [str(attrs[name]) for _, attrs in self.attributes if name in attrs]


def filled(value: Any, text: str) -> Any:
    """Put ``text`` into every string of a run that is not one of our own words."""
    if isinstance(value, Verdict) or value is None:
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        ours = {"level": "must", "profile": "core"}
        names = [field.name for field in dataclasses.fields(value)]
        parts = {n: ours.get(n, filled(getattr(value, n), text)) for n in names}
        return dataclasses.replace(value, **parts)
    if isinstance(value, str):
        return text
    if isinstance(value, list):
        return [filled(part, text) for part in value]
    if isinstance(value, dict):
        return {f"{text}{n}": filled(part, text) for n, part in enumerate(value.values())}
    return value


def full(runs: Runs) -> Run:
    """Give a run with a case of every verdict, each with all there is to show."""
    cases = [runs.case(v.value, v.value, **runs.evidence()) for v in Verdict]
    return runs.run(*cases, problems=["p"], leaks=["l"])


def prints(text: str) -> bool:
    """Whether every character of ``text`` is one to be seen, or ends a line."""
    return all(character.isprintable() or character in "\n\t" for character in text)


def strings(value: Any) -> Iterator[str]:
    """Give all texts in a JSON document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)


HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "</style></pre></details><script>alert(1)</script>",
    "\"'><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}<b>&lt;&#60;",
    "<!--",
    "\x00\x01\x1b[31m\x1b]0;title\x07\x7f\x85",
    "\u202ekcab\u2066\u2069\u200f\u2028\ufeff",
    "\ud800\udfff tail",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_a_runtime_printed_is_never_markup(runs: Runs, text: str) -> None:
    """The page has the same elements and attributes as that of a harmless run, and only prints."""
    harmless = "x[y]" if "[" in text else "x"  # a bracket in a case's id begins its parameters

    page = render(filled(full(runs), text))

    assert Document(page).elements == Document(render(filled(full(runs), harmless))).elements
    assert prints(page)
    page.encode("utf-8")
    assert all(map(prints, strings(runs.unpacked(page))))


def test_a_megabyte_in_every_string_is_cut(runs: Runs) -> None:
    """Outputs without end make no page without end, and the cut is marked."""
    page = render(filled(full(runs), "</script>\x1b" * 100_000))

    assert Document(page).open == []
    assert len(page.encode()) < 3_000_000
    assert "characters left out" in page
    assert max(map(len, strings(runs.unpacked(page)))) < 17_000


def test_evidence_that_does_not_deflate_is_cut_where_room_ends(runs: Runs, monkeypatch) -> None:
    """Cases that need a look keep all; the last ones to pass lose most, and say so."""
    monkeypatch.setattr(evidence, "PACKED", 200_000)
    letters = base64.b64encode(bytes(range(256)) * 12).decode()
    noise = ["".join(random.Random(n).sample(letters, 4000)) for n in range(401)]  # noqa: S311
    said = [[Operation("state", [], 0.1, 0.1, 0, stdout=text)] for text in noise]
    cases = [runs.case(str(n), operations=said[n]) for n in range(400)]
    failing = runs.case("last", "fail", operations=said[400])

    page = render(runs.run(*cases, failing))

    found = runs.unpacked(page)
    assert len(page) < 200_000 * 4 / 3 + 350_000
    assert found["400"]["operations"][0]["stdout"] == noise[400]
    assert found["0"]["operations"][0]["stdout"] == noise[0]
    assert "characters left out" in found["100"]["operations"][0]["stdout"]
    assert "operations" not in found["399"]
    assert found["399"]["left"][1].startswith("1 earlier operation left out")


@pytest.mark.parametrize(("count", "limit"), [(900, 1_000_000), (2122, 2_000_000)])
def test_ordinary_runs_are_small_with_all_their_evidence(
    runs: Runs, count: int, limit: int
) -> None:
    """With six operations and a state each; issue 6 asks for 3 MB for 900 cases."""
    state = '{\n  "id": "c-5f1b0aa3",\n  "status": "created",\n  "pid": 12934\n}\n' * 4
    argv = ["/usr/sbin/runc", "--root", "/tmp/oci-run/gw0", "state", "c-5f1b0aa3"]  # noqa: S108
    operations = [Operation("state", argv, 0.1, 0.1, 0, stdout=state) for _ in range(6)]
    cases = [runs.case(str(n), operations=operations) for n in range(count)]

    page = render(runs.run(*cases))

    assert len(page.encode()) < limit
    assert page.count('class="case pass"') == count
    shown = [case["operations"] for case in runs.unpacked(page).values()]
    assert all(o["stdout"] == state for case in shown for o in case)


def test_needs_nothing_but_itself(runs: Runs) -> None:
    """No element loads anything; the policy allows our own css and js by digest alone."""
    page = render(full(runs))
    document = Document(page)

    policy = next(v for v in document.values("content") if "default-src" in v)
    for kind in ("style", "script"):
        source = page.split(f"<{kind}>")[1].split(f"</{kind}>")[0]
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert document.values("src") == []
    assert document.values("style") == []
    assert not {"link", "img", "iframe", "object"} & {tag for tag, _ in document.elements}
    assert not re.search(r"url\((?!#)|@import", page)
    assert {v.split("/")[2] for v in document.values("href") if v[0] != "#"} == {"github.com"}


def test_ids_are_unique_and_links_lead_somewhere(runs: Runs) -> None:
    """Every fragment has its element, even where a case was recorded twice."""
    twice = runs.case("fail", "fail")

    document = Document(render(runs.run(*full(runs).cases, twice, twice)))

    ids = document.values("id")
    assert len(ids) == len(set(ids))
    assert {v[1:] for v in document.values("href") if v.startswith("#")} <= set(ids)
    assert slug("runtime/test_kill.py::test_fail") in ids


def test_a_case_shows_all_that_was_recorded(runs: Runs) -> None:
    """Clause, level, link, reason, evidence of every kind: nothing is dropped."""
    page = render(runs.run(runs.case("a", "fail", **runs.evidence())))
    document = Document(page)
    said = document.text + "\n".join(strings(runs.unpacked(page)))

    for expected in (
        "Kill does a.", "runtime.kill.a", "must", "since 1.0.0", "'KILL'", "'TERM'",
        '{"status": 3}', "cgroup c-1 is still there", "runtime.delete.cgroups",
        "/usr/sbin/runc kill 'c 1' TERM", "exit 1", "OperationError", "SIGSEGV", "12 ms", "printed",
        "said", "running", '"ociVersion": "1.0.2"', "E   AssertionError", "gw0", "v1-root",
    ):  # fmt: skip
        assert expected in said, expected
    blob = "https://github.com/opencontainers/runtime-spec/blob"
    assert f"{blob}/v1.0.2/runtime.md#kill" in document.values("href")
    assert runs.unpacked(page)["0"]["link"] == f"{blob}/v1.0.2/runtime.md#kill"


def test_the_run_is_described(runs: Runs) -> None:
    """Verdict, runtime, host, suite, options and expectations stand at the top."""
    text = Document(render(runs.run(runs.case("a"), problems=["an expectation passed"]))).text

    for expected in (
        "Conformant with OCI runtime-spec 1.0.2 (core, linux).", "an expectation passed",
        "/usr/sbin/runc", "9f" * 32, "runtime-spec 1.0.2, from --version", "ociVersion 1.0.2",
        "5.10.0", "hybrid", "2026-11-22T15:20:00Z", "0.1.0", "deadline", "runc.toml",
    ):  # fmt: skip
        assert expected in text, expected


@pytest.mark.parametrize("verdict", sorted(set(Verdict) - {Verdict.PASS}))
def test_what_is_no_pass_says_why_without_script(runs: Runs, verdict: Verdict) -> None:
    """The list of cases has the reason; the evidence is folded."""
    document = Document(render(runs.run(runs.case("a", verdict.value, reason="because of it"))))

    assert "because of it" in document.text
    assert not [a for t, a in document.attributes if "case" in str(a.get("class")) and "open" in a]


def test_expected_and_seen_stand_in_two_lines(runs: Runs) -> None:
    """A comparison is read as what the clause demands and what came."""
    document = Document(render(runs.run(runs.case("a", "fail", **runs.evidence()))))

    assert "expected 'TERM' seen 'KILL'" in " ".join(document.text.split())


def test_an_endless_number_leaves_the_evidence_readable(runs: Runs) -> None:
    """1e999 is JSON; what it becomes is not, and would make a browser refuse all evidence."""
    endless = Operation("state", [], float("inf"), float("inf"))

    page = render(runs.run(runs.case("a", operations=[endless])))

    assert runs.unpacked(page)["0"]["operations"][0]["at"] == 0


def test_what_was_done_for_several_cases_has_a_clock_of_its_own(runs: Runs) -> None:
    """Where the timeline goes back, a shared container's part ends; threads of one case do not."""
    at = (0.001, 0.07, 0.003, 0.0025)
    operations = [Operation("create", [], when, 0.01, 0) for when in at]
    timeline = [Moment(when, "operation", "create") for when in at]
    timeline.insert(2, Moment(0.08, "status", "running"))

    page = render(runs.run(runs.case("a", operations=operations, timeline=timeline)))

    found = runs.unpacked(page)["0"]
    assert [one.get("clock", 0) for one in found["operations"]] == [0, 0, 1, 1]
    assert found["moments"] == [[0.08, "status", "running", 0]]


def test_says_what_the_run_covers(runs: Runs) -> None:
    """Clauses tested; what did not run, by why; what no case can show."""
    skips = [runs.case(name, "skip", reason="no rdma") for name in "bc"]
    other = runs.case("d", "not-applicable", reason="stands so from 1.3.0")

    text = " ".join(Document(render(runs.run(runs.case("a"), *skips, other))).text.split())

    assert "1 clause tested by 1 case; 1 case not applicable, 2 skipped." in text
    assert "Skipped on this host: 2 cases 2 no rdma" in text
    assert "Not applicable to this runtime: 1 case 1 stands so from 1.3.0" in text
    assert "Untestable by a case" in text


def test_the_untestable_clauses_are_those_of_the_catalogue(runs: Runs) -> None:
    """Each with its reason."""
    expected = [(one.id, one.untestable) for one in catalogue().values() if one.untestable]

    assert sorted(coverage(runs.run()).untestable) == sorted(expected)
    assert expected


def test_a_case_names_the_mutants_that_it_killed(runs: Runs, monkeypatch, tmp_path) -> None:
    """From killed.json, where there is one and the case is in it."""
    known = tmp_path / "killed.json"
    known.write_text(json.dumps({runs.case("a").case: ["kill.sends_term"]}))
    monkeypatch.setattr(killed, "KNOWN", known)
    killed.killed.cache_clear()

    found = runs.unpacked(render(runs.run(runs.case("a"), runs.case("b"))))

    killed.killed.cache_clear()
    assert found["0"]["killed"] == ["kill.sends_term"]
    assert "killed" not in found["1"]


def test_blocked_cases_are_grouped_under_what_blocked_them(runs: Runs) -> None:
    """One line at the top for each operation that failed, with a link to each case."""
    blocked = [runs.case(name, "blocked", blocked_by="create") for name in "abc"]
    other = runs.case("d", "blocked", blocked_by="start", reason="start: exit status 1")

    text = " ".join(Document(render(runs.run(other, *blocked))).text.split())

    assert "3 cases blocked by create" in text
    assert "1 case blocked by start start: exit status 1 Kill does d." in text
    assert text.index("3 cases blocked") < text.index("1 case blocked")


def test_a_list_of_very_many_is_cut_and_says_so(runs: Runs) -> None:
    """Where everything fails, the list at the top does not repeat all cases."""
    cases = [runs.case(str(n), "fail") for n in range(203)]

    page = render(runs.run(*cases))

    assert page.count("<li><a href=") == 200 + 1  # and the section's
    assert "And 3 more" in page


def test_counts_by_level_and_verdict(runs: Runs) -> None:
    """The meter says in words what it shows in colours."""
    run = runs.run(runs.case("a"), runs.case("b", "fail"), runs.case("c", "skip", level="should"))

    labels = [label for label in Document(render(run)).values("aria-label") if ": " in label]
    assert labels == ["must: 1 pass, 1 fail", "should: 1 skip"]


def test_a_cut_off_run_says_so(runs: Runs) -> None:
    """Without an end mark the page says it first, and every finished case is there."""
    document = Document(render(runs.cut_off(runs.case("a"), runs.case("b"))))

    assert "Cut off after 2 cases" in document.text
    assert "no end mark" in document.text
    assert document.values("class").count("case pass") == 2


def test_a_run_without_cases_renders(runs: Runs) -> None:
    """An empty run is a page too."""
    assert "No case was recorded." in Document(render(runs.run())).text
