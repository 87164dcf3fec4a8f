"""Descriptors that a caller leaks, preserves, or asks for by --pidfd-socket."""

from __future__ import annotations

import array
import os
import socket
from pathlib import Path

import pytest


@pytest.fixture
def pipes():
    """Pipes that a caller passes on as its descriptors 3, 4 and 5; gives them, to be compared."""
    read, write = os.pipe()
    taken = [read, write]
    while max(taken) < 5:
        taken.append(os.dup(read))
    yield taken
    for fd in taken:
        os.close(fd)


def leak(pipe: int) -> dict[str, object]:
    """Have a call begin with 3, 4 and 5 open on one pipe."""

    def duplicate() -> None:
        for fd in (3, 4, 5):
            os.dup2(pipe, fd)

    return {"preexec_fn": duplicate, "close_fds": False}


def descriptors(process: Path) -> list[str]:
    return sorted(entry.name for entry in (process / "fd").iterdir())


def test_what_the_caller_leaks_reaches_nobody(runtime, config, make_bundle, proc, pipes, tmp_path):
    """Buildah leaves pipes open, of which the reader would never see the end."""
    listing = f"ls -l /proc/$$/fd > {tmp_path}/fds"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", listing], "env": ["PATH=/bin:/usr/bin"]}
    config["hooks"] = {"createRuntime": [hook], "poststart": [hook]}
    bundle = str(make_bundle(config))
    identifier = runtime.new_id()
    pipe = f"pipe:[{os.fstat(pipes[1]).st_ino}]"

    assert runtime("create", "-b", bundle, identifier, **leak(pipes[1])).ok
    assert pipe not in (tmp_path / "fds").read_text()
    held = [os.readlink(entry) for entry in (proc(identifier) / "fd").iterdir()]
    assert pipe not in held
    assert runtime("start", identifier, **leak(pipes[1])).ok
    assert pipe not in (tmp_path / "fds").read_text()
    assert descriptors(proc(identifier)) == ["0", "1", "2"]


@pytest.mark.parametrize("option", ["--preserve-fds=2", "--preserve-fds 2"])
def test_descriptors_are_preserved(runtime, config, make_bundle, proc, pipes, tmp_path, option):
    listing = f"ls -l /proc/$$/fd > {tmp_path}/fds"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", listing], "env": ["PATH=/bin:/usr/bin"]}
    config["hooks"] = {"createRuntime": [hook]}
    bundle = str(make_bundle(config))
    identifier = runtime.new_id()
    pipe = f"pipe:[{os.fstat(pipes[1]).st_ino}]"

    result = runtime("create", *option.split(), "-b", bundle, identifier, **leak(pipes[1]))
    assert result.ok, result.stderr
    assert runtime("start", identifier).ok

    assert pipe not in (tmp_path / "fds").read_text()
    assert descriptors(proc(identifier)) == ["0", "1", "2", "3", "4"]
    assert os.readlink(proc(identifier) / "fd/4") == pipe


def test_exec_preserves_descriptors_too(runtime, running, tmp_path, pipes):
    pid_file = str(tmp_path / "pid")
    words = ("exec", "-d", "--preserve-fds", "1", "--pid-file", pid_file, running)

    result = runtime(*words, "/program", "wait", **leak(pipes[1]))

    assert result.ok, result.stderr
    program = Path("/proc", Path(pid_file).read_text())
    assert descriptors(program) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("number", ["1", "4294967294", "x", "-1"])
def test_descriptors_that_are_not_there_cannot_be_preserved(runtime, config, make_bundle, number):
    words = ("create", "--preserve-fds", number, "-b", str(make_bundle(config)), runtime.new_id())

    result = runtime(*words)

    assert result.status == 1
    assert "--preserve-fds" in result.stderr


@pytest.fixture
def listener(tmp_path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "socket"))
        sock.listen()
        sock.settimeout(10)
        yield sock


def received_pid(listener: socket.socket) -> int:
    caller = listener.accept()[0]
    _, rights, *_ = caller.recvmsg(100, socket.CMSG_SPACE(4))
    caller.close()
    (pidfd,) = array.array("i", rights[0][2])
    lines = Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines()
    os.close(pidfd)
    return int(next(line for line in lines if line.startswith("Pid:")).split()[1])


def test_a_pidfd_is_handed_over(runtime, config, make_bundle, listener, tmp_path):
    path = listener.getsockname()
    identifier = runtime.create(make_bundle(config), "--pidfd-socket", path)
    assert received_pid(listener) == runtime.state(identifier)["pid"]
    pid_file = tmp_path / "pid"
    words = ("exec", "-d", f"--pidfd-socket={path}", "--pid-file", str(pid_file), identifier)

    assert runtime(*words, "/program", "wait").ok

    assert received_pid(listener) == int(pid_file.read_text())


def test_a_pidfd_that_nobody_takes_undoes_create(runtime, config, make_bundle, cgroups, tmp_path):
    words = ("--pidfd-socket", str(tmp_path / "none"), "--pid-file", str(tmp_path / "pid"))
    bundle = str(make_bundle(config))

    result = runtime("create", "-b", bundle, *words, runtime.new_id())

    assert "--pidfd-socket" in result.stderr
    assert not cgroups()
    assert not (tmp_path / "pid").exists()
