"""What the tests of the project share: runs of pytest in processes of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import results

ROOT = Path(__file__).parent.parent


def pytest_collection_modifyitems(items):
    """Begin with the longest, half of which stand where the second of two workers begins."""
    long = [item for item in items if item.path.stem == "test_miniatures"]
    rest = [item for item in items if item.path.stem != "test_miniatures"]
    half = len(rest) // 2
    items[:] = [*long[::2], *rest[:half], *long[1::2], *rest[half:]]


@dataclass(frozen=True)
class Outcome:
    """A run of the suite that has ended."""

    status: int
    output: str
    directory: Path
    """Of its results."""

    @property
    def run(self) -> results.Run:
        """What it wrote."""
        partial = self.directory / "partial"
        return results.read(partial if partial.exists() else self.directory)

    @property
    def verdicts(self) -> dict[str, str]:
        """Verdict by the last part of the case's id."""
        return {case.case.rpartition("::")[2]: case.verdict.value for case in self.run.cases}


def run_suite(*arguments: str, results: Path, cwd: Path = ROOT, deadline: float = 600) -> Outcome:
    """Run pytest with the plugin in a process of its own."""
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--results={results}"]
    done = subprocess.run(
        [*words, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=deadline,
        check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")},
    )
    return Outcome(done.returncode, done.stdout + done.stderr, results)


@pytest.fixture
def suite(tmp_path):
    """Write cases into a suite of their own and run them; returns the outcome."""

    def run(cases: str, *arguments: str, plugin: str = "", **files: str) -> Outcome:
        directory = tmp_path / "suites" / "runtime"
        directory.mkdir(parents=True, exist_ok=True)
        head = "import os\nimport signal\nimport pytest\nfrom harness import *\n"
        (directory / "test_cases.py").write_text(head + textwrap.dedent(cases))
        (tmp_path / "conftest.py").write_text(plugin + CONFTEST)
        (tmp_path / "pytest.ini").write_text(INI)
        for name, text in files.items():
            (tmp_path / name).write_text(textwrap.dedent(text))
        return run_suite(*arguments, results=tmp_path / "results", cwd=tmp_path)

    return run


CONFTEST = """
from pathlib import Path

from harness import options

pytest_plugins = ["harness.plugin"]
options.SUITES = Path(__file__).parent / "suites"
"""

INI = """
[pytest]
testpaths = suites
addopts = --import-mode=importlib -p no:randomly -p no:hypothesispytest --strict-markers
markers =
    must:
    should:
    may:
"""


@pytest.fixture(params=["runc", "crun"])
def installed_runtime(request):
    """Each runtime of the distribution, where it is installed."""
    found = shutil.which(request.param)
    if found is None:
        pytest.skip(f"{request.param} is not installed: make deps")
    return found
