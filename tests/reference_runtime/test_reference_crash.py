"""A runtime killed by SIGKILL at any moment leaves nothing that delete does not remove.

The moments are random, with a fixed seed, over the time that the operation takes here. `make test`
tries a few; `REFERENCE_KILLS=100 pytest tests/reference_runtime/test_reference_crash.py` tries a
hundred of each operation.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import time
from pathlib import Path
from statistics import median
from typing import Any

import pytest

KILLS = int(os.environ.get("REFERENCE_KILLS", "12"))
DEADLINE = 10  # seconds for anything that is waited for
RACERS = 4


@pytest.fixture
def bundles(config, make_bundle, program, tmp_path):
    """Bundles that have different things made for them; their programs can be told by tmp_path."""
    config["process"]["args"] = ["/program", "wait", str(tmp_path)]
    namespaces = config["linux"]["namespaces"]
    hook = {"path": str(program), "args": ["hook", "exit", "0", str(tmp_path)]}
    kinds = ("prestart", "createRuntime", "poststart", "poststop")
    identity = [{"containerID": 0, "hostID": 0, "size": 65536}]
    variants = {
        "plain": {},
        "hooks": {"hooks": {kind: [hook, hook] for kind in kinds}},
        "user": {
            "linux": {
                **config["linux"],
                "namespaces": [*namespaces, {"type": "user"}],
                "uidMappings": identity,
                "gidMappings": identity,
            }
        },
        "host-mounts": {  # what is mounted is mounted in the runtime's own mount namespace
            "linux": {
                **config["linux"],
                "namespaces": [n for n in namespaces if n["type"] not in {"mount", "pid"}],
            }
        },
    }
    return [make_bundle({**config, **change}, name) for name, change in variants.items()]


class Aftermath:
    """What there is of a container after an operation on it was killed."""

    def __init__(self, runtime, identifier: str, cgroups, mount_namespace: int) -> None:
        self.runtime = runtime
        self.identifier = identifier
        self.cgroups = cgroups
        self.mountinfo = Path(f"/proc/{mount_namespace}/mountinfo")

    def check(self) -> str:
        """State tells the truth, delete removes; return what state told."""
        status = self.settled_status()
        if status == "stopped":
            result = self.runtime("delete", self.identifier)
            assert result.ok, result.stderr
        result = self.runtime("delete", "--force", self.identifier)
        assert result.ok, result.stderr
        wait_until_gone(self.runtime.work)
        assert list(self.runtime.root.glob("*")) == []
        assert self.cgroups() == []
        assert str(self.runtime.work) not in self.mountinfo.read_text()
        return status

    def settled_status(self) -> str:
        """Query the state until it is what the processes say too: those of a killed create end."""
        deadline = time.monotonic() + DEADLINE
        while True:
            result = self.runtime("state", self.identifier)
            if not result.ok:
                assert "does not exist" in result.stderr
                return "unknown"
            state = json.loads(result.stdout)
            if is_true(state):
                return str(state["status"])
            assert time.monotonic() < deadline, state


def is_true(state: dict[str, Any]) -> bool:
    """Say whether the processes are as the state tells."""
    if state["status"] == "stopped":
        return True  # what it has left is looked for after delete
    assert state["status"] in {"creating", "created", "running"}
    try:
        executable = os.readlink(f"/proc/{state['pid']}/exe")
    except (KeyError, OSError):
        return False
    expected = "running" if executable.endswith("/program") else "created"
    return bool(state["status"] == expected)


def processes(work: Path) -> list[int]:
    """Return the processes that have the directory in their arguments; zombies have none."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.fsencode(work) in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def wait_until_gone(work: Path) -> None:
    """Wait until no such process is left."""
    deadline = time.monotonic() + DEADLINE
    while pids := processes(work):
        assert time.monotonic() < deadline, [Path(f"/proc/{p}/cmdline").read_bytes() for p in pids]
        for pid in pids:
            try:
                pidfd = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            select.select([pidfd], [], [], DEADLINE)
            os.close(pidfd)


