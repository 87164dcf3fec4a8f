"""reference_runtime/README.md: what it names is there, its table is of the catalogue as it is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from reference_runtime import init, op_create, rootfs, stage

ROOT = Path(__file__).parents[2]
README = (ROOT / "reference_runtime/README.md").read_text(encoding="utf-8")


def test_the_table_is_up_to_date():
    words = [sys.executable, "-m", "tools.reference_table"]

    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_modules_and_tests_that_are_named_are_there():
    named = set(re.findall(r"`((?:tests/reference_runtime/)?[a-z_0-9]+\.py)`", README))

    assert len(named) > 40
    for name in named:
        assert (ROOT / name if "/" in name else ROOT / "reference_runtime" / name).is_file(), name


def test_what_is_named_in_modules_is_there():
    for module, names in (
        (op_create, ("MapIds", "STEPS")),
        (stage, ("SealImporter", "STEPS")),
        (init, ("wait_for_start", "ENVIRONMENT", "ROOT", "PROGRAM")),
        (rootfs, ("pivot",)),
    ):
        for name in names:
            assert name in README
            assert hasattr(module, name)
