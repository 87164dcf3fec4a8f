"""A create that fails, or is killed, leaves the world as it was (runtime.md#errors)."""

from __future__ import annotations

import contextlib
import os
import select
from pathlib import Path

import pytest

FAILURES = {
    "a mount of an unknown type": lambda c: c["mounts"].append(
        {"destination": "/x", "type": "nosuchfs"}
    ),
    "a mount without a source": lambda c: c["mounts"].append(
        {"destination": "/x", "source": "/no/such", "options": ["bind"]}
    ),
    "a namespace that is not there": lambda c: c["linux"]["namespaces"][-1].update(path="/no/such"),
    "a namespace of another type": lambda c: c["linux"]["namespaces"][-1].update(
        path="/proc/self/ns/uts"
    ),
    "a parameter that is not there": lambda c: c["linux"].update(sysctl={"net.no.such": "1"}),
    "a limit that cannot be raised": lambda c: c["process"].update(
        rlimits=[{"type": "RLIMIT_NOFILE", "soft": 2**40, "hard": 2**40}]
    ),
    "a program that is not there": lambda c: c["process"].update(args=["/no/such"]),
    "a cgroup limit that is refused": lambda c: c["linux"].update(
        resources={"memory": {"limit": 2**62, "swap": 1}}
    ),
    "a hook that fails": lambda c: c.update(hooks={"createContainer": [{"path": "/bin/false"}]}),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_create_leaves_nothing(runtime, config, make_bundle, cgroups, failure):
    FAILURES[failure](config)
    mounts = Path("/proc/self/mountinfo").read_text()
    identifier = runtime.new_id()

    result = runtime("create", "-b", str(make_bundle(config)), "--pid-file=pid", identifier)

    assert result.status == 1
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert not runtime.knows(identifier)
    assert not Path("pid").exists()
    assert not cgroups()
    assert Path("/proc/self/mountinfo").read_text() == mounts
    assert not runtime.root.exists() or list(runtime.root.iterdir()) == []


# Launchers as a mutant's: they change one list or function before main() runs.
STAGE1_DYING_BEFORE_IT_NAMES_INIT = """\
import os
from reference_runtime import channel, stage

send = channel.Channel.send
def die(self, word, text=""):
    if word == stage.INIT:
        with open({path!r}, "w") as file:
            file.write(os.readlink("/proc/self/ns/pid_for_children"))
        os.kill(os.getpid(), 9)
    send(self, word, text)

channel.Channel.send = die
cli.main()
"""
STAGE1_DYING_AFTER_IT_HAS_NAMED_INIT = """\
import os
from reference_runtime import stage, steps

class Die(steps.Step):
    def run(self, made):
        with open({path!r}, "w") as file:
            file.write(os.readlink("/proc/self/ns/pid_for_children"))
        os.kill(os.getpid(), 9)

stage.STEPS.append(Die())
cli.main()
"""
DYING = """\
import os
from reference_runtime import op_create, steps

class Die(steps.Step):
    describe = "be killed"
    def run(self, made):
        os.kill(os.getpid(), 9)

op_create.STEPS.insert({position}, Die())
cli.main()
"""


@pytest.mark.parametrize(
    "code", [STAGE1_DYING_BEFORE_IT_NAMES_INIT, STAGE1_DYING_AFTER_IT_HAS_NAMED_INIT]
)
def test_a_killed_stage1_ends_create_and_init(
    runtime, config, make_bundle, cgroups, launcher, tmp_path, code
):
    mutant = tmp_path / "mutant"
    code = code.format(path=str(tmp_path / "namespace"))
    mutant.write_text(launcher.read_text().replace("cli.main()\n", code))
    mutant.chmod(0o755)
    identifier = runtime.new_id()
    runtime.launcher = mutant

    result = runtime("create", "-b", str(make_bundle(config)), identifier)

    runtime.launcher = launcher
    assert result.status == 1
    assert result.stderr == "reference-runtime: the process that forks init has died\n"
    assert not members((tmp_path / "namespace").read_text())
    assert not runtime.knows(identifier)
    assert not cgroups()
    assert list(runtime.root.iterdir()) == []


def members(namespace: str) -> list[Path]:
    """Return the processes of a pid namespace that still run."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            ended = (process / "stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
            if not ended and os.readlink(process / "ns/pid") == namespace:
                found.append(process)
    return found


@pytest.mark.parametrize("position", range(13))
def test_what_a_killed_create_leaves_can_be_removed(
    runtime, config, make_bundle, cgroups, launcher, tmp_path, position
):
    mutant = tmp_path / "mutant"
    mutant.write_text(launcher.read_text().replace("cli.main()\n", DYING.format(position=position)))
    mutant.chmod(0o755)
    bundle = make_bundle(config)
    identifier = runtime.new_id()
    runtime.launcher = mutant
    assert runtime("create", "-b", str(bundle), identifier).status == -9
    runtime.launcher = launcher
    last = position == 12  # the container was complete, though nobody said so

    if runtime.knows(identifier) and not last:
        assert runtime.state(identifier)["status"] == "stopped"
    assert runtime("delete", "--force", identifier).ok

    assert not runtime.knows(identifier)
    assert not cgroups()
    again = runtime("create", "-b", str(bundle), identifier)
    assert again.ok, again.stderr
    assert runtime("delete", "--force", identifier).ok
    assert list(runtime.root.iterdir()) == []


def test_a_hook_that_kills_the_runtime(runtime, config, make_bundle, cgroups):
    config["hooks"] = {
        "createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "kill -9 $PPID"]}]
    }
    identifier = runtime.new_id()

    assert runtime("create", "-b", str(make_bundle(config)), identifier).status == -9

    assert runtime("delete", identifier).ok
    assert not cgroups()


def test_two_racing_creates_of_one_id(runtime, config, make_bundle):
    bundles = []
    for name in ("one", "two"):
        config["linux"]["cgroupsPath"] += name
        bundles.append(make_bundle(config, name))
    identifier = runtime.new_id()

    processes = [
        runtime.start_process("create", "-b", str(bundle), identifier) for bundle in bundles
    ]
    statuses = [process.wait() for process in processes]

    assert sorted(statuses) == [0, 1]
    assert runtime.state(identifier)["bundle"] == str(bundles[statuses.index(0)])


def test_two_racing_starts_run_the_program_once(runtime, config, make_bundle, log):
    config["process"]["args"] = ["/program", "append", "/shared/log", "ran "]
    identifier = runtime.create(make_bundle(config))
    pidfd = os.pidfd_open(runtime.state(identifier)["pid"])

    processes = [runtime.start_process("start", identifier) for _ in range(2)]
    statuses = [process.wait() for process in processes]

    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    assert poll.poll(10_000)
    os.close(pidfd)
    assert sorted(statuses) == [0, 1]
    assert log.words == ["ran"]
