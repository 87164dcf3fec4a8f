"""An ordinary user who calls the reference runtime, and a place that is this user's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "reference_runtime"
UID = 54321
SUBORDINATE = 2_000_000_000  # IDs that nobody has
OWN_ROOT = Path(f"/tmp/reference-runtime-{UID}")  # noqa: S108
CALLER = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]


def interpreter() -> str:
    """A Python that every user can execute: the one that runs this may lie in a private home."""
    for path in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        code = "import sys, _ctypes; sys.exit(sys.version_info < (3, 11))"
        try:  # not by setpriv, whose execve(2) still has root's rights to find the file
            done = subprocess.run(
                [path, "-IS", "-c", code],
                check=False,
                user=UID,
                group=UID,
                extra_groups=[],
                capture_output=True,
            )
        except OSError:
            continue
        if done.returncode == 0:
            return os.path.realpath(path)
    pytest.skip("needs setpriv and a Python 3.11 that ordinary users can execute")


def install(directory: Path, python: str) -> Path:
    """Copy the runtime to where every user can read it; return the launcher."""
    copy = directory / "package"
    shutil.copytree(PACKAGE, copy / "reference_runtime", ignore=shutil.ignore_patterns("*.pyc"))
    launcher = directory / "reference-runtime"
    subprocess.run([python, "-m", "reference_runtime.install", launcher], cwd=copy, check=True)
    return launcher


def own(directory: Path) -> None:
    """Give everything in a directory to the user."""
    for top, _, files in os.walk(directory):
        for path in (top, *(f"{top}/{name}" for name in files)):
            os.chown(path, UID, UID, follow_symlinks=False)


def can_make_user_namespaces() -> bool:
    """Say whether the host lets this user make one, with rights in it."""
    words = [*CALLER, "unshare", "--user", "--map-root-user", "--mount", "true"]
    return subprocess.run(words, check=False, capture_output=True).returncode == 0
