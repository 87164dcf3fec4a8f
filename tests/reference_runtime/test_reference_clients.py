"""Configurations that engines have made: each is created, or refused where runc refuses it too.

OCI_CLIENT_CONFIGS=DIR says where they are; -rP prints which is refused, and why.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

from reference_runtime import errors, validate, validate_linux
from tests.reference_runtime.conftest import let_strangers_through

CONFIGS = Path(os.environ.get("OCI_CLIENT_CONFIGS", "/nonexistent"))
FILES = sorted(CONFIGS.glob("*.json"))

# What is refused on every host, by a word of the message, and why runc refuses it too.
REFUSED = {
    "ctr-sysdcg.json": ("systemd", "systemd does not run, so runc cannot use its manager"),
    "podman-opt-userns.json": ("linux.uidMappings", "a user namespace without maps, for crun only"),
}
BY_HOST = ("CAP_SYS_RESOURCE",)  # what a host may not grant either of them

pytestmark = pytest.mark.skipif(
    not FILES, reason="needs engines' config.json files: OCI_CLIENT_CONFIGS=DIR"
)


@pytest.fixture
def world(tmp_path, program):
    """Put what this test has in the place of what was on the engine's host."""

    def adapt(config: dict[str, Any]) -> Path:
        bundle: Path = tmp_path / "bundle"
        rootfs = bundle / "rootfs"
        rootfs.mkdir(parents=True)
        shutil.copy(program, rootfs / "program")
        config["root"]["path"] = "rootfs"
        config["process"]["args"] = ["/program", "wait"]
        for hooks in config.get("hooks", {}).values():
            for hook in hooks:
                hook.update(path="/bin/true", args=["true"])
        adapt_mounts(config["mounts"], bundle)
        adapt_linux(config["linux"], bundle)
        (bundle / "config.json").write_text(json.dumps(config))
        return bundle

    return adapt


def adapt_mounts(mounts: list[dict[str, Any]], bundle: Path) -> None:
    """Make the sources of bind mounts that are not here."""
    for index, mount in enumerate(mounts):
        source = Path(mount.get("source", "/"))
        if {"bind", "rbind"} & set(mount.get("options", [])) and not source.exists():
            replaced = bundle / f"source{index}"
            mount["source"] = str(replaced)
            if "." in source.name or source.name in {"hosts", "hostname", "catatonit"}:
                replaced.write_text("")
            else:
                replaced.mkdir()


def adapt_linux(linux: dict[str, Any], bundle: Path) -> None:
    """Take new namespaces for what has gone, a cgroup of the tests', a root that is mapped."""
    if "cgroupsPath" in linux and ":" not in linux["cgroupsPath"]:
        linux["cgroupsPath"] = f"/reference-runtime-tests-{os.getpid()}/{uuid.uuid4().hex}"
    for namespace in linux["namespaces"]:
        if not os.access(namespace.get("path", "/"), os.R_OK):
            del namespace["path"]
    for mapping in linux.get("uidMappings", [])[:1]:
        os.chown(bundle / "rootfs", mapping["hostID"], mapping["hostID"])
        let_strangers_through(bundle)


@pytest.fixture
def console(tmp_path):
    """Where a terminal may be handed over; nobody looks at it."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "console"))
        listener.listen()
        yield str(tmp_path / "console")


def options(config: dict[str, Any], console: str) -> tuple[list[str], list[str]]:
    """The options that the engine gave with such a configuration: global ones, create's."""
    path = config["linux"].get("cgroupsPath", "")
    return (
        ["--systemd-cgroup"] if ":" in path else [],
        ["--console-socket", console] if config["process"].get("terminal") else [],
    )


@pytest.mark.parametrize(
    "path", [path for path in FILES if "ociVersion" in path.read_text()], ids=lambda p: p.name
)
def test_an_engine_s_configuration_is_created_or_runc_refuses_it_too(
    runtime, world, console, path, tmp_path
):
    config = json.loads(path.read_text())
    bundle = world(config)
    before, with_console = options(config, console)

    identifier = runtime.new_id()
    result = runtime(*before, "create", "-b", str(bundle), *with_console, identifier)

    if result.ok:
        assert path.name not in REFUSED
        assert runtime("start", identifier).ok
        return
    word, why = REFUSED.get(path.name, ("", ""))
    if not word:
        word = next((name for name in BY_HOST if name in result.stderr), "")
        why = "this host does not grant it"
    print(f"{path.name}: refused: {result.stderr.strip()} ({why})")  # noqa: T201 (for -rP)
    assert word, result.stderr
    assert word in result.stderr
    runc = shutil.which("runc")
    if runc:
        command = [runc, "--root", str(tmp_path / "runc"), *before, "create", "-b", str(bundle)]
        refused = subprocess.run(
            [*command, *with_console, identifier],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False, timeout=30,
        )  # fmt: skip
        subprocess.run([*command[:3], "delete", "--force", identifier], check=False, timeout=30)
        assert refused.returncode


@pytest.mark.parametrize(
    "path", [path for path in FILES if "process" in path.name], ids=lambda p: p.name
)
def test_an_engine_s_process_is_valid(path):
    validate.PROCESS(json.loads(path.read_text()), "process")


@pytest.mark.parametrize(
    "path", [path for path in FILES if "resources" in path.name], ids=lambda p: p.name
)
def test_an_engine_s_resources_are_valid(path):
    validate_linux.RESOURCES(json.loads(path.read_text()), "linux.resources")


def test_every_file_is_of_a_known_kind():
    kinds = ("ociVersion", "process", "resources")
    for path in FILES:
        document = json.loads(path.read_text())
        assert "ociVersion" in document or any(kind in path.name for kind in kinds)
    with pytest.raises(errors.OperationError):
        validate.configuration({"ociVersion": "1.0.2-dev"})
