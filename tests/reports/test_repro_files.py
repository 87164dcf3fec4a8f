"""The files of evidence/: safe names, nothing of a run executed, old or new and never half."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import reports.__main__ as command
from harness import looks
from harness.faults import UsageError
from reports import repro
from reports.text import slug

if TYPE_CHECKING:
    from harness.results import Case
    from tests.reports.conftest import Runs

WORK = "/run/x/work"
HOSTILE = "'; touch @BAD@; $(touch @BAD@) `touch @BAD@` \\ \" \n"


def case(runs: Runs, name: str = "a", text: str = "", **members: Any) -> Case:
    """Give a case that failed with a replay of one call."""
    argv = ["/bin/runtime", "--root", f"{WORK}/case/root", "create", "--bundle", f"{WORK}/b", text]
    config = [["", "dir", 0o755, 0, 0, ""], ["config.json", "file", 0o644, 0, 0, f"{{{WORK}}}"]]
    steps = [
        {"do": "files", "at": f"{WORK}/b", "entries": config},
        {
            "do": "call",
            "call": 0,
            "name": "create",
            "argv": argv,
            "cwd": "",
            "stdout": f"{WORK}/0.out",
        },
        {"do": "ended", "call": 0, "seen": "exit 0"},
        {"do": "field", "file": f"{WORK}/0.out", "select": [text], "key": text or "k", "seen": "1"},
        {"do": "of a newer format"},
    ]
    found = {"work": WORK, "steps": steps, "lacks": [], "beyond": []}
    values = {"reason": text, "summary": text, "replay": found} | members
    made: Case = runs.case(name, values.pop("verdict", "fail"), **values)
    return made


@pytest.mark.parametrize("verdict", ["fail", "blocked", "error", "known", "advice"])
def test_each_case_that_did_not_pass_has_a_folder(runs, tmp_path, verdict):
    (tmp_path / "own-probe").write_bytes(b"probe")
    run = runs.run(runs.case("passes"), case(runs, verdict=verdict))

    repro.write_all(run, tmp_path, tmp_path / "own-probe")

    (name,) = repro.folders(run)
    assert name == slug(run.cases[1].case)
    found = {
        str(path.relative_to(tmp_path / "evidence")) for path in tmp_path.rglob("evidence/**/*")
    }
    assert found == {"probe", name, f"{name}/repro.sh", f"{name}/config.json"}
    assert (tmp_path / "evidence" / name / "config.json").read_text() == f"{{{WORK}}}"
    assert (tmp_path / "evidence" / name / "repro.sh").stat().st_mode & 0o777 == 0o755


def test_what_was_there_before_is_gone_and_no_evidence_leaves_none(runs, tmp_path):
    repro.write_all(runs.run(case(runs, "old")), tmp_path, None)
    repro.write_all(runs.run(case(runs, "new")), tmp_path, None)
    assert [path.name.rpartition("-")[0] for path in (tmp_path / "evidence").iterdir()] == [
        "runtime-kill-new"
    ]

    repro.write_all(runs.run(runs.case("passes")), tmp_path, None)

    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_leaves_nothing_half(runs, tmp_path):
    with pytest.raises(UsageError, match="evidence: cannot be written"):
        repro.write_all(runs.run(case(runs)), tmp_path, tmp_path / "no-probe")

    assert list(tmp_path.iterdir()) == []


def test_the_worst_come_first_and_no_more_than_there_is_room_for(runs, monkeypatch):
    monkeypatch.setattr(repro, "CASES", 2)
    known, fail, advice = (case(runs, v, verdict=v) for v in ("known", "fail", "advice"))

    found = list(repro.folders(runs.run(known, fail, advice)))

    assert found == [slug(fail.case), slug(advice.case)]


def test_a_name_leads_nowhere(runs):
    bad = case(runs, case="../../etc/test_x.py::test_a[/../\0 \n]")

    (name,) = repro.folders(runs.run(bad))

    assert set(name) & {"/", ".", "\n", " "} == set()


@pytest.mark.parametrize(
    "text", [HOSTILE, "$(touch @BAD@)", "'; touch @BAD@; '", '"; touch @BAD@ #']
)
def test_no_text_of_a_run_is_a_command(runs, tmp_path, text):
    """With functions in the place of those that operate: one of them is given the text as it is."""
    given = text.replace("@BAD@", str(tmp_path / "bad"))
    script = repro.folder(case(runs, text=given))["repro.sh"].decode()
    _, claimed, body = script.rpartition("\nclaim\n")
    stubs = [f"{name}() {{ :; }}" for name in ("directory", "config", "mkdir", "end", "field")]
    stubs += ['begin() { for word; do :; done; printf %s "$word" >given; }', "finish() { :; }"]
    quiet = "\n".join(["set -u", "top=/nowhere", *stubs, body])

    whole = subprocess.run(["sh", "-n"], input=script, text=True, check=False)
    done = subprocess.run(["sh", "-c", quiet], cwd=tmp_path, capture_output=True, check=False)

    assert (bool(claimed), whole.returncode, done.returncode, done.stderr) == (True, 0, 0, b"")
    assert (tmp_path / "given").read_text() == given
    assert [path.name for path in tmp_path.iterdir()] == ["given"]


def test_the_page_links_and_shows_the_script(runs):
    from reports import html  # noqa: PLC0415 - one test needs it

    page = html.render(runs.run(case(runs)))

    path, text = runs.unpacked(page)["0"]["repro"]
    assert path == f"evidence/{slug(case(runs).case)}/repro.sh"
    assert "begin 0" in text
    assert "printable()" not in text


def test_a_case_with_a_script_of_its_own_and_no_replay_keeps_it(runs, tmp_path):
    made = runs.case("a", "fail", repro="#!/bin/sh\necho of a search\n", replay=None)
    (tmp_path / "evidence" / "as-the-run-wrote-it").mkdir(parents=True)

    repro.write_all(runs.run(made), tmp_path, None)

    assert (tmp_path / "evidence" / slug(made.case) / "repro.sh").read_text() == made.repro
    from reports import html  # noqa: PLC0415 - two tests need it

    path, text = runs.unpacked(html.render(runs.run(made)))["0"]["repro"]
    assert (path, text) == (f"evidence/{slug(made.case)}/repro.sh", made.repro)


def test_merged_runs_have_the_evidence_of_all(runs, tmp_path, capsys):
    for name in "ab":
        (tmp_path / name / "evidence").mkdir(parents=True)
        (tmp_path / name / "evidence" / "probe").write_bytes(b"probe")
        runs.save(runs.run(case(runs, name)), tmp_path / name / "results.jsonl")
    (tmp_path / "all").mkdir()
    words = ["merge", str(tmp_path / "a"), str(tmp_path / "b"), "-o", str(tmp_path / "all")]

    assert command.main(words) == 0

    there = {path.name.rpartition("-")[0] for path in (tmp_path / "all" / "evidence").iterdir()}
    assert there == {"", "runtime-kill-a", "runtime-kill-b"}
    assert (tmp_path / "all" / "evidence" / "probe").read_bytes() == b"probe"
    assert command.main(["evidence", str(tmp_path / "all")]) == 0
    assert capsys.readouterr().err == ""


def test_looks_at_an_object_are_noted_and_peeks_are_not():
    noted: list[tuple[str, object]] = []
    seen = looks.Seen({"a": 1, "b": 2, "facts": {"c": [3]}}, lambda *look: noted.append(look))

    assert looks.peek(seen, "b") == 2
    assert (seen["a"], seen.get("x"), "y" in seen, seen["facts"]["c"]) == (1, None, False, [3])

    assert noted == [("a", 1), ("x", looks.ABSENT), ("y", looks.ABSENT), ("c", [3])]
    noted.clear()
    assert seen != {"a": 1}
    assert [key for key, _ in noted] == ["a", "b", "facts"]


def test_json_is_written_as_the_probe_writes_it():
    value = {"a": 'q"\\\n\x7f', "b": [1, None, True, False], "c": {"d": "ä"}}

    assert looks.literal(value) == (
        '{"a":"q\\"\\\\\\u000a\\u007f","b":[1,null,true,false],"c":{"d":"ä"}}'
    )


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("names", ["b", "a"], ["a", "b"]),
        ("pid", 17, "POSITIVE"),
        ("pid", 1, 1),
        ("pid", "17", "NUMBER"),
        ("pid", "many", "many"),
        ("args", ["b", "a"], ["b", "a"]),
    ],
)
def test_what_is_another_in_every_run_is_not_compared(key, value, kept):
    assert looks.lasting(key, value) == kept
