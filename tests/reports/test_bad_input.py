"""Bad input in every format: refused in one clear line, or rendered marked and inert."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

import reports.__main__ as command
from reports import across, badge, diff, junit, markdown, merge, submission
from tests.reports.test_command_line import BAD
from tests.reports.test_html import HOSTILE, filled, full

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.results import Run
    from tests.reports.conftest import Runs

ONE = [*command.FORMATS, "submission"]
TWO = ["compare", "diff", "merge"]

TEXTS: dict[str, Callable[[Run, Run], str]] = {
    "diff": lambda old, new: diff.text(diff.compare(old, new)),
    "diff markdown": lambda old, new: diff.markdown(diff.compare(old, new)),
    "junit": lambda _, new: junit.render(new),
    "markdown": lambda _, new: markdown.render(new),
    "badge": lambda _, new: badge.render(new),
    "submission": lambda _, new: submission.files(new, b"", "x")["README.md"].decode(),
    "command": lambda _, new: submission.files(new, b"", "x")["command.txt"].decode(),
}
"""What is read by people or by other programs, from an ordinary run and a hostile one."""


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("name", [*ONE, *TWO])
def test_what_is_no_results_file_is_one_line(
    runs: Runs,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes | None,
) -> None:
    """Exit status 4, the file's name, and nothing written, in either place of two."""
    good = runs.save(runs.run(runs.case("a")), tmp_path / "good.jsonl")
    bad, out = tmp_path / "bad.jsonl", tmp_path / "out"
    if content is not None:
        bad.write_bytes(content)
    for several in [[bad]] if name in ONE else [[good, bad], [bad, good]]:
        assert command.main([name, *map(str, several), "-o", str(out)]) == 4

        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert str(bad) in said
        assert not out.exists()


