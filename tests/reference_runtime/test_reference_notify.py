"""SCMP_ACT_NOTIFY (config-linux.md#seccomp, #containerprocessstate), and what start knows of it."""

from __future__ import annotations

import array
import ctypes
import errno
import fcntl
import json
import os
import platform
import select
import shutil
import signal
import socket
import struct
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from reference_runtime import seccomp, seccomp_verdict
from tests.reference_runtime.conftest import DEADLINE, wait_for_exit

if TYPE_CHECKING:
    from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
GETPPID, UNAME, EXECVE = {"x86_64": (110, 63, 59)}.get(platform.machine(), (173, 160, 221))
NOTIF_RECV, NOTIF_SEND, CONTINUE = 0xC0502100, 0xC0182101, 1
NEEDED = ["execve", "exit_group"]


class Agent:
    """Who listens at listenerPath."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        parent = os.open(path.parent, os.O_PATH)
        self.socket.bind(f"/proc/self/fd/{parent}/{path.name}")
        os.close(parent)
        self.socket.listen()
        self.socket.settimeout(DEADLINE)

    def receive(self) -> tuple[dict[str, Any], int]:
        """Accept one connection and read it to its end; return the state and the descriptor."""
        connection, _ = self.socket.accept()
        connection.settimeout(DEADLINE)
        text, fds = b"", array.array("i")
        while True:
            part, rights, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(64))
            for _, _, data in rights:
                assert not text, "descriptors come with the first message only"
                fds.frombytes(data)
            if not part:
                connection.close()
                (listener,) = fds
                return json.loads(text), listener
            text += part

    @property
    def has_another_caller(self) -> bool:
        return bool(select.select([self.socket], [], [], 0)[0])


def notified(listener: int) -> tuple[int, int, int]:
    """Wait for a notification; return its cookie, the thread and the system call."""
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    assert poll.poll(DEADLINE * 1000), "no notification in time"
    notification = bytearray(80)
    fcntl.ioctl(listener, NOTIF_RECV, notification)
    cookie, pid, _, number = struct.unpack_from("QIIi", notification)
    return cookie, pid, number


def answer(listener: int, cookie: int, error: int = 0, flags: int = 0) -> None:
    fcntl.ioctl(listener, NOTIF_SEND, struct.pack("QqiI", cookie, 0, -error, flags))


@pytest.fixture
def agent(tmp_path):
    agent = Agent(tmp_path / "agent")
    yield agent
    agent.socket.close()


@pytest.fixture(autouse=True)
def _subreaper():
    """The containers are children of this process: their wait status says how they end."""
    libc = ctypes.CDLL(None)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    yield
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


@pytest.fixture
def created(runtime, config, make_bundle, filtered, agent):
    """Create a container whose program makes one system call, behind a filter; return its ID."""

    def create(default: str, *words: object, **rules: Any) -> str:
        members = rules.pop("members", {"listenerPath": agent.path})
        config["linux"]["seccomp"] = {
            "defaultAction": f"SCMP_ACT_{default}",
            "syscalls": [
                {"action": f"SCMP_ACT_{action}", "names": names} for action, names in rules.items()
            ],
            **members,
        }
        config["process"]["args"] = ["/filtered", *map(str, words)]
        bundle = make_bundle(config)
        shutil.copy(filtered, bundle / "rootfs/filtered")
        identifier: str = runtime.create(bundle)
        return identifier

    return create


def ended(pid: int) -> int:
    wait_for_exit(pid)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def finished(process: subprocess.Popen[bytes]) -> int:
    wait_for_exit(process.pid)
    return process.wait()


@pytest.mark.parametrize("nnp", [True, False])
def test_the_agent_answers_for_the_call(runtime, config, created, agent, nnp):
    config["process"]["noNewPrivileges"] = nnp
    config["process"]["user"] = {"uid": 7, "gid": 7}
    config["annotations"] = {"a": "b" * 300_000}
    members = {"listenerPath": agent.path, "listenerMetadata": 'opaque "data"'}
    identifier = created("ALLOW", UNAME, NOTIFY=["uname"], members=members)
    before = runtime.state(identifier)

    process = runtime.start_process("start", identifier)
    state, listener = agent.receive()

    pid = before["pid"]
    assert state == {
        "ociVersion": "1.3.0",
        "fds": ["seccompFd"],
        "pid": pid,
        "metadata": 'opaque "data"',
        "state": before,
    }
    assert finished(process) == 0
    cookie, thread, number = notified(listener)
    assert (thread, number) == (pid, UNAME)
    answer(listener, cookie, error=77)
    assert ended(pid) == 77
    assert not agent.has_another_caller
    os.close(listener)


def test_every_call_can_be_one_to_notify_of(runtime, created, agent):
    """From the filter on nothing but execve is called, so nothing waits for an agent in vain."""
    identifier = created("NOTIFY", GETPPID)
    pid = runtime.state(identifier)["pid"]
    process = runtime.start_process("start", identifier)
    state, listener = agent.receive()
    assert "metadata" not in state

    seen = []
    for _ in range(3):
        cookie, _, number = notified(listener)
        seen.append(number)
        answer(listener, cookie, flags=CONTINUE)

    assert seen[:2] == [EXECVE, GETPPID]
    assert finished(process) == 0
    assert ended(pid) == 0
    os.close(listener)


@pytest.mark.parametrize("default", ["ALLOW", "KILL_PROCESS"])
def test_an_agent_that_refuses_the_execution_makes_start_fail(runtime, created, agent, default):
    """Even where the filter does not let init say so."""
    identifier = created(default, NOTIFY=["execve"])
    process = runtime.start_process("start", identifier)
    _, listener = agent.receive()

    answer(listener, notified(listener)[0], error=errno.EACCES)

    assert finished(process) == 1
    assert "permission denied" in (runtime.work / "stderr").read_text().lower()
    assert runtime.state(identifier)["status"] == "stopped"
    os.close(listener)


@pytest.mark.parametrize("flags", [
    ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
    ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG"],
], ids=str)  # fmt: skip
def test_flags(runtime, created, agent, flags):
    members = {"listenerPath": agent.path, "flags": flags}
    identifier = created("ALLOW", NOTIFY=["uname"], members=members)
    pid = runtime.state(identifier)["pid"]

    process = runtime.start_process("start", identifier)

    os.close(agent.receive()[1])
    assert finished(process) == 0
    assert ended(pid) == 0


def test_a_long_path_relative_to_the_bundle(runtime, created, tmp_path):
    directory = tmp_path / ("long" * 50)
    directory.mkdir()
    agent = Agent(directory / "agent")
    members = {"listenerPath": f"../{directory.name}/agent"}
    identifier = created("ALLOW", NOTIFY=["uname"], members=members)

    process = runtime.start_process("start", identifier)

    os.close(agent.receive()[1])
    assert finished(process) == 0
    agent.socket.close()


@pytest.mark.parametrize("path", ["/no/such/socket", "/dev/null", "closed"])
def test_an_agent_that_cannot_be_reached_makes_start_fail(runtime, created, agent, path, tmp_path):
    agent.socket.close()
    path = str(tmp_path / "agent") if path == "closed" else path
    identifier = created("ALLOW", NOTIFY=["uname"], members={"listenerPath": path})
    pid = runtime.state(identifier)["pid"]

    result = runtime("start", identifier)

    assert result.status == 1
    assert f"linux.seccomp.listenerPath: {path}: " in result.stderr
    assert ended(pid) == -signal.SIGKILL
    assert runtime.state(identifier)["status"] == "stopped"


def test_without_the_action_nobody_is_called(runtime, created, agent):
    identifier = created("ALLOW", ERRNO=["uname"])

    assert runtime("start", identifier).ok

    assert not agent.has_another_caller


def test_the_agent_hears_of_programs_of_exec(runtime, created, agent, program, tmp_path):
    identifier = created("ALLOW", NOTIFY=["uname"])
    shutil.copy(program, tmp_path / "bundle/rootfs/program")
    first = runtime.state(identifier)["pid"]
    words = {"cwd": "/", "args": ["/filtered", str(UNAME)], "user": {"uid": 0, "gid": 0}}
    (tmp_path / "process").write_text(json.dumps(words))

    process = runtime.start_process("exec", "--process", str(tmp_path / "process"), identifier)
    state, listener = agent.receive()

    assert state["state"] == runtime_state(runtime, identifier)
    assert state["state"]["pid"] == first != state["pid"]
    cookie, thread, number = notified(listener)
    assert (thread, number) == (state["pid"], UNAME)
    answer(listener, cookie, error=66)
    assert finished(process) == 66
    os.close(listener)


def runtime_state(runtime, identifier: str) -> dict[str, Any]:
    """Ask without disturbing the files of the process that is running."""
    command = [runtime.launcher, "--root", runtime.root, "state", identifier]
    output = subprocess.run(command, capture_output=True, check=True).stdout
    state: dict[str, Any] = json.loads(output)
    return state


# A launcher as a mutant's: start is killed when the process behind the filter waits for it.
KILLED_START = """\
import os
from reference_runtime import seccomp_listener

