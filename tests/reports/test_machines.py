"""What is written for machines: JUnit, Markdown, the badge, a submission."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

import reports.__main__ as command
from harness import results
from harness.results import Run, Verdict
from reports import badge, junit, markdown, submission
from reports.fenced import cell, code, phrase

if TYPE_CHECKING:
    from tests.reports.conftest import Runs

GOLD = Path(__file__).parent / "gold"


def ordinary(runs: Runs) -> Run:
    """Give a run with a case of every verdict."""
    told = {"reason": "assert 'KILL' == 'TERM'", "seconds": 0.25}
    cases = [
        runs.case("passes", seconds=0.125),
        runs.case("fails", "fail", **runs.evidence()),
        runs.case("blocks", "blocked", blocked_by="create", reason="create: exit status 1"),
        runs.case("errs", "error", details="Traceback\nOSError", reason="OSError"),
        runs.case("differs", "unstable", **told),
        runs.case("advises", "advice", level="should", **told),
        runs.case("knows", "known", section="config.md#mounts", reason="upstream 12 <&>"),
        runs.case("chooses", "recorded", level="may", recorded={"status": "créé"}),
        runs.case("cannot", "skip", reason="needs cgroup v2"),
        runs.case("predates", "not-applicable", reason="since 1.2.0"),
    ]
    return runs.run(*cases, problems=["x passes: remove the entry of y"], leaks=["cgroup /c-1"])


@pytest.mark.parametrize(
    ("name", "render"),
    [("junit.xml", junit.render), ("summary.md", markdown.render), ("badge.json", badge.render)],
)
def test_gold(runs: Runs, name: str, render: object) -> None:
    """A case of every verdict, a problem and a leak, as each format writes them."""
    assert callable(render)

    assert render(ordinary(runs)) == (GOLD / name).read_text(encoding="utf-8")


class TestJunit:
    """The four outcomes that JUnit knows, told truthfully."""

    def test_says_what_each_verdict_is(self, runs: Runs) -> None:
        """Only a pass is a pass; fail and blocked are failures; error is ours; else skipped."""
        kinds = {}
        for verdict in Verdict:
            root = ET.fromstring(junit.render(runs.run(runs.case("a", verdict.value))))  # noqa: S314
            (case,) = root.iter("testcase")
            kinds[verdict] = {child.tag for child in case} - {"properties"}

        red = {Verdict.FAIL, Verdict.BLOCKED, Verdict.UNSTABLE}
        assert kinds.pop(Verdict.PASS) == set()
        assert kinds.pop(Verdict.ERROR) == {"error"}
        assert {v for v, tags in kinds.items() if tags == {"failure"}} == red
        assert all(tags == {"skipped"} for v, tags in kinds.items() if v not in red)

    def test_counts_what_it_holds(self, runs: Runs) -> None:
        """The attributes are the numbers of the elements, in each suite and in all."""
        root = ET.fromstring(junit.render(ordinary(runs)))  # noqa: S314

        names = {"tests": "testcase", "failures": "failure", "errors": "error"}
        names |= {"skipped": "skipped"}
        for element in (root, *root.iter("testsuite")):
            counts = Counter(child.tag for child in element.iter())
            for attribute, tag in names.items():
                assert element.get(attribute) == str(counts[tag]), (element.get("name"), tag)
        assert root.get("tests") == "12"

    @pytest.mark.parametrize(
        ("end", "said"),
        [
            (None, "cut off after 1 case"),
            ({"interrupted": True}, "interrupted after 1 case"),
            ({"collected": 4}, "3 collected cases without a result"),
            ({"leaks": ["mount /x"]}, "mount /x"),
            ({"problems": ["an entry passes"]}, "an entry passes"),
        ],
    )
    def test_what_is_less_than_a_whole_run_is_red(
        self, runs: Runs, end: dict[str, Any] | None, said: str
    ) -> None:
        """A viewer that counts failures and errors does not show such a run green."""
        case = runs.case("a")
        run = runs.cut_off(case) if end is None else runs.run(case, **end)

        root = ET.fromstring(junit.render(run))  # noqa: S314

        assert (root.get("failures"), root.get("errors")) in {("1", "0"), ("0", "1")}
        assert said in {e.get("message") for e in root.iter() if e.tag in {"failure", "error"}}

    def test_its_size_is_bounded(self, runs: Runs) -> None:
        """However much a runtime printed, a viewer can load the file."""
        operations = [results.Operation("create", ["r"], 0, 0, 1, stderr="<" * 4096)] * 20
        some: dict[str, Any] = {
            "details": "&" * 100_000,
            "operations": operations,
            "reason": "<" * 9999,
        }
        cases = [runs.case(str(n), "fail", **some) for n in range(2000)]

        assert len(junit.render(runs.run(*cases))) < 25_000_000


class TestMarkdown:
    """The summary for a page of CI."""

    def test_is_bounded_and_counts_what_it_leaves_out(self, runs: Runs) -> None:
        """Less than a comment takes, with the number of cases that are not listed."""
        cases = [runs.case(f"c{n}", "fail", reason="r" * 500) for n in range(3000)]

        text = markdown.render(runs.run(*cases))

        listed = text.count("runtime/test_kill.py::")
        assert len(text.encode()) < 60_000
        assert listed > 50
        assert f"and {3000 - listed} more cases in results.jsonl" in text

    def test_a_run_without_cases(self, runs: Runs) -> None:
        """No table, and still a sentence."""
        text = markdown.render(runs.cut_off())

        assert "Cut off after 0 cases: nothing was run" in text
        assert "| verdict" not in text

    @pytest.mark.parametrize(
        ("text", "span"),
        [
            ("a", "`a`"),
            ("", ""),
            ("`", "`` ` ``"),
            ("a``b", "``` a``b ```"),
            ("<b>@team\n# x", "`<b>@team # x`"),
        ],
    )
    def test_a_code_span_cannot_be_left(self, text: str, span: str) -> None:
        """The fence is longer than any in the text, and the text is one line."""
        assert code(text) == span

    def test_a_bar_does_not_end_a_cell(self) -> None:
        """As GFM wants it in a table."""
        assert cell("a|b") == r"`a\|b`"

    @pytest.mark.parametrize("text", ["a <b>", "@team", "https://x", "www.x.org", "*a*", "a|b"])
    def test_only_a_harmless_sentence_stays_text(self, text: str) -> None:
        """What Markdown could read is code."""
        assert phrase(text).startswith("`")
        assert phrase("Not conformant: 3 fail (core, linux).")[0] == "N"


class TestBadge:
    """The endpoint JSON."""

    @pytest.mark.parametrize(
        ("verdicts", "message", "color"),
        [
            (["pass"], "conformant", "brightgreen"),
            (["pass", "known"], "1 known deviation", "yellow"),
            (["pass", "fail"], "1 MUST clause fails", "red"),
            (["pass", "fail", "fail"], "2 MUST clauses fail", "red"),
            (["pass", "blocked"], "not shown: 1 blocked case", "orange"),
            (["pass", "error", "error"], "not shown: 2 errors", "orange"),
            (["recorded"], "not shown: nothing held", "orange"),
            (["skip"], "nothing run", "lightgrey"),
        ],
    )
    def test_says_the_verdict(
        self, runs: Runs, verdicts: list[str], message: str, color: str
    ) -> None:
        """Green is a whole run in which every MUST clause held, and nothing else."""
        run = runs.run(*(runs.case(f"c{n}", v) for n, v in enumerate(verdicts)))

        assert json.loads(badge.render(run)) == {
            "schemaVersion": 1,
            "label": "OCI runtime-spec 1.0.2",
            "message": message,
            "color": color,
        }

    def test_what_is_less_than_a_whole_run_is_not_green(self, runs: Runs) -> None:
        """Cut off, interrupted, partial."""
        case = runs.case("a")
        partial = runs.run(case, header=runs.header(partial=True))
        several = [runs.cut_off(case), runs.run(case, interrupted=True), partial]
        several += [runs.cut_off(runs.case("a", "fail")), runs.cut_off()]

        messages = [json.loads(badge.render(run))["message"] for run in several]

        assert messages == [
            "not shown: cut off", "not shown: interrupted", "not shown: partial run",
            "1 MUST clause fails (cut off)", "nothing run (cut off)",
        ]  # fmt: skip


class TestSubmission:
    """The folder for a certification."""

    def test_gold(self, runs: Runs) -> None:
        """Who reads it first reads the verdict, the facts and the command."""
        header = runs.header(options={"args": ["--runtime=/usr/sbin/runc", "-k", "a\n'b\x1b"]})
        files = submission.files(runs.run(runs.case("a"), header=header), b"", "x")

        for name in ("README.md", "command.txt", "environment.json"):
            assert files[name].decode() == (GOLD / f"submission-{name}").read_text(encoding="utf-8")

    def test_holds_the_results_byte_by_byte_and_sums_that_check(
        self, runs: Runs, tmp_path: Path
    ) -> None:
        """What the sums say is what is there; the results are those of the run."""
        file = runs.save(ordinary(runs), tmp_path / "results.jsonl")
        folder = tmp_path / "out"

        assert command.main(["submission", str(tmp_path), "-o", str(folder)]) == 0

        lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
        sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
        names = {path.name for path in folder.iterdir()}
        assert names == {*sums, "SHA256SUMS"} == {*submission.CONTENTS, "README.md"}
        for name, digest in sums.items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        assert (folder / "results.jsonl").read_bytes() == file.read_bytes()
        assert folder.stat().st_mode & 0o777 == 0o755
        assert not [path for path in tmp_path.iterdir() if path.name.endswith(".tmp")]

    def test_only_a_whole_run_can_be_submitted(
        self, runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Cut off, interrupted, chosen or missing cases: one line, and no folder."""
        case = runs.case("a")
        several = {
            "cut off": runs.cut_off(case),
            "interrupted": runs.run(case, interrupted=True),
            "partial": runs.run(case, header=runs.header(partial=True)),
            "without a result": runs.run(case, collected=2),
        }
        for said, run in several.items():
            file = runs.save(run, tmp_path / "results.jsonl")
            assert command.main(["submission", str(file), "-o", str(tmp_path / "out")]) == 4
            error = capsys.readouterr().err
            assert said in error
            assert error.count("\n") == 1
        assert [path.name for path in tmp_path.iterdir()] == ["results.jsonl"]

    def test_never_writes_into_what_is_there(
        self, runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A folder with something in it stays as it is; an empty one is taken."""
        file = runs.save(runs.run(runs.case("a")), tmp_path / "results.jsonl")
        (tmp_path / "empty").mkdir()

        for place in (tmp_path, file, tmp_path / "no" / "such"):
            assert command.main(["submission", str(file), "-o", str(place)]) == 4
        assert command.main(["submission", str(file)]) == 4
        assert capsys.readouterr().err.count("\n") == 4
        assert command.main(["submission", str(file), "-o", str(tmp_path / "empty")]) == 0
        assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "results.jsonl"]