@pytest.mark.parametrize("name", [*ONE, *TWO])
def test_another_version_and_garbage_in_the_middle(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """The line that is wrong is named, with what is wrong about it."""
    whole = runs.save(runs.run(runs.case("a"), runs.case("b")), tmp_path / "good")
    lines = whole.read_text(encoding="utf-8").splitlines()
    later = lines[0].replace('"format":"1.0"', '"format":"2.0"')
    broken = {
        "bad:1: format 2.0": [later, *lines[1:]],
        "bad:3: not a line": [*lines[:2], "\x1b[2J</script>", *lines[2:]],
        "bad:5: out of place": [*lines, lines[1]],
    }
    bad = tmp_path / "bad"
    for said, content in broken.items():
        bad.write_text("\n".join(content) + "\n", encoding="utf-8")
        several = [bad] if name in ONE else [whole, bad]

        assert command.main([name, *map(str, several), "-o", str(tmp_path / "out")]) == 4
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1
        assert "\x1b" not in error


@pytest.mark.parametrize("name", [*ONE, *TWO])
@pytest.mark.parametrize(
    "value",
    ["1e999", *("[" * depth + "]" * depth for depth in (300, 600, 950))],
    ids=["infinite", "300", "600", "950"],
)
def test_a_value_that_no_program_likes_is_no_traceback(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    """A number without end, lists in lists: rendered, or refused in one line."""
    good = runs.save(runs.run(runs.case("good")), tmp_path / "good")
    header = runs.header(options={"x": "HERE"})
    run = runs.run(runs.case("a", "recorded", recorded={"x": "HERE"}), header=header)
    bad = runs.save(run, tmp_path / "bad")
    bad.write_text(bad.read_text(encoding="utf-8").replace('"HERE"', value), encoding="utf-8")
    several = [bad] if name in ONE else [good, bad]

    status = command.main([name, *map(str, several), "-o", str(tmp_path / "out")])

    assert status in {0, 4}
    assert capsys.readouterr().err.count("\n") == (status == 4)
    assert (tmp_path / "out").exists() is (status == 0)


@pytest.mark.parametrize("name", [*command.FORMATS, "compare", "diff"])
def test_a_run_killed_anywhere_is_rendered_and_marked(
    runs: Runs, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], name: str
) -> None:
    """Whatever was finished is there, and that the rest is not there is said."""
    whole = runs.save(runs.run(*(runs.case(f"c{n}") for n in range(4))), tmp_path / "whole")
    content = whole.read_bytes()
    start = content.index(b"\n") + 1
    cut = tmp_path / "cut"
    for end in range(start, len(content) - 2, (len(content) - start) // 7):
        cut.write_bytes(content[:end])
        several = [cut] if name in ONE else [whole, cut]

        status = command.main([name, *map(str, several)])

        assert status == (4 if name == "diff" else 0)
        assert b"cut off" in capfdbinary.readouterr().out.lower()


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("name", TEXTS)
def test_what_a_runtime_printed_only_prints(runs: Runs, name: str, text: str) -> None:
    """No control character, override or lone surrogate leaves any text format."""
    out = TEXTS[name](runs.run(runs.case("a")), filled(full(runs), text))

    assert all(character.isprintable() or character in "\n\t" for character in out)
    out.encode("utf-8")


@pytest.mark.parametrize("text", [*HOSTILE, "a\ufffe\uffff\U0001fffe", "]]><x/>", "&#0;&x;"])
def test_junit_is_xml_whatever_was_printed(runs: Runs, text: str) -> None:
    """The same elements as of a harmless run: XML 1.0 takes neither controls nor surrogates."""

    def tags(word: str) -> list[str]:
        document = junit.render(filled(full(runs), word)).encode()
        return [element.tag for element in ET.fromstring(document).iter()]  # noqa: S314

    assert tags(text) == tags("x")


@pytest.mark.parametrize("text", [*HOSTILE, "`` ` @team www.x.org", "|a|\n\n# b\n```\n"])
def test_markdown_outside_of_code_is_our_own(runs: Runs, text: str) -> None:
    """Without its code spans the page of a hostile run is that of a harmless one."""

    def bare(render: Callable[[Run], str], word: str) -> str:
        run = filled(full(runs), word)
        return "\n".join(map(without_code, render(run).splitlines()))

    old = runs.run(runs.case("a"))
    pages: list[Callable[[Run], str]] = [
        markdown.render,
        lambda run: diff.markdown(diff.compare(old, run)),
    ]
    for render in pages:
        assert bare(render, text) == bare(render, "<x>")


def without_code(line: str) -> str:
    """Take the code spans out of a line, as CommonMark finds them: by fences of equal length."""
    out, rest = "", line
    while "`" in rest:
        before, _, rest = rest.partition("`")
        fence = 1 + len(rest) - len(rest.lstrip("`"))
        rest = rest.lstrip("`")
        _, *after = rest.split("`" * fence)
        out += before + "CODE"
        rest = ("`" * fence).join(after)
    return out + rest


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_merge_changes_no_text(runs: Runs, text: str) -> None:
    """What goes into results.jsonl is what a runtime printed, as JSON carries it, in one line."""
    run = filled(runs.run(runs.case("a", "fail", **runs.evidence())), text)

    merged = merge.merge([("1", run), ("2", run)])
    lines = merge.render(merged).split("\n")

    assert [json.loads(line)["type"] for line in lines[:-1]] == ["run", "case", "end"]
    assert list(across.worst(merged)) == [text]
    assert merge.render(merged).isascii()


def test_fifty_megabytes_of_output_fit_every_format(runs: Runs, tmp_path: Path) -> None:
    """A runtime that prints without end makes no report without end."""
    flood = filled(full(runs), "\x1b</script>" * 25_000)
    header = dataclasses.replace(flood.header, format="1.0")
    flood = dataclasses.replace(flood, header=header, end=full(runs).end)
    file = runs.save(flood, tmp_path / "flood.jsonl")
    assert file.stat().st_size > 50_000_000
    other = runs.save(runs.run(runs.case("a")), tmp_path / "other.jsonl")

    for name in [*command.FORMATS, "compare", "diff"]:
        several = [file] if name in ONE else [other, file]
        out = tmp_path / name
        assert command.main([name, *map(str, several), "-o", str(out)]) in {0, 1}
        assert out.stat().st_size < 3_000_000, name
