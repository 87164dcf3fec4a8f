"""CVE-2019-5736: the container cannot overwrite what the runtime runs from."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.reference_runtime import ordinary
from tests.reference_runtime.conftest import HERE, Runtime, wait_for_exit
from tests.reference_runtime.ordinary import CALLER, UID

HOSTS = ("/usr", "/lib", "/lib64", "/bin")  # of the dynamic linker and the interpreter's libraries
READ_ONLY, SEALED = "30", "1"  # EROFS of the mount; EPERM of the sealed file


class Attacked(Runtime):
    """The runtime, the interpreter that it runs on, and who calls it."""

    python = Path()
    is_rootless = False


@pytest.fixture(scope="module")
def attack(tmp_path_factory):
    """The attack as a library, and the program that it goes on as."""
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("needs a C compiler named cc")
    directory = tmp_path_factory.mktemp("attack")
    source = HERE / "attack.c"
    library = ["-shared", "-fPIC", "-DLIBRARY", "-o", directory / "attack.so"]
    for options in (library, ["-static", "-o", directory / "attack"]):
        subprocess.run([compiler, "-O1", *options, source], check=True)
    return directory


@pytest.fixture
def place():
    made = Path(tempfile.mkdtemp(prefix="reference-runtime-tests-", dir="/var/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(params=["root", "ordinary user"])
def runtime(request, place):
    """The runtime with an interpreter of its own: one that others execute could not be written."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    found = ordinary.interpreter()
    if not found.startswith("/usr/"):
        pytest.skip("needs the distribution's Python: its libraries are bound into the container")
    python = place / "python3"
    shutil.copy(found, python)
    work = place / "work"
    work.mkdir()
    made = Attacked(ordinary.install(place, str(python)), work)
    made.python = python
    made.is_rootless = request.param != "root"
    if made.is_rootless:
        if not ordinary.can_make_user_namespaces():
            pytest.skip("needs user namespaces of ordinary users")
        caller = place / "caller"
        words = " ".join([str(shutil.which("setpriv")), *CALLER[1:], str(made.launcher)])
        caller.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        caller.chmod(0o755)
        made.launcher = caller
        os.chown(python, UID, UID)  # so that nothing but the protection is in the way
        ordinary.own(work)
    yield made
    for identifier in made.ids:
        made("delete", "--force", identifier)


@pytest.fixture
def bundle(runtime, config, place, attack, program):
    """A container with the attack in it, which a script has the kernel begin."""
    made = place / "bundle"
    rootfs = made / "rootfs"
    rootfs.mkdir(parents=True)
    for path in (attack / "attack", attack / "attack.so", program):
        shutil.copy(path, rootfs)
    (rootfs / "script").write_text("#!/proc/self/exe\n")
    (rootfs / "script").chmod(0o755)
    for path in HOSTS:
        if Path(path).is_dir():
            mount = {
                "destination": path,
                "type": "none",
                "source": path,
                "options": ["rbind", "ro"],
            }
            config["mounts"].append(mount)
    if runtime.is_rootless:
        del config["linux"]["cgroupsPath"]
        config["linux"]["namespaces"].append({"type": "user"})
        for kind in ("uid", "gid"):
            config["linux"][f"{kind}Mappings"] = [{"containerID": 0, "hostID": UID, "size": 1}]
        ordinary.own(made)
    return made


def attacking(config):
    return {**config["process"], "args": ["/script"], "env": ["LD_PRELOAD=/attack.so"]}


def judge(runtime, bundle, before):
    expected = SEALED if runtime.is_rootless else READ_ONLY
    assert (bundle / "rootfs/result").read_text() == expected
    assert runtime.python.read_bytes() == before


def test_create_runs_from_what_the_container_cannot_write(runtime, config, bundle):
    before = runtime.python.read_bytes()
    config["process"] = attacking(config)
    (bundle / "config.json").write_text(json.dumps(config))
    identifier = runtime.create(bundle)
    pidfd = os.pidfd_open(runtime.state(identifier)["pid"])

    assert runtime("start", identifier).ok

    wait_for_exit(pidfd=pidfd)
    os.close(pidfd)
    judge(runtime, bundle, before)


def test_exec_runs_from_what_the_container_cannot_write(runtime, config, bundle):
    before = runtime.python.read_bytes()
    (bundle / "config.json").write_text(json.dumps(config))
    identifier = runtime.create(bundle)
    assert runtime("start", identifier).ok
    process = runtime.work / "process.json"
    process.write_text(json.dumps(attacking(config)))
    pid_file = runtime.work / "pid"
    words = ["exec", "--detach", "--process", str(process), "--pid-file", str(pid_file)]

    assert runtime(*words, identifier).ok  # and it ends: an executed file cannot be written

    with contextlib.suppress(ProcessLookupError):
        wait_for_exit(int(pid_file.read_text()))
    judge(runtime, bundle, before)
