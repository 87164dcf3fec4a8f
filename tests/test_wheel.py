"""The wheel: installed without network into an environment of its own, it judges a runtime."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from harness import options, results

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
PARTS = ("bundle_templates", "expectations", "harness", "reference_runtime", "reports", "suites")


def run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program; its environment names no Python and no cache but its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "PYTHON", "PIP"))}
    cache = {"XDG_CACHE_HOME": str(cwd / "cache")}
    return subprocess.run(
        list(map(str, words)), cwd=cwd, env=kept | OFFLINE | cache, capture_output=True,
        text=True, errors="replace", timeout=300, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel of a copy of the tree: a build leaves its traces in it."""
    pytest.importorskip("setuptools", "70.1", reason="needs setuptools 70.1: make setup")
    directory = tmp_path_factory.mktemp("wheel")
    for part in PARTS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, directory / "tree" / part, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, directory / "tree")
    words = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "./tree"]
    done = run(sys.executable, *words, "-w", "out", cwd=directory)
    assert done.returncode == 0, done.stderr
    (made,) = (directory / "out").glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel):
    """Install it; dependencies are those of this environment, which no network has to give."""
    environment = wheel.parents[1] / "environment"
    done = run(sys.executable, "-m", "venv", environment, cwd=wheel.parent)
    assert done.returncode == 0, done.stderr
    names = {"base": environment, "platbase": environment}
    site = Path(sysconfig.get_path("purelib", "venv", vars=names | {"installed_base": environment}))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    python = environment / "bin" / "python"
    done = run(python, "-m", "pip", "install", "--quiet", "--no-deps", wheel, cwd=wheel.parent)
    assert done.returncode == 0, done.stderr
    return python


def test_everything_that_is_read_is_in_it(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())

    known = {p for part in PARTS for p in (ROOT / part).rglob("*") if p.is_file()}
    wanted = {str(p.relative_to(ROOT)) for p in known if "__pycache__" not in p.parts}
    wanted -= {name for name in wanted if name.endswith(".md")}
    assert wanted - inside == set()


@pytest.mark.parametrize("runtime", ["", "crun"])
def test_it_judges_a_runtime_from_any_directory(installed, runtime, tmp_path):
    """The probe is built at first use, in a cache of this test's own."""
    path = shutil.which(runtime) if runtime else str(options.bundled_runtime())
    if path is None:
        pytest.skip(f"{runtime} is not installed: make deps")

    done = run(
        installed, "-m", "pytest", "--pyargs", "suites", f"--runtime={path}", "-q",
        "-k", "reaches_a_created_container or starts_the_program or test_sets_the_umask",
        cwd=tmp_path,
    )  # fmt: skip

    (directory,) = (tmp_path / "build" / "results").glob("*/partial")
    judged = results.read(directory)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    assert {case.verdict.value for case in judged.cases} >= {"pass"}
    assert "runtime/test_kill.py::test_reaches_a_created_container" in {
        c.case for c in judged.cases
    }
    assert judged.header.partial
    assert "conformance" in (directory / "report.html").read_text(encoding="utf-8")
    assert list((tmp_path / "cache" / "oci-conformance").glob("probe-*"))
    site = installed.parents[1] / "lib"
    said = run(installed, "-c", "import harness, reports; print(harness.__file__)", cwd=tmp_path)
    assert said.stdout.startswith(str(site))


def test_it_judges_with_workers_and_renders(installed, tmp_path):
    words = ["-k", "reaches_a_created_container", "-n", "2", f"--results={tmp_path / 'r'}"]
    words.append(f"--runtime={options.bundled_runtime()}")

    done = run(installed, "-m", "pytest", "--pyargs", "suites", *words, cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    said = run(installed, "-m", "reports", "markdown", tmp_path / "r" / "partial", cwd=tmp_path)
    assert (said.returncode, "pass" in said.stdout) == (0, True)
