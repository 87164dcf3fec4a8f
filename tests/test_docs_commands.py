"""Command lines in README.md and docs/ are command lines that there are."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from reports.__main__ import arguments

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAMS = ("make", "pytest", "python", "pip", "sudo", ".")

OURS = {"RESULTS...", "OLD", "NEW", "FORMAT"}
"""Words that stand for others in a usage line."""


def commands() -> list[tuple[str, str]]:
    """Give each command of a code block without a language, with its page."""
    found = []
    for page in PAGES:
        blocks = re.findall(r"^```\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        for line in "".join(blocks).splitlines():
            command = line.partition("  #")[0].strip()
            if command.split(" ")[0] in PROGRAMS:
                found.append((page.name, command))
    return found


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
        stdin=subprocess.DEVNULL, env={**os.environ, "PWD": str(ROOT)},
    )  # fmt: skip


def takes_make(words: list[str]) -> None:
    """Print what make would do: each target is one that there is."""
    done = run("make", "--dry-run", *words)
    assert done.returncode == 0, done.stderr


def takes_pytest(words: list[str], cache: str = os.devnull) -> None:
    """Collect nothing and let pytest read each option."""
    left = [word for word in words if word not in {"--rootless", "--pyargs"}]
    done = run(
        sys.executable, "-m", "pytest", "-o", f"cache_dir={cache}", "--collect-only", "-q", *left,
        str(ROOT / "suites" / "glossary"), "-k", "json",
    )  # fmt: skip
    assert done.returncode in {0, 5}, done.stdout + done.stderr


def takes_python(words: list[str]) -> None:
    if words[:2] == ["-m", "reports"]:
        plain = [word.strip("[]") for word in words[2:]]
        if "FORMAT" not in plain:
            assert arguments(plain).format == plain[0]
    elif words[0] == "-c":
        done = run(sys.executable, *words)
        assert done.returncode == 0, done.stderr
    else:
        program = words[:2] if words[0] == "-m" else words[:1]
        done = run(sys.executable, *program, "--help")
        assert done.returncode == 0, done.stderr
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert all(option in done.stdout for option in options)


def takes_nothing(words: list[str]) -> None:
    """A file that is sourced or run: it is one that setup or a run makes."""
    assert words[0] in {".venv/bin/activate", "./repro.sh"}


TAKES = {
    "make": takes_make,
    "pytest": takes_pytest,
    "python": takes_python,
    "sudo": takes_nothing,
    ".": takes_nothing,
}


def test_the_pages_have_commands():
    pages = {page for page, _ in commands()}

    assert pages >= {"README.md", "gating-ci.md", "comparing-runs.md", "results-format.md"}


@pytest.mark.parametrize(("page", "command"), commands())
def test_the_command_is_one_that_our_programs_take(page, command):
    del page  # it is in the name of the test
    program, *words = shlex.split(os.path.expandvars(command.replace("$PWD", str(ROOT))))

    TAKES[program](words)
