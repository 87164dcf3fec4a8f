"""The building side: once per source and compiler, and one clear line where it cannot be."""

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import door
from harness.probe import build as build_module
from harness.probe.build import ProbeError, build
from tests.probe.conftest import PATIENCE, names_in


def test_build_compiles_once(tmp_path: Path) -> None:
    calls = []

    def run(argv: list[str]) -> door.Said:
        calls.append(argv)
        return door.tool(argv)

    first = build(tmp_path, run=run)

    assert build(tmp_path, run=run) == first
    assert len(calls) == 1
    assert names_in(tmp_path) == [first.name]


def test_build_may_race(tmp_path: Path) -> None:
    gate = threading.Barrier(4)

    def run(argv: list[str]) -> door.Said:
        gate.wait(PATIENCE)
        return door.tool(argv)

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: build(tmp_path, run=run), range(4)))

    assert len(set(made)) == 1
    assert names_in(tmp_path) == [made[0].name]
    assert os.access(made[0], os.X_OK)


def test_build_uses_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert build().parent == tmp_path / "xdg" / "oci-conformance"

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert build().parent == tmp_path / ".cache" / "oci-conformance"


def test_another_compiler_is_another_probe(
    tmp_path: Path, probe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = shutil.which("cc")
    assert compiler is not None
    (tmp_path / "my cc").symlink_to(compiler)
    monkeypatch.setenv("CC", f"'{tmp_path}/my cc' -DUNUSED=1")

    assert build(tmp_path / "cache").name != probe.name


def test_without_a_compiler_the_error_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match=r"^no C compiler 'nocc': install .*gcc.* --probe PATH$"):
        build(tmp_path, cc="nocc")


def test_a_compiler_that_fails_is_quoted(tmp_path: Path) -> None:
    def run(_argv: list[str]) -> door.Said:
        return door.Said(1, "", "fatal: no\n" * 99)

    with pytest.raises(ProbeError, match=r"cannot build the probe") as caught:
        build(tmp_path, run=run)

    assert str(caught.value).count("fatal: no") == build_module.FIRST_LINES
    assert names_in(tmp_path) == []


def test_a_cache_that_cannot_be_written_is_a_probe_error() -> None:
    with pytest.raises(ProbeError, match="XDG_CACHE_HOME"):
        build(Path("/proc/nowhere"))


def test_the_source_has_no_warnings() -> None:
    flags = ["-Wall", "-Wextra", "-Werror", "-Os", "-fsyntax-only"]

    assert door.tool(["cc", *flags, str(build_module.SOURCE)]) == door.Said(0, "", "")