def run_and_kill(runtime, seconds: float, *words: str) -> bool:
    """Run one operation and kill it after some time; say whether it still ran."""
    process = runtime.start_process(*words)
    pidfd = os.pidfd_open(process.pid)
    select.select([pidfd], [], [], seconds)
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    os.close(pidfd)
    return bool(process.wait() == -signal.SIGKILL)


def prepare(runtime, operation: str, identifier: str, bundle: Path) -> list[str]:
    """Bring a container to the point; return the words of the operation to be killed."""
    create = ["create", "--bundle", str(bundle), identifier]
    for words in {"create": [], "start": [create], "delete": [create, ["start", identifier]]}[
        operation
    ]:
        result = runtime(*words)
        assert result.ok, result.stderr
    if operation == "delete":
        return ["delete", "--force", identifier]
    return create if operation == "create" else [operation, identifier]


def duration(runtime, operation: str, bundles: list[Path]) -> float:
    """Measure how long an operation takes here, in seconds."""
    times = []
    for bundle in bundles:
        identifier = runtime.new_id()
        words = prepare(runtime, operation, identifier, bundle)
        began = time.monotonic()
        assert runtime(*words).ok
        times.append(time.monotonic() - began)
        assert runtime("delete", "--force", identifier).ok
    return median(times)


@pytest.mark.parametrize("operation", ["create", "start", "delete"])
def test_what_a_killed_operation_leaves_can_be_removed(
    runtime, bundles, cgroups, mount_namespace, operation
):
    chance = random.Random(operation)  # noqa: S311 (no secret)
    longest = duration(runtime, operation, bundles) * 1.1
    killed, seen = 0, set()

    for _ in range(KILLS):
        identifier = runtime.new_id()
        words = prepare(runtime, operation, identifier, chance.choice(bundles))
        killed += run_and_kill(runtime, chance.uniform(0, longest), *words)
        seen.add(Aftermath(runtime, identifier, cgroups, mount_namespace).check())

    assert killed >= KILLS / 3, f"killed {killed} of {KILLS}, found {seen}"


def race(runtime, *calls: list[str]) -> list[int]:
    """Run several operations at once; return their exit statuses."""
    started = [runtime.start_process(*words) for words in calls]
    return [process.wait() for process in started]


def test_racing_creates_of_one_id(runtime, config, make_bundle, cgroups, tmp_path):
    config["process"]["args"].append(str(tmp_path))
    bundles = [make_bundle(config, f"bundle{number}") for number in range(RACERS)]
    identifier = runtime.new_id()

    calls = [["create", "-b", str(bundle), identifier] for bundle in bundles]
    statuses = race(runtime, *calls)

    assert sorted(statuses) == [0] + [1] * (RACERS - 1)
    assert runtime.state(identifier)["bundle"] == str(bundles[statuses.index(0)])
    assert runtime("delete", "--force", identifier).ok
    wait_until_gone(tmp_path)
    assert list(runtime.root.iterdir()) == []
    assert cgroups() == []


def test_racing_starts_run_the_program_once(runtime, config, make_bundle, log):
    config["process"]["args"] = ["/program", "append", "/shared/log", "ran "]
    config["hooks"] = {"poststart": [log.hook("poststart")]}
    identifier = runtime.create(make_bundle(config))
    pidfd = os.pidfd_open(runtime.state(identifier)["pid"])

    statuses = race(runtime, *[["start", identifier]] * RACERS)

    assert select.select([pidfd], [], [], DEADLINE)[0]
    os.close(pidfd)
    assert sorted(statuses) == [0] + [1] * (RACERS - 1)
    assert sorted(log.words) == ["poststart", "ran"]


def test_racing_deletes_run_the_poststop_hooks_once(runtime, config, make_bundle, log, cgroups):
    config["hooks"] = {"poststop": [log.hook("poststop")]}
    identifier = runtime.create(make_bundle(config))
    runtime.stop(identifier)

    statuses = race(runtime, *[["delete", identifier]] * RACERS)

    assert sorted(statuses) == [0] + [1] * (RACERS - 1)
    assert log.words == ["poststop"]
    assert cgroups() == []
    assert list(runtime.root.iterdir()) == []