seccomp_listener._LOOKS = 100
seccomp_listener.hand_over = lambda *_: os._exit(9)
cli.main()
"""


def test_a_start_that_is_killed_leaves_no_process_behind(runtime, created, launcher, tmp_path):
    script = tmp_path / "killed"
    script.write_text(launcher.read_text().replace("cli.main()\n", KILLED_START))
    script.chmod(0o755)
    runtime.launcher = script
    identifier = created("ALLOW", NOTIFY=["uname"])
    pid = runtime.state(identifier)["pid"]

    assert runtime("start", identifier).status == 9

    assert ended(pid) == 1


OBSTACLES = [
    ("KILL_PROCESS", {}, "the filter kills"),
    ("KILL", {}, "the filter kills"),
    ("TRAP", {}, "the filter kills"),
    ("ALLOW", {"KILL_THREAD": ["execve"]}, "the filter kills"),
    ("KILL_PROCESS", {"ERRNO": ["execve"]}, "the filter answers execve: Operation not permitted"),
    ("KILL_PROCESS", {"TRACE": ["execve"]}, "the filter asks a tracer"),
    ("ERRNO", {}, "peration not permitted"),
]


@pytest.mark.parametrize(("default", "rules", "expected"), OBSTACLES, ids=str)
def test_start_fails_when_the_filter_does_not_let_the_program_be_executed(
    runtime, created, default, rules, expected
):
    identifier = created(default, **rules)

    result = runtime("start", identifier)

    assert result.status == 1
    assert expected in result.stderr
    assert runtime.state(identifier)["status"] == "stopped"


def test_exec_fails_likewise(runtime, created, tmp_path):
    identifier = created("KILL_PROCESS")
    process = {"cwd": "/", "args": ["/filtered"], "user": {"uid": 0, "gid": 0}}
    (tmp_path / "process").write_text(json.dumps(process))

    result = runtime("exec", "--process", str(tmp_path / "process"), identifier)

    assert result.status == 255
    assert "the filter kills" in result.stderr


CONDITION = {"index": 0, "op": "SCMP_CMP_EQ", "value": 0}
UNKNOWN = [
    ("LOG", []),
    ("ALLOW", [{"action": "SCMP_ACT_ERRNO", "names": ["uname"]}]),
    ("ALLOW", [{"action": "SCMP_ACT_KILL", "names": ["execve"], "args": [CONDITION]}]),
]


@pytest.mark.parametrize(("default", "rules"), UNKNOWN, ids=str)
def test_what_is_not_known_to_be_an_obstacle_is_none(default, rules):
    given = {"defaultAction": f"SCMP_ACT_{default}", "syscalls": rules}

    assert not seccomp.compile_filter(given, "linux.seccomp").obstacle


def test_the_verdict_is_the_libraries():
    """Of a filter with many calls, which libseccomp may order as a tree."""
    names = ["read", "write", "openat", "close", "getppid", "uname", "mmap", "brk", "exit_group"]
    rules = [
        {"action": "SCMP_ACT_ERRNO", "names": [name], "errnoRet": number + 1}
        for number, name in enumerate(names)
    ]
    given = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}
    program = bytes(seccomp.compile_filter(given, "linux.seccomp").program)
    architecture = seccomp_verdict._AUDIT_ARCHITECTURES[platform.machine()]

    assert seccomp_verdict.interpret(program, GETPPID, architecture) == 0x50005
    assert seccomp_verdict.interpret(program, UNAME, architecture) == 0x50006
    assert seccomp_verdict.interpret(program, EXECVE, architecture) == 0x7FFF0000
    assert seccomp_verdict.interpret(program, EXECVE, 1) in {0x0, 0x80000000}
