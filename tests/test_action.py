"""action.yml and the job in docs/gating-ci.md: each command is one that our programs take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import results
from reports.__main__ import arguments, main

ROOT = Path(__file__).parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: dict[str, dict[str, Any]] = {step["name"]: step for step in ACTION["runs"]["steps"]}

PYTHON = """#!/bin/sh
{ for word in "$@"; do printf '%s\\0' "$word"; done; printf '\\n'; } >>"$CALLS"
if [ "$3" = junit ] || [ "$3" = markdown ]; then echo rendered; fi
"""
SUDO = """#!/bin/sh
case $1 in --preserve-env=*) shift ;; chown) exit 0 ;; esac
exec "$@"
"""


def blocks(name: str, language: str) -> list[str]:
    """Give the code blocks of a page that say this language."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    parts = text.split(f"```{language}\n")[1:]
    return [part.partition("```")[0] for part in parts]


def called(step: str, directory: Path, **inputs: str) -> list[list[str]]:
    """Run the script of a step with programs that only note how they are called."""
    programs = directory / "programs"
    for path, text in {
        programs / "sudo": SUDO,
        programs / "python3": PYTHON,
        directory / "conformance" / "bin" / "python": PYTHON,
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    given = {
        name: value["default"] for name, value in ACTION["inputs"].items() if "default" in value
    }
    given |= {"runtime": "/bin/true"} | inputs
    env = {}
    for name, text in STEPS[step].get("env", {}).items():
        word = text.removeprefix("${{ ").removesuffix(" }}")
        kind, _, member = word.partition(".")
        env[name] = given[member] if kind == "inputs" else str(directory / "conformance-results")
    (directory / "conformance-results").mkdir(exist_ok=True)
    runner = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "CALLS": str(directory / "calls"),
        "RUNNER_TEMP": str(directory),
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_OUTPUT": str(directory / "output"),
        "GITHUB_STEP_SUMMARY": str(directory / "summary"),
    }
    # As GitHub starts a bash step.
    words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[step]["run"]]
    subprocess.run(words, env=env | runner, cwd=directory, check=True, timeout=60)
    lines = (directory / "calls").read_text(encoding="utf-8").splitlines()
    return [line.split("\0")[:-1] for line in lines]


def collects(words: list[str]) -> str:
    """Let pytest read a command line, and list the cases; return what it says."""
    program = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*program, *words], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"profiles": "core", "expectations": "none", "gate": "should"},
        {"shard": "2/4", "arguments": "-k kill -n 2"},
    ],
    ids=["defaults", "chosen", "shard"],
)
def test_the_run_step_gives_pytest_what_it_takes(inputs, tmp_path):
    ((module, name, *words),) = called("Run", tmp_path, **inputs)

    assert (module, name) == ("-m", "pytest")
    assert "::test_" in collects(words)
    for text in inputs.get("profiles", "core linux").split():
        assert f"--profile={text}" in words
    assert f"--gate={inputs.get('gate', 'must')}" in words
    assert f"--results={tmp_path}/conformance-results" in words
    assert f"--runtime={Path('/bin/true').resolve()}" in words
    if part := inputs.get("shard"):
        number, _, count = part.partition("/")
        assert {f"--splits={count}", f"--group={number}"} <= set(words)
    assert (tmp_path / "output").read_text() == f"results={tmp_path}/conformance-results\n"


@pytest.mark.parametrize(("given", "word"), [("known.toml", "{}/known.toml"), ("none", "none")])
def test_the_expectation_file_is_one_of_the_job(given, word, tmp_path):
    """The step goes to the suite's directory, where a relative path would lead nowhere."""
    (tmp_path / "known.toml").write_text("")

    ((_, _, *words),) = called("Run", tmp_path, expectations=given)

    assert f"--expectations={word.format(tmp_path)}" in words


def test_without_an_expectation_file_the_suite_takes_its_own(tmp_path):
    ((_, _, *words),) = called("Run", tmp_path)

    assert not [word for word in words if word.startswith("--expectations")]


CASES = """
    @clause("runtime.start.runs-program")
    @pytest.mark.parametrize("number", range(4))
    def test_case(create, number):
        assert create("exits").start().stopped().facts["ids"]["pid"] == 1 + (number == 2)

    @clause("config.annotations.image.stop-signal.used-by-callers")
    def test_advice():
        assert False
"""


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_what_fails_is_annotated_where_its_case_stands(suite, monkeypatch, tmp_path, workers):
    """By the plugin that the extra ``github`` installs: each failing case, and no other."""
    pytest.importorskip("pytest_github_actions_annotate_failures", reason="needs it: make setup")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))

    outcome = suite(CASES, workers)

    found = [line for line in outcome.output.splitlines() if line.startswith("::")]
    assert len(found) == 1, outcome.output
    assert found[0].startswith("::error file=suites/runtime/test_cases.py,line=")
    assert "::test_case[2]" in found[0]


