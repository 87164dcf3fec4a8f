"""podman of an ordinary user, whose runtime has no rights on the host either."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness import linux, world
from tests.clients.conftest import ROOT, SECONDS_TO_END

USER, ID = "clients", 61234  # between the IDs of people and those that systemd gives out
HOME = Path("/run/client")  # podman takes no runroot of more than 50 characters

ACCOUNT = {
    "passwd": f"{USER}:x:{ID}:{ID}::{HOME}:/bin/sh\n",
    "group": f"{USER}:x:{ID}:\n",
    "subuid": f"{USER}:100000:65536\n",
    "subgid": f"{USER}:100000:65536\n",
}

SCRIPTS = {
    "podman": f"""\
exec setpriv --reuid {ID} --regid {ID} --clear-groups \\
  env HOME={HOME} XDG_RUNTIME_DIR={HOME}/run {{program}} --root {HOME}/store \\
  --runroot {HOME}/run/runroot --tmpdir {HOME}/run/libpod --storage-driver vfs \\
  --cgroup-manager cgroupfs --runtime {{runtime}} "$@"
""",
}

SLEEP = (0, "podman run -d --name c $image sleep 1000")
GONE = (0, "podman rm -f -t0 c")
ON_A_TERMINAL = """sh -c 'until [ "$(stty size)" = "33 101" ]; do :; done
tty; echo ready; read word; echo got $word; exit 3'"""

OPERATIONS = {
    "run": [(7, "podman run --rm $image sh -c 'echo out; echo err >&2; exit 7'", "out")],
    "run -it": [(3, f"podman run -it --rm $image {ON_A_TERMINAL}", "got it", "it")],
    "ids": [
        (0, "podman run --rm $image sh -c 'id; cat /proc/self/uid_map'", f" {ID} "),
        (0, "podman run --rm --user user $image id", "uid=1000(user)"),
    ],
    "mounts": [
        (0, f"podman run --rm -v {HOME}:/v $image sh -c 'echo there > /v/f; cat /v/f'", "there"),
        (0, f"stat -c %u {HOME}/f && rm {HOME}/f", f"{ID}"),
        (1, f"podman run --rm -v {HOME}:/v:ro $image touch /v/x", "Read-only"),
        (1, "podman run --rm --read-only $image touch /x", "Read-only"),
        (0, "podman run --rm --tmpfs /t:size=1m $image grep ' /t ' /proc/mounts", "size=1024k"),
    ],
    "capabilities": [
        (
            0,
            "podman run --rm --cap-drop all --cap-add chown $image grep Cap /proc/self/status",
            "CapPrm:\t0000000000000001",
        ),
        (0, "podman run --rm $image grep Seccomp: /proc/self/status", "Seccomp:\t2"),
    ],
    "exec": [
        SLEEP,
        (3, "podman exec c sh -c 'echo out; exit 3'", "out"),
        (0, "podman exec -u user c id", "uid=1000(user)"),
        (3, f"podman exec -it c {ON_A_TERMINAL}", "got it", "it"),
        (0, "podman stop -t0 c"),
        GONE,
    ],
    "kill": [SLEEP, (0, "podman kill c"), (0, "podman wait c", "137"), GONE],
    "errors of the program": [
        (127, "podman run --rm $image /nosuch", "not found"),
        (126, "podman run --rm $image /etc/passwd", "OCI permission denied"),
    ],
}


@pytest.fixture(scope="module")
def shells(place):
    """A shell for each runtime, in which podman is an ordinary user's."""
    if not all(map(shutil.which, ("newuidmap", "newgidmap", "setpriv"))):
        pytest.skip("needs newuidmap, newgidmap and setpriv")
    there = place.look()
    make_account()
    shells = [
        place.shell("rootless-runc", Path(shutil.which("runc") or ""), SCRIPTS),
        place.shell("rootless-reference-runtime", copy_of_the_reference_runtime(), SCRIPTS),
    ]
    shells[0].perform([(0, f"podman import {place.image} $image")])
    yield shells
    shells[0].run("podman system migrate")  # ends the process that keeps its namespaces
    assert world.survivors(there, SECONDS_TO_END) == []
    linux.umount2(str(HOME), linux.MNT_DETACH)


def make_account() -> None:
    """Make the user in what covers /etc, and a home."""
    for name, line in ACCOUNT.items():
        with Path("/etc", name).open("a") as file:
            file.write(line)
    HOME.mkdir(mode=0o755)
    linux.mount("tmpfs", str(HOME), "tmpfs", data=f"mode=755,uid={ID},gid={ID}")
    (HOME / "run").mkdir(mode=0o700)
    os.chown(HOME / "run", ID, ID)


def copy_of_the_reference_runtime() -> Path:
    """Copy it to where the user may read it, with an interpreter that the user may execute."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "reference_runtime", HOME / "reference_runtime", ignore=ignored)
    launcher = HOME / "reference-runtime"
    words = ["setpriv", "--reuid", str(ID), "--regid", str(ID), "--clear-groups"]
    words += ["sh", "-c", '"$0" -c "import tomllib"']  # setpriv has root's rights until it execs
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            subprocess.run([*words, python, "-c", "import tomllib"], check=True, cwd=HOME)
        except (OSError, subprocess.CalledProcessError):
            continue  # no such file, below a directory of root's, or older than Python 3.11
        install = [python, "-m", "reference_runtime.install", str(launcher)]
        subprocess.run(install, check=True, cwd=HOME)
        return launcher
    pytest.skip("needs a Python 3.11 that an ordinary user may execute")


@pytest.mark.parametrize("steps", OPERATIONS.values(), ids=OPERATIONS)
def test_rootless(compare, steps):
    compare(steps)
