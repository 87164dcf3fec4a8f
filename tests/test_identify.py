"""Which release a runtime is judged by: asked, in a fixed order, and never guessed upwards."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness import identify

FEATURES = """
case "$*" in *features*) echo '{"ociVersionMax": "1.1.0+dev"}'; exit 0 ;; esac
"""
VERSION = """
case "$*" in *--version*) printf 'runner version 2.1\\nspec: 1.0.2-dev\\n'; exit 0 ;; esac
"""
REFUSES_NEWER_THAN_1_1_0 = """
case "$*" in
  *features*|*--version*) exit 1 ;;
  *create*) grep -q '"ociVersion": "1.[2-9]' "$5/config.json" && exit 1 ;;
esac
exec {reference} "$@"
"""


@pytest.fixture
def runtime(tmp_path):
    """Write a runtime as a shell script; returns its path."""

    def write(script: str) -> str:
        reference = Path(sys.prefix) / "bin" / "reference-runtime"
        path = tmp_path / "runner"
        path.write_text(
            "#!/bin/sh\n" + script.replace("{reference}", str(reference)) + "\nexit 1\n"
        )
        path.chmod(0o755)
        return str(path)

    return write


@pytest.mark.parametrize(
    ("script", "release", "source"),
    [
        (FEATURES + VERSION, "1.1.0", "features"),
        (VERSION, "1.0.2", "--version"),
        (REFUSES_NEWER_THAN_1_1_0, "1.1.0", "create"),
        ("", "1.0.0", "default"),
        ("echo '[]'; exit 0", "1.0.0", "default"),
        ("kill -SEGV $$", "1.0.0", "default"),
    ],
    ids=["features", "version", "create", "fails", "garbage", "crashes"],
)
def test_the_release_that_a_runtime_declares(runtime, script, release, source):
    found = identify.identify(runtime(script), 5.0)

    assert (found.spec_version, found.spec_version_from) == (release, source)
    assert found.oci_version == release


def test_the_option_overrides_but_bundles_carry_what_the_runtime_accepts(runtime):
    found = identify.identify(runtime(VERSION), 5.0, "1.3.0")

    assert (found.spec_version, found.spec_version_from) == ("1.3.0", "option")
    assert found.oci_version == "1.0.2"


def test_the_option_may_go_below_what_is_declared(runtime):
    found = identify.identify(runtime(FEATURES), 5.0, "1.0.0")

    assert (found.spec_version, found.oci_version) == ("1.0.0", "1.0.0")


def test_name_and_version_are_what_the_runtime_says(runtime):
    found = identify.identify(runtime(VERSION), 5.0)

    assert (found.name, found.version) == ("runner", "2.1")


def test_a_runtime_that_hangs_is_asked_once(runtime):
    found = identify.identify(runtime("exec tail -f /dev/null"), 0.5)

    assert (found.spec_version_from, found.spec_version) == ("default", "1.0.0")


def test_distribution_runtimes_are_told_apart(installed_runtime):
    found = identify.identify(installed_runtime, 5.0)

    assert (found.name, found.spec_version[:4]) == (Path(installed_runtime).name, "1.0.")