def test_shards_of_several_machines_make_one_run(suite, tmp_path):
    """By pytest-split: no case is lost or run twice, and the whole is red as one run would be."""
    pytest.importorskip("pytest_split", reason="needs pytest-split: make setup")
    shards = []
    for number in (1, 2):
        place = tmp_path / f"shard-{number}"
        suite(CASES, f"--results={place}", "--splits=2", f"--group={number}")
        shards.append(str(place / "partial"))

    assert main(["merge", *shards, "--collected=5", "-o", str(tmp_path / "merged.jsonl")]) == 0

    parts = [{case.case for case in results.read(Path(shard)).cases} for shard in shards]
    merged = results.read(tmp_path / "merged.jsonl")
    assert all(parts)
    assert not parts[0] & parts[1]
    assert {case.case for case in merged.cases} == parts[0] | parts[1]
    assert merged.end is not None
    assert (len(merged.cases), merged.header.partial, merged.end.exit_status) == (5, False, 1)
    assert merged.end.counts == {"advice": 1, "fail": 1, "pass": 3}


def test_the_report_step_renders_what_the_formats_are(tmp_path):
    calls = called("Report", tmp_path)

    place = str(tmp_path / "conformance-results")
    formats = [arguments(words[2:]).format for words in calls]
    assert (formats, calls[0][2:]) == (["markdown", "junit"], ["markdown", place])
    assert calls[1][-1] == f"{place}/junit.xml"
    assert (tmp_path / "summary").read_text() == "rendered\n"


def test_a_shard_is_rendered_from_its_own_directory(tmp_path):
    (tmp_path / "conformance-results" / "partial").mkdir(parents=True)

    calls = called("Report", tmp_path)

    assert calls[0][-1] == f"{tmp_path}/conformance-results/partial"


def test_the_install_step_asks_for_extras_that_there_are(tmp_path):
    (_, words) = called("Install", tmp_path)

    extras = words[-1].partition("[")[2].rstrip("]").split(",")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(extras) <= set(project["optional-dependencies"])
    assert (words[:3], words[-1].partition("[")[0]) == (["-m", "pip", "install"], str(ROOT))


def test_what_fails_is_reported_and_uploaded_all_the_same():
    """The place that the run step names is the one that is rendered, uploaded and given out."""
    later = list(STEPS.values())[2:]
    place = "${{ steps.run.outputs.results }}"

    assert STEPS["Run"]["id"] == "run"
    assert STEPS["Report"]["env"]["RESULTS"] == STEPS["Upload"]["with"]["path"] == place
    assert ACTION["outputs"]["results"]["value"] == place
    assert STEPS["Upload"]["uses"].startswith("actions/upload-artifact@")

    assert [step["if"] for step in later] == ["always()", "always()"]
    assert all("if" not in step for step in list(STEPS.values())[:2])


def test_inputs_reach_the_shell_as_variables_alone():
    """An input within a script would be a command."""
    assert all("${{" not in step.get("run", "") for step in STEPS.values())
    named = json.dumps(ACTION["runs"])
    assert all(f"inputs.{name} " in named for name in ACTION["inputs"])


def test_the_jobs_in_the_docs_are_yaml_that_names_what_there_is():
    github, gitlab = (yaml.safe_load(text) for text in blocks("gating-ci.md", "yaml"))

    steps = [step for job in github["jobs"].values() for step in job["steps"]]
    used = [step for step in steps if "oci-runtime-conformance" in step.get("uses", "")]
    assert used
    assert all(set(step["with"]) <= set(ACTION["inputs"]) for step in used)
    for job in gitlab.values():
        scripts = [*job["script"], *job.get("after_script", [])]
        rendered = [line.partition("-m reports ")[2] for line in scripts if "-m reports " in line]
        assert {arguments(line.split()).format for line in rendered} == {"junit"}
        (line,) = (line for line in scripts if "-m pytest" in line)
        words = line.partition("-m pytest ")[2].replace("$CI_PROJECT_DIR", str(ROOT))
        assert "::test_" in collects(words.split())
        assert job["artifacts"]["reports"]["junit"] in rendered[0]
