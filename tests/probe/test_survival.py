"""Where the probe has to live: small limits, no libc, as the first process of a namespace."""

import os
import resource
import signal
import struct
from pathlib import Path
from typing import Any

import pytest

from harness.probe import Line
from tests.probe.conftest import Say, Start, limited, needs_root


@pytest.mark.parametrize(
    ("name", "soft"),
    [
        (resource.RLIMIT_STACK, 16 << 10),
        (resource.RLIMIT_AS, 8 << 20),
        (resource.RLIMIT_DATA, 4 << 20),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_CORE, 0),
    ],
)
def test_it_lives_with_small_limits(say: Say, name: int, soft: int) -> None:
    lines = say(
        "catch", "facts", "raise=37", "stdin", "child", "end", "reap",
        preexec_fn=limited(name, soft), env={"PATH": "/bin"},
    )  # fmt: skip

    assert {"facts", "signal", "stdin", "child", "reaped"} == {line.event for line in lines}


def test_it_has_no_interpreter_no_libc_and_no_memory_both_writable_and_executable(
    probe: Path,
) -> None:
    elf = probe.read_bytes()
    (offset,) = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    headers = [struct.unpack_from("<II", elf, offset + size * n) for n in range(count)]

    interpreter, stack, writable_and_executable = 3, 0x6474E551, 3
    assert interpreter not in dict(headers)
    assert dict(headers)[stack] & 1 == 0
    assert all(flags & 3 != writable_and_executable for _, flags in headers)
    assert len(elf) < 32 * 1024


@needs_root
@pytest.mark.parametrize("number", [1, 15, 37])
def test_as_pid_1_it_gets_the_signals_that_it_catches(live: Start, number: int) -> None:
    words = ("facts=ids", "catch", "say=ready", f"until={number}", "exit=7")
    run = live(*words, before=("unshare", "--pid", "--fork", "--"))
    first: Any = run.line().data["facts"]
    assert first["ids"]["pid"] == 1
    assert run.line().event == "ready"
    (pid,) = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children").read_text().split()

    os.kill(int(pid), number)

    # A sender outside of the pid namespace has no pid in it.
    assert run.line() == Line("signal", "", {"signal": number, "code": 0, "sender": 0})
    assert run.ended() == 7


@needs_root
def test_as_pid_1_it_survives_a_signal_with_the_default_action_and_dies_of_a_crash(
    live: Start,
) -> None:
    run = live("raise=15", "say=alive", "crash", before=("unshare", "--pid", "--fork", "--"))

    assert run.line().event == "alive"
    assert run.ended() in {-signal.SIGSEGV, 128 + signal.SIGSEGV}
