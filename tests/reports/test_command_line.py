"""``python -m reports``: exit statuses, one clear line, nothing half-written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import reports.__main__ as command
from harness.results import dumps

if TYPE_CHECKING:
    from tests.reports.conftest import Runs

ROOT = Path(__file__).parents[2]


def test_every_format_of_the_table_renders(runs: Runs, tmp_path: Path) -> None:
    """A name in the table is a module with a render function."""
    file = runs.save(runs.run(runs.case("a")), tmp_path / "results.jsonl")

    for name in command.FORMATS:
        assert command.main([name, str(file), "-o", str(tmp_path / name)]) == 0
        assert "1.0.2" in (tmp_path / name).read_text(encoding="utf-8")


def test_runs_as_a_program(runs: Runs, tmp_path: Path) -> None:
    """A directory stands for its results.jsonl; without -o the text goes to standard output."""
    runs.save(runs.run(runs.case("a")), tmp_path / "results.jsonl")

    done = subprocess.run(
        [sys.executable, "-m", "reports", "summary", str(tmp_path)],
        cwd=ROOT, env={"LC_ALL": "C"}, capture_output=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Conformant with OCI runtime-spec 1.0.2" in done.stdout


def test_a_run_that_was_cut_off_in_a_line_still_renders(
    runs: Runs, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Wherever a run was killed, what it finished is reported and the cut is said."""
    whole = runs.save(runs.run(runs.case("a"), runs.case("b")), tmp_path / "whole").read_bytes()
    first, second = [n for n, byte in enumerate(whole) if byte == ord("\n")][:2]
    file = tmp_path / "results.jsonl"

    for cut, finished in ((first + 9, 0), (second, 1), (second + 40, 1), (len(whole) - 2, 2)):
        file.write_bytes(whole[:cut])
        assert command.main(["summary", str(file)]) == 0
        assert f"Cut off after {finished} case".encode() in capfdbinary.readouterr().out


BAD = {
    "missing": None,
    "empty": b"",
    "garbage": b"not json\n{}\n",
    "binary": b"\xff\xfe\x00",
    "no run line": b'{"type":"case"}\n',
    "a list": b"[1]\n[2]\n",
    "nested too deeply": b"[" * 200_000,
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    """Exit status 4, one line that names the file, and no report."""
    file, report = tmp_path / "results.jsonl", tmp_path / "report.html"
    if content is not None:
        file.write_bytes(content)

    status = command.main(["html", str(file), "-o", str(report)])

    said = capsys.readouterr().err
    assert status == 4
    assert said.count("\n") == 1
    assert said.startswith("reports: ")
    assert str(file) in said
    assert not report.exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"operations":[]', '"operations":[{"name":1,"argv":[],"at":0,"seconds":0}]'),
        ('"clauses":["', '"clauses":[1,"'),
        ('"seconds":0.0', '"seconds":"1"'),
        ('"level":"must"', '"level":"shall"'),
        ('"cpus":8', '"cpus":null'),
        ('"collected":2', '"collected":-1'),
    ],
)
def test_a_line_of_another_shape_is_refused(
    runs: Runs,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
) -> None:
    """What the schema rejects is refused with the case and the member, never a traceback."""
    file = runs.save(runs.run(runs.case("a\x1b"), runs.case("b")), tmp_path / "results.jsonl")
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(old, new), encoding="utf-8")

    assert command.main(["html", str(file)]) == 4

    said = capsys.readouterr().err
    assert old in text
    assert said.count("\n") == 1
    assert "\x1b" not in said
    assert old.split('"')[1] in said


@pytest.mark.parametrize("content", [None, b"garbage\n"], ids=["missing", "garbage"])
def test_a_file_name_does_not_control_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    """It is in the message, visible and in one line."""
    file = tmp_path / "\x1b]0;title\x07\n<script>\u202e.jsonl"
    if content is not None:
        file.write_bytes(content)

    assert command.main(["html", str(file), "-o", str(tmp_path / "out.html")]) == 4

    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.rstrip("\n").isprintable()
    assert "␛]0;title␇ <script>⟨U+202E⟩.jsonl" in said


