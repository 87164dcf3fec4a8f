"""Examples in docs/ do what their pages say: files load, cases run, an adapter is used."""

from __future__ import annotations

import re
import tomllib
from datetime import date

import pytest

from harness import expectations, options
from harness.clauses import catalogue
from harness.clauses.__main__ import measure
from tests.conftest import ROOT

DOCS = ROOT / "docs"
PAGES = ["README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in DOCS.glob("*.md"))]


def blocks(name: str, language: str) -> list[str]:
    """Give the code blocks of a page that say this language."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return [part.partition("```")[0] for part in text.split(f"```{language}\n")[1:]]


def test_the_expectation_file_is_one_that_loads_and_names_what_there_is(tmp_path):
    (text,) = blocks("docs/gating-ci.md", "toml")
    (tmp_path / "known.toml").write_text(text)

    (entry,) = expectations.load(tmp_path / "known.toml", "1.2.0").known

    assert not entry.ended("2.0", date(2999, 1, 1))
    assert set(entry.cases) <= set(measure().tested[entry.clause])
    assert "myruntime" in tomllib.loads(text)["runtime"]["name"]
    said = blocks("docs/gating-ci.md", "text")[0].replace("\n", " ")
    first, last = entry.lines.first, entry.lines.last
    assert said.startswith(f"known.toml:{first}: {entry.cases[0]} passes and is expected to fail")
    assert f"entry of {entry.clause} (lines {first} to {last})" in said


def test_the_example_of_a_case_is_a_case_that_holds(suite):
    (text,) = blocks("docs/writing-cases.md", "python")

    outcome = suite(text)

    assert (set(outcome.verdicts.values()), outcome.status) == ({"pass"}, 0), outcome.output


OWN = """\
#!/bin/sh
# Spells the state directory and delete in its own way.
[ "$1" = --version ] && echo "own version 1.0" && exit 0
for word; do
  case $word in
    --state=*) set -- "$@" --root "${word#--state=}" ;;
    --root) echo "own: no such option: --root" >&2; exit 1 ;;
    remove) set -- "$@" delete ;;
    delete) echo "own: no such operation: delete" >&2; exit 1 ;;
    *) set -- "$@" "$word" ;;
  esac
  shift
done
exec @RUNTIME@ "$@"
"""

CASE = """
    @clause("runtime.delete.nonexistent-errors")
    def test_deletes(create):
        container = create("exits").start().stopped()
        container.delete()
        with generates_an_error():
            container.delete()
"""


@pytest.mark.parametrize(("adapted", "verdict"), [(True, "pass"), (False, "blocked")])
def test_the_example_of_an_adapter_speaks_with_such_a_runtime(suite, tmp_path, adapted, verdict):
    (text,) = blocks("docs/adding-a-runtime.md", "python")
    named = "\nfrom harness.runtimes import ADAPTERS\n\nADAPTERS['own'] = Own\n"
    own = tmp_path / "own"
    own.write_text(OWN.replace("@RUNTIME@", str(options.bundled_runtime())))
    own.chmod(0o755)

    outcome = suite(
        CASE, f"--runtime={own}", "--spec-version=1.2.1", plugin=text + named if adapted else ""
    )

    assert outcome.verdicts == {"test_deletes": verdict}, outcome.output


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_pages_and_headings_that_there_are(name):
    text = (ROOT / name).read_text(encoding="utf-8")

    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        path, _, heading = link.partition("#")
        target = ((ROOT / name).parent / path).resolve() if path else ROOT / name
        assert target.exists(), link
        if heading:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {
                re.sub(r"[^\w -]", "", one).strip().lower().replace(" ", "-") for one in headings
            }
            assert heading in slugs, link


SUBJECTS = {
    "reading-a-report.md": "report.html",
    "gating-ci.md": "exit status",
    "writing-cases.md": "@clause",
    "adding-a-runtime.md": "ADAPTERS",
    "readings.md": "until",
    "verdicts.md": "Generates an error",
}


@pytest.mark.parametrize(("page", "word"), SUBJECTS.items())
def test_each_subject_has_its_page_which_the_readme_leads_to(page, word):
    assert word in (DOCS / page).read_text(encoding="utf-8")
    linked = "".join((ROOT / name).read_text(encoding="utf-8") for name in PAGES[:2])
    assert f"docs/{page}" in linked


def test_readings_that_depend_on_the_release_are_those_of_the_catalogue():
    """Each clause that a later release ended is spoken of among the readings."""
    text = (DOCS / "readings.md").read_text(encoding="utf-8").lower()
    ended = [clause for clause in catalogue().values() if clause.until]

    assert ended
    assert {clause.until for clause in ended} <= set(re.findall(r"\d+\.\d+\.\d+", text))


def test_no_page_has_an_example_that_nothing_runs():
    """A page with a block of Python or TOML is one that a test here knows."""
    found = {name for name in PAGES for language in ("python", "toml") if blocks(name, language)}

    assert found == {"docs/gating-ci.md", "docs/writing-cases.md", "docs/adding-a-runtime.md"}
