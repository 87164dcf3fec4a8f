"""Running the probe in tests: to its end, or live with its lines as they come."""

import contextlib
import os
import re
import resource
import select
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.probe import Line, parse
from harness.probe.build import build

NONCE = "n-0123"
PATIENCE = 20
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")
Members = dict[str, Any]

Say = Callable[..., list[Line]]
Facts = Callable[..., Any]
Trial = Callable[..., Members]
Start = Callable[..., "Live"]


@pytest.fixture(scope="session")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def say(probe: Path) -> Say:
    """Run the probe to its end and return its lines."""

    def say(*words: str | bytes, status: int = 0, **options: Any) -> list[Line]:
        done = subprocess.run(
            [probe, f"nonce={NONCE}", *words],
            stdout=subprocess.PIPE,
            check=False,
            timeout=PATIENCE,
            **{"stdin": subprocess.DEVNULL, **options},
        )
        assert done.returncode == status
        return parse(done.stdout, NONCE)

    return say


@pytest.fixture
def facts(say: Say) -> Facts:
    """Return the value of one fact group."""

    def facts(group: str, /, **options: Any) -> Any:
        (line,) = say(f"facts={group}", **options)
        assert line.event == "facts"
        members = line.data["facts"]
        assert isinstance(members, dict)
        assert list(members) == [group]
        return members[group]

    return facts


@pytest.fixture
def trial(say: Say) -> Trial:
    """Return the members of the line that one try reports."""

    def trial(word: str, **options: Any) -> Members:
        (line,) = say(word, **options)
        assert line.event == "try"
        return dict(line.data)

    return trial


class Live:
    """A probe that is running; its lines are read as they come."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.buffer = b""

    def line(self) -> Line:
        """Return the next line; ends the test where none comes."""
        stdout = self.process.stdout
        assert stdout is not None
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([stdout], [], [], PATIENCE)
            assert ready, "no line"
            got = os.read(stdout.fileno(), 65536)
            assert got, "the probe ended"
            self.buffer += got
        first, self.buffer = self.buffer.split(b"\n", 1)
        (line,) = parse(first + b"\n", NONCE)
        return line

    def silent(self) -> bool:
        """Tell whether there is nothing to read now."""
        assert self.process.stdout is not None
        return not self.buffer and not select.select([self.process.stdout], [], [], 0)[0]

    def kill(self, number: int) -> None:
        """Send the signal."""
        self.process.send_signal(number)

    def ended(self) -> int:
        """Wait for the end and return the status as subprocess gives it."""
        return self.process.wait(PATIENCE)


@pytest.fixture
def live(probe: Path) -> Iterator[Start]:
    """Start probes that are killed at the end of the test."""
    with contextlib.ExitStack() as stack:

        def live(*words: str, before: tuple[str, ...] = ()) -> Live:
            argv = [*before, str(probe), f"nonce={NONCE}", *words]
            process = subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
            stack.enter_context(process)
            stack.callback(process.kill)
            return Live(process)

        yield live


def limited(which: int, soft: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(which, (soft, soft))


def device(number: int) -> list[int]:
    return [os.major(number), os.minor(number)]


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def proc_status(name: str) -> str:
    (value,) = re.findall(rf"^{name}:\s*(.*)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return str(value)
