"""Run the suite on a changed copy of the reference runtime; find what executes each block of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from harness import remembered
from tests import mutation

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = ROOT / "reference_runtime"
DEADLINE = 3  # seconds for one operation

LAUNCHER = """\
#!{interpreter} -IS
import sys
sys.path.insert(0, {directory!r})
from reference_runtime import cli
cli.main()
"""

MARKS = """
import os
_seen = set()
def {mark}(block):
    if block in _seen:
        return
    _seen.add(block)
    for _ in range(2):
        try:
            os.write(1000, block.encode() + b"\\n")
            return
        except OSError:  # the runtime closes what it was started with
            try:
                fd = os.open({path!r}, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
                os.dup2(fd, 1000, False)
                os.close(fd)
            except OSError:  # behind pivot_root without one
                return
"""

PLUGIN = """
import os
def pytest_runtest_logstart(nodeid):
    with open({path!r}, "a") as marks:
        print("=" + nodeid.partition("::")[0], file=marks)
"""


def copied(directory: Path, module: str = "", source: str = "") -> Path:
    """Copy the runtime with one module changed; returns its launcher."""
    shutil.copytree(RUNTIME, directory / "reference_runtime", dirs_exist_ok=True)
    if module:
        (directory / "reference_runtime" / f"{module}.py").write_text(source, encoding="utf-8")
    launcher = directory / "runtime"
    interpreter = os.path.realpath(sys.executable)
    launcher.write_text(LAUNCHER.format(interpreter=interpreter, directory=str(directory)))
    launcher.chmod(0o755)
    directory.chmod(0o755)
    return launcher


def suite(launcher: Path, directory: Path, *words: str, seconds: float) -> bool:
    """Run the suite on it, one pytest; returns whether it came to its end."""
    command = [sys.executable, "-m", "pytest", f"--runtime={launcher}", f"--results={directory}"]
    command += ["--spec-version=1.3.0", "--expectations=none", "-q", "--tb=no", f"--rootdir={ROOT}"]
    command += ["-p", "no:cacheprovider", f"--deadline={DEADLINE}", *words]
    try:
        subprocess.run(
            command,
            cwd=ROOT,
            check=False,
            capture_output=True,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return False
    return True


def reached(build: Path) -> dict[str, list[str]]:
    """Find out which case files execute each block, by one run of the suite; quick files first.

    It is kept in ``build``.
    """
    digest = remembered.digest([_texts(RUNTIME), _texts(ROOT / "suites"), _texts(ROOT / "harness")])
    kept = build / f"reached-{digest[:16]}.json"
    if kept.exists():
        found: dict[str, list[str]] = json.loads(kept.read_text())
        return found
    with tempfile.TemporaryDirectory(prefix="marked-") as scratch:
        directory = Path(scratch)
        marks = directory / "marks"
        marks.touch()
        marks.chmod(0o666)
        launcher = copied(directory)
        statement = f"from reference_runtime.marks import {mutation.MARK}"
        for path in (directory / "reference_runtime").glob("*.py"):
            path.write_text(mutation.marked(path.read_text(), path.stem, statement))
        (directory / "reference_runtime/marks.py").write_text(
            MARKS.format(path=str(marks), mark=mutation.MARK)
        )
        (directory / "marking.py").write_text(PLUGIN.format(path=str(marks)))
        os.environ["PYTHONPATH"] = scratch
        suite(launcher, directory / "results", "-p", "marking", "suites", seconds=3600)
        del os.environ["PYTHONPATH"]
        found = _by_block(marks.read_text(errors="replace"))
    kept.write_text(json.dumps(found))
    return found


def _by_block(text: str) -> dict[str, list[str]]:
    files: dict[str, set[str]] = defaultdict(set)
    lines: Counter[str] = Counter()
    current = ""
    for line in text.splitlines():
        if line.startswith("="):
            current = line[1:]
        elif current:
            files[line].add(current)
            lines[current] += 1
    return {block: sorted(found, key=lambda file: lines[file]) for block, found in files.items()}


def _texts(directory: Path) -> str:
    return remembered.digest(path.read_text() for path in sorted(directory.rglob("*.py")))