def test_another_major_format_is_refused(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of a later major format is not guessed at."""
    file = runs.save(runs.run(header=runs.header(format="2.0")), tmp_path / "results.jsonl")

    assert command.main(["summary", str(file)]) == 4
    assert "format 2.0" in capsys.readouterr().err


def test_members_of_a_newer_minor_format_are_ignored(runs: Runs, tmp_path: Path) -> None:
    """Format 1.7 may say more than we know; it renders."""
    file = runs.save(runs.run(header=runs.header(format="1.7")), tmp_path / "results.jsonl")
    text = file.read_text(encoding="utf-8").replace('"partial"', '"news":1,"partial"')
    file.write_text(text, encoding="utf-8")

    assert command.main(["summary", str(file), "-o", str(tmp_path / "out")]) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["pdf", "x"],
        ["html"],
        ["html", "x", "y"],
        ["compare", "x"],
        ["compare", "x", "x"],
        ["diff", "x"],
        ["diff", "x", "y", "z"],
        ["diff", "x", "y", "--format", "pdf"],
        ["merge", "x"],
        ["submission", "x"],
    ],
)
def test_a_wrong_command_line_is_a_usage_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """One line and status 4, as everywhere in the suite; not argparse's 2."""
    assert command.main(arguments) == 4
    assert capsys.readouterr().err.count("\n") == 1


def test_an_old_report_survives_a_failure(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When writing fails half-way the old file is whole and no temporary file is left."""
    file = runs.save(runs.run(runs.case("a")), tmp_path / "results.jsonl")
    report = tmp_path / "report.html"
    report.write_text("old", encoding="utf-8")

    def full_disk(self: Path, text: str, encoding: str) -> None:
        with self.open("w", encoding=encoding) as stream:
            stream.write(text[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full_disk)
    status = command.main(["html", str(file), "-o", str(report)])

    assert status == 4
    assert report.read_text(encoding="utf-8") == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html", "results.jsonl"]


def test_a_report_never_replaces_its_results(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """-o with the results themselves is refused."""
    file = runs.save(runs.run(runs.case("a")), tmp_path / "results.jsonl")
    before = file.read_bytes()

    assert command.main(["html", str(tmp_path), "-o", str(file)]) == 4
    assert "it holds the results" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_a_pipe_or_device_is_written_to_and_never_replaced(runs: Runs, tmp_path: Path) -> None:
    """What is no regular file stays what it is: ``-o /dev/null`` as root must not end it."""
    file = runs.save(runs.run(runs.case("a")), tmp_path / "results.jsonl")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    status = command.main(["summary", str(file), "-o", str(pipe)])

    assert status == 0
    assert pipe.is_fifo()
    assert b"Conformant" in os.read(reader, 4096)
    os.close(reader)


@pytest.mark.parametrize("place", ["no/such/directory/x.html", "."])
def test_a_place_that_cannot_be_written_is_named(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    """A missing directory, or a directory itself, is a usage error."""
    file = runs.save(runs.run(runs.case("a")), tmp_path / "results.jsonl")

    assert command.main(["html", str(file), "-o", str(tmp_path / place)]) == 4
    assert "cannot be written" in capsys.readouterr().err


def test_lone_surrogates_and_separators_survive_the_file(runs: Runs, tmp_path: Path) -> None:
    """What JSON carries as escapes is read back, and is not taken for the end of a line."""
    case = runs.case("a", "fail", reason="\ud800\u2028\x85\x1c")
    file = runs.save(runs.run(case), tmp_path / "results.jsonl")

    assert command.main(["html", str(file), "-o", str(tmp_path / "x.html")]) == 0
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert runs.unpacked(page)["0"]["reason"] == "⟨U+D800⟩⟨U+2028⟩⟨U+0085⟩␜"
    assert dumps({"a": "\u2028"}).isascii()
