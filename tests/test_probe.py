"""The probe says what is so: every word and every fact against a source of its own."""

import contextlib
import ctypes
import os
import platform
import pty
import re
import resource
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness.probe import Line, parse
from harness.probe import build as build_module
from harness.probe.build import ProbeError, build

NONCE = "n-0123"
PATIENCE = 20
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")
Members = dict[str, Any]


@pytest.fixture(scope="session")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def say(probe: Path) -> Callable[..., list[Line]]:
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
def facts(say: Callable[..., list[Line]]) -> Callable[..., Any]:
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
def trial(say: Callable[..., list[Line]]) -> Callable[..., Members]:
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
def live(probe: Path) -> Iterator[Callable[..., Live]]:
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


# Where the script comes from


def script(probe: Path, *argv: str, **environment: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [probe, *argv], stdout=subprocess.PIPE, env=environment, check=False, timeout=PATIENCE
    )
    return done.returncode, [line.event for line in parse(done.stdout, "")]


@pytest.fixture
def copy(probe: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(probe, tmp_path / "probe"))


def test_the_environment_goes_before_argv(probe: Path) -> None:
    assert script(probe, "say=argv", CONFORMANCE_PROBE="say=a\nsay=b c\n") == (0, ["a", "b c"])


def test_argv_goes_before_the_words_file(copy: Path) -> None:
    copy.with_name("probe.words").write_text("say=file\n")

    assert script(copy, "say=argv") == (0, ["argv"])


def test_the_words_file_beside_the_executable_comes_last(copy: Path) -> None:
    copy.with_name("probe.words").write_text("say=one\n\nsay=two")

    assert script(copy) == (0, ["one", "two"])


def test_a_script_in_the_environment_leaves_argv_and_the_environment_as_received(
    probe: Path,
) -> None:
    environment = {"CONFORMANCE_PROBE": "facts=argv,env", "EMPTY": "", "B": "2"}
    done = subprocess.run(
        ["zero", "one", ""], executable=probe, env=environment, stdout=subprocess.PIPE, check=True
    )

    (line,) = parse(done.stdout, "")

    assert line.data["facts"] == {
        "argv": ["zero", "one", ""],
        "env": [f"{name}={value}" for name, value in environment.items()],
    }


@pytest.mark.parametrize(
    "environment", [{}, {"CONFORMANCE_PROBE": ""}, {"CONFORMANCE_PROBE": "\n"}]
)
def test_no_word_at_all_is_exit_99(copy: Path, environment: dict[str, str]) -> None:
    assert script(copy, **environment) == (99, [])


def test_a_words_file_that_is_too_long_is_an_error_not_a_shorter_script(copy: Path) -> None:
    copy.with_name("probe.words").write_text("say=x\n" * 25_000)

    assert script(copy) == (98, ["error"])


@pytest.mark.parametrize(
    "word",
    [
        "dance", "say", "pause=1", "facts=ids,dance", "facts=", "until=0", "until=65", "until=x",
        "exit=", "exit=1x", "ignore=9", "child", "end", "open=x:/", "open=r", "mknod=x,0,0,0:/p",
        "mknod=c,0666:/p", "syscall=", "syscall=1,2,3,4,5,6,7,8", "syscall=x", "syscall=1,b:-1",
        "syscall=1,b:999999999",
    ],
)  # fmt: skip
def test_a_word_that_cannot_be_understood_is_an_error_line_and_exit_98(
    say: Callable[..., list[Line]], word: str
) -> None:
    (line,) = say(word, "say=not reached", status=98)

    assert (line.event, line.data["word"]) == ("error", word)


# Lines


def test_a_line_carries_the_nonce_the_name_and_the_event_first(probe: Path) -> None:
    out = subprocess.run([probe, "say=a", "nonce=N", "as=A", "say=b"], stdout=-1, check=True).stdout

    assert out == b'{"nonce":"","as":"","event":"a"}\n{"nonce":"N","as":"A","event":"b"}\n'


def test_bytes_that_are_not_utf_8_and_control_characters_survive(
    say: Callable[..., list[Line]],
) -> None:
    raw = bytes(range(1, 256))

    (line,) = say(b"say=" + raw)

    assert os.fsencode(line.event) == raw


def test_output_is_ascii_escaped_only_below_space_and_at_delete(probe: Path) -> None:
    out = subprocess.run([probe, b'say=\x01\x7f\n"\\\xff'], stdout=-1, check=True).stdout

    assert out.endswith(b'"event":"\\u0001\\u007f\\u000a\\"\\\\\xff"}\n')


def test_two_appenders_never_mix_their_lines(probe: Path, tmp_path: Path) -> None:
    out, words = tmp_path / "out", 200
    said = [f"say={'x' * 500}{number}" for number in range(words)]
    racers: list[subprocess.Popen[bytes]] = []
    # A fifo opens for writing when its reader is there: both racers are held, then let go at once.
    with contextlib.ExitStack() as gates:
        for name in "ab":
            gate = tmp_path / name
            os.mkfifo(gate)
            argv = [str(probe), f"nonce={NONCE}", f"as={name}", f"to={out}", f"wait={gate}", *said]
            racers.append(subprocess.Popen(argv))
            gates.enter_context(gate.open("wb"))
    assert [racer.wait(PATIENCE) for racer in racers] == [0, 0]

    lines = parse(out.read_bytes(), NONCE)

    assert out.read_bytes().count(b"\n") == len(lines) == 2 * words
    for name in "ab":
        assert [f"say={line.event}" for line in lines if line.as_ == name] == said


def test_a_full_nonblocking_pipe_loses_nothing(probe: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with subprocess.Popen(
        [probe, f"nonce={NONCE}", "say=" + "x" * 100_000, "say=y"], stdout=writer
    ):
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            assert [line.event[:1] for line in parse(pipe.read(), NONCE)] == ["x", "y"]


def test_what_does_not_fit_is_cut_and_the_line_says_so(say: Callable[..., list[Line]]) -> None:
    text = b"\x01" * 300_000

    cut, whole = say("stdin", "say=whole", stdin=None, input=text)

    assert cut.data["cut"] is True
    assert cut.data["bytes"] == len(text)
    assert len(str(cut.data["text"])) > 170_000
    assert "cut" not in whole.data


def test_an_environment_larger_than_the_line_is_cut_and_still_json(
    facts: Callable[..., Any], say: Callable[..., list[Line]]
) -> None:
    environment = {f"V{number}": "\x01" * 60_000 for number in range(20)}

    (line,) = say("facts", env=environment)

    assert line.data["cut"] is True
    assert facts("argv", env={})[0]


def test_to_appends_to_a_file_that_it_creates(
    say: Callable[..., list[Line]], tmp_path: Path
) -> None:
    out = tmp_path / "out"

    assert say("say=before", f"to={out}", "say=after", umask=0) == [Line("before", "", {})]

    say(f"to={out}", "say=again")
    assert [line.event for line in parse(out.read_bytes(), NONCE)] == ["after", "again"]
    assert stat.S_IMODE(out.stat().st_mode) == 0o666


def test_to_a_place_that_cannot_be_opened_is_exit_97(say: Callable[..., list[Line]]) -> None:
    (line,) = say("to=/nowhere/out", "say=x", status=97)

    assert line.data == {"word": "to=/nowhere/out", "errno": 2}


# Words


def test_stdin_is_read_to_its_end(say: Callable[..., list[Line]]) -> None:
    text = os.urandom(8).hex() * (300_000 // 16)

    (line,) = say("stdin", stdin=None, input=text.encode())

    assert line.data == {"text": text, "bytes": 300_000, "errno": 0}


def test_stdin_that_is_a_directory_is_an_errno(say: Callable[..., list[Line]]) -> None:
    fd = os.open("/", os.O_RDONLY)
    (line,) = say("stdin", stdin=fd)
    os.close(fd)

    assert line.data == {"text": "", "bytes": 0, "errno": 21}


@pytest.mark.parametrize("number", [1, 10, 15, 28, 32, 33, 34, 37, 64])
def test_a_caught_signal_is_reported_with_code_and_sender(
    live: Callable[..., Live], number: int
) -> None:
    run = live("catch", "say=ready", f"until={number}", "say=on")
    assert run.line().event == "ready"

    os.kill(run.process.pid, number)

    assert run.line() == Line("signal", "", {"signal": number, "code": 0, "sender": os.getpid()})
    assert run.line().event == "on"
    assert run.ended() == 0


def test_every_catchable_signal_is_caught(say: Callable[..., list[Line]]) -> None:
    catchable = [n for n in range(1, 65) if n not in {signal.SIGKILL, signal.SIGSTOP}]

    lines = say("catch", *(f"raise={n}" for n in catchable))

    assert [line.data["signal"] for line in lines] == catchable


def test_until_does_not_miss_a_signal_that_came_before(say: Callable[..., list[Line]]) -> None:
    caught, on = say("catch", "raise=10", "until=10", "say=on")

    assert (caught.event, on.event) == ("signal", "on")


def test_until_waits_for_its_own_signal_only(live: Callable[..., Live]) -> None:
    run = live("catch", "say=ready", "until=12", "say=on")
    run.line()

    run.kill(signal.SIGUSR1)
    assert run.line().data["signal"] == signal.SIGUSR1
    run.kill(signal.SIGUSR2)

    assert [run.line().event, run.line().event] == ["signal", "on"]


@pytest.mark.parametrize("round_", range(50))
def test_until_never_races_with_the_signal(live: Callable[..., Live], round_: int) -> None:
    run = live("catch", "say=ready", "until=37", f"exit={round_}")
    run.line()

    run.kill(37)

    assert run.ended() == round_


def test_an_ignored_signal_does_nothing(say: Callable[..., list[Line]]) -> None:
    assert [line.event for line in say("ignore=15", "raise=15", "say=alive")] == ["alive"]


def test_a_signal_that_is_not_caught_kills(say: Callable[..., list[Line]]) -> None:
    say("raise=15", "say=dead", status=-signal.SIGTERM)


@pytest.mark.parametrize("words", [("crash",), ("catch", "crash"), ("child", "end", "crash")])
def test_crash_is_a_segmentation_fault(
    say: Callable[..., list[Line]], words: tuple[str, ...]
) -> None:
    lines = say(*words, status=-signal.SIGSEGV)

    faults = [line.data for line in lines if line.event == "signal" and line.data["signal"] == 11]
    assert faults == [{"signal": 11, "code": 1, "sender": None}] * words.count("catch")


@pytest.mark.parametrize(
    ("words", "status"), [((), -signal.SIGPIPE), (("catch",), 3)], ids=["default", "catch"]
)
def test_a_report_that_nobody_can_read_ends_or_is_lost_but_never_loops(
    probe: Path, words: tuple[str, ...], status: int
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen([probe, *words, "say=x", "exit=3"], stdout=writer) as process:
        os.close(writer)
        try:
            assert process.wait(PATIENCE) == status
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("words", "status"), [((), -signal.SIGXFSZ), (("catch",), 3)], ids=["default", "catch"]
)
def test_a_report_beyond_the_file_size_limit_ends_or_is_lost_but_never_loops(
    say: Callable[..., list[Line]], tmp_path: Path, words: tuple[str, ...], status: int
) -> None:
    out = f"to={tmp_path}/out"

    say(*words, out, "say=x", "exit=3", status=status, preexec_fn=limited(resource.RLIMIT_FSIZE, 0))


def test_pause_waits_until_it_is_killed(live: Callable[..., Live]) -> None:
    run = live("catch", "say=ready", "pause", "say=never")
    run.line()

    run.kill(signal.SIGUSR1)
    assert run.line().event == "signal"
    run.kill(signal.SIGKILL)

    assert run.ended() == -signal.SIGKILL


@pytest.mark.parametrize("last", [b"", b"x"])
def test_wait_goes_on_at_a_byte_or_at_the_end_of_the_fifo(
    live: Callable[..., Live], tmp_path: Path, last: bytes
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    run = live("say=ready", f"wait={fifo}", "say=on")
    assert run.line().event == "ready"

    with fifo.open("wb", buffering=0) as gate:
        assert run.silent()
        gate.write(last)

    assert run.line().event == "on"


def test_wait_for_what_is_not_there_is_exit_96(say: Callable[..., list[Line]]) -> None:
    (line,) = say("wait=/nowhere", status=96)

    assert (line.event, line.data["errno"]) == ("error", 2)


@pytest.mark.parametrize("status", [0, 1, 42, 255])
def test_exit_is_the_exit_status(say: Callable[..., list[Line]], status: int) -> None:
    assert say(f"exit={status}", "say=never", status=status) == []


def test_a_child_runs_the_words_up_to_its_end(say: Callable[..., list[Line]]) -> None:
    lines = say("child", "as=kid", "facts=ids", "end", "reap", "facts=ids")

    (mine,) = [line.data["facts"] for line in lines if (line.event, line.as_) == ("facts", "")]
    (kid,) = [line.data["facts"] for line in lines if (line.event, line.as_) == ("facts", "kid")]
    (child,) = [line for line in lines if line.event == "child"]
    (reaped,) = [line for line in lines if line.event == "reaped"]
    assert isinstance(kid, dict)
    assert isinstance(mine, dict)
    assert kid["ids"]["pid"] == child.data["pid"] == reaped.data["pid"]
    assert kid["ids"]["ppid"] == mine["ids"]["pid"]
    assert reaped.data == {"pid": child.data["pid"], "status": 0, "errno": 0}


def test_children_nest(say: Callable[..., list[Line]]) -> None:
    words = [
        "as=a",
        "child",
        "as=b",
        "child",
        "as=c",
        "exit=3",
        "end",
        "reap",
        "exit=4",
        "end",
        "reap",
    ]

    lines = say(*words)

    status = {line.as_: line.data["status"] for line in lines if line.event == "reaped"}
    assert {name: os.waitstatus_to_exitcode(int(str(value))) for name, value in status.items()} == {
        "b": 3,
        "a": 4,
    }


def test_reap_without_a_child_is_an_errno(say: Callable[..., list[Line]]) -> None:
    assert say("reap") == [Line("reaped", "", {"pid": None, "status": None, "errno": 10})]


def test_reap_gives_the_status_as_wait_does(say: Callable[..., list[Line]]) -> None:
    lines = say("child", "crash", "end", "reap")

    (reaped,) = [line for line in lines if line.event == "reaped"]
    assert os.WTERMSIG(int(str(reaped.data["status"]))) == signal.SIGSEGV


# Tries


@pytest.mark.parametrize(
    ("flags", "path", "errno"),
    [
        ("r", "/etc", 0), ("w", "/etc", 21), ("rw", "/dev/null", 0), ("a", "/dev/null", 0),
        ("r", "/nowhere", 2), ("wc", "/nowhere/x", 2), ("r", "/a:b", 2),
    ],
)  # fmt: skip
def test_open_reports_the_errno(
    trial: Callable[..., Members], flags: str, path: str, errno: int
) -> None:
    line = trial(f"open={flags}:{path}")

    assert (line["call"], line["path"], line["errno"]) == ("open", path, errno)
    assert line["result"] == -errno or line["result"] > 2


def test_open_with_c_creates(trial: Callable[..., Members], tmp_path: Path) -> None:
    assert trial(f"open=wc:{tmp_path}/new")["errno"] == 0

    assert (tmp_path / "new").read_bytes() == b""


@pytest.mark.parametrize("size", [0, 5, 65536, 65537, 400_000])
def test_read_gives_at_most_64_kb_of_the_text(
    trial: Callable[..., Members], tmp_path: Path, size: int
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * size)

    line = trial(f"read={file}")

    read = min(size, 65536)
    cut = {"cut": True} if size > read else {}
    assert line == {
        "call": "read", "path": str(file), "text": "x" * read, "bytes": read,
        "errno": 0, "result": read, **cut,
    }  # fmt: skip


def test_read_of_an_endless_file_ends(trial: Callable[..., Members]) -> None:
    assert trial("read=/dev/zero")["bytes"] == 65536


@pytest.mark.parametrize(("path", "errno"), [("/nowhere", 2), ("/etc", 21)])
def test_read_that_fails_has_no_text(trial: Callable[..., Members], path: str, errno: int) -> None:
    assert trial(f"read={path}") == {
        "call": "read", "path": path, "errno": errno, "result": -errno,
    }  # fmt: skip


def test_write_appends_the_nonce(trial: Callable[..., Members], tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("before\n")

    line = trial(f"write={file}")

    assert file.read_text() == f"before\n{NONCE}\n"
    assert (line["errno"], line["result"]) == (0, len(NONCE) + 1)


def test_write_reports_what_write_says_not_open(trial: Callable[..., Members]) -> None:
    assert trial("write=/dev/full")["errno"] == 28


def test_mkdir_and_unlink_do_and_report(say: Callable[..., list[Line]], tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (tmp_path / "file").touch()

    lines = say(f"mkdir={folder}", f"mkdir={folder}", f"unlink={folder}", f"unlink={tmp_path}/file")

    assert [line.data["errno"] for line in lines] == [0, 17, 21, 0]
    assert names_in(tmp_path) == ["folder"]


def test_list_names_what_is_in_a_folder(trial: Callable[..., Members], tmp_path: Path) -> None:
    names = [f"file-{number}" for number in range(3000)] + [os.fsdecode(b"\xff")]
    for name in names:
        (tmp_path / name).touch()

    line = trial(f"list={tmp_path}")

    assert sorted(line["names"]) == sorted(names)
    assert line["errno"] == 0


@pytest.mark.parametrize("path", ["/etc", "/dev/null", "/proc/self"])
def test_stat_and_lstat_are_those_of_the_system(trial: Callable[..., Members], path: str) -> None:
    for call, truth in (("stat", Path(path).stat()), ("lstat", Path(path).lstat())):
        line = trial(f"{call}={path}")
        if path == "/proc/self" and call == "stat":
            assert stat.S_ISDIR(line["mode"])
            continue
        assert line == {
            "call": call, "path": path, "dev": device(truth.st_dev), "ino": truth.st_ino,
            "mode": truth.st_mode, "uid": truth.st_uid, "gid": truth.st_gid,
            "rdev": device(truth.st_rdev), "size": truth.st_size, "nlink": truth.st_nlink,
            "errno": 0, "result": 0,
        }  # fmt: skip


def test_readlink_gives_the_target(trial: Callable[..., Members], tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("some/where")

    assert trial(f"readlink={tmp_path}/link")["target"] == "some/where"
    assert trial(f"readlink={tmp_path}")["errno"] == 22


def test_statfs_gives_type_and_flags(trial: Callable[..., Members]) -> None:
    line = trial("statfs=/proc")

    valid = 0x20
    assert line["type"] == 0x9FA0
    assert line["flags"] & ~valid == os.statvfs("/proc").f_flag
    assert trial("statfs=/nowhere")["errno"] == 2


def test_chdir_changes_the_working_directory(
    say: Callable[..., list[Line]], tmp_path: Path
) -> None:
    tried, facts = say(f"chdir={tmp_path}", "facts=cwd")

    assert tried.data["errno"] == 0
    assert facts.data["facts"] == {"cwd": str(tmp_path)}


@needs_root
def test_mknod_makes_the_node_with_mode_and_number(
    trial: Callable[..., Members], tmp_path: Path
) -> None:
    node = tmp_path / "node"

    line = trial(f"mknod=c,0640,511,1048575:{node}", umask=0)

    made = node.stat()
    assert line["errno"] == 0
    assert made.st_mode == stat.S_IFCHR | 0o640
    assert device(made.st_rdev) == [511, 1048575]
    assert trial(f"stat={node}")["rdev"] == [511, 1048575]


@pytest.mark.parametrize(
    ("type_", "is_type"), [("p", stat.S_ISFIFO), ("s", stat.S_ISSOCK), ("f", stat.S_ISREG)]
)
def test_mknod_makes_nodes_without_a_number(
    trial: Callable[..., Members], tmp_path: Path, type_: str, is_type: Callable[[int], bool]
) -> None:
    assert trial(f"mknod={type_},644,0,0:{tmp_path}/node")["errno"] == 0

    assert is_type((tmp_path / "node").stat().st_mode)


NR = {
    "x86_64": {"getpid": 39, "mkdirat": 258, "uname": 63, "close": 3, "mmap": 9, "kill": 62},
    "aarch64": {"getpid": 172, "mkdirat": 34, "uname": 160, "close": 57, "mmap": 222, "kill": 129},
}.get(platform.machine(), {})


def test_syscall_gives_the_raw_result(trial: Callable[..., Members]) -> None:
    assert trial(f"syscall={NR['close']},-1") == {
        "call": "syscall", "nr": NR["close"], "errno": 9, "result": -9,
    }  # fmt: skip
    assert trial(f"syscall={NR['getpid']}")["result"] > 1


def test_syscall_takes_texts_buffers_and_numbers_in_any_base(
    trial: Callable[..., Members], tmp_path: Path
) -> None:
    assert trial(f"syscall={NR['mkdirat']},-100,s:{tmp_path}/made,0x1c0")["errno"] == 0
    assert trial(f"syscall={NR['uname']},b:390")["errno"] == 0

    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o700


def test_syscall_passes_six_arguments(trial: Callable[..., Members]) -> None:
    line = trial(f"syscall={NR['mmap']},0x10000000,4096,3,0x100022,-1,0")

    assert (line["errno"], line["result"]) == (0, 0x10000000)


# Facts


def test_all_groups_are_given_when_none_is_named(say: Callable[..., list[Line]]) -> None:
    (line,) = say("facts")

    source = (Path(build_module.__file__).parent / "facts.h").read_text()
    names = re.findall(r'^    \{"(\w+)", \1\},', source, re.MULTILINE)
    groups = line.data["facts"]
    assert isinstance(groups, dict)
    assert list(groups) == names
    assert len(names) == 32


def test_ids_are_those_of_the_process(live: Callable[..., Live]) -> None:
    run = live("facts=ids", "pause")

    line = run.line()

    pid = run.process.pid
    assert line.data["facts"] == {
        "ids": {
            "pid": pid, "ppid": os.getpid(), "tid": pid, "pgid": os.getpgid(pid),
            "sid": os.getsid(pid), "uid": list(os.getresuid()), "gid": list(os.getresgid()),
            "groups": os.getgroups(), "fsuid": os.geteuid(), "fsgid": os.getegid(),
        }
    }  # fmt: skip


@needs_root
def test_ids_show_a_user_groups_and_a_session_of_their_own(
    probe: Path, facts: Callable[..., Any]
) -> None:
    # The way to the probe is closed to other users; a descriptor is not.
    fd = os.open(probe, os.O_PATH)

    ids = facts(
        "ids", user=1234, group=5678, extra_groups=[7, 70_000], start_new_session=True,
        executable=f"/proc/self/fd/{fd}", pass_fds=[fd],
    )  # fmt: skip

    os.close(fd)
    assert (ids["uid"], ids["gid"]) == ([1234] * 3, [5678] * 3)
    assert (ids["fsuid"], ids["fsgid"]) == (1234, 5678)
    assert ids["groups"] == [7, 70_000]
    assert ids["sid"] == ids["pgid"] == ids["pid"]


def test_cwd_umask_and_execfn_are_as_set(
    facts: Callable[..., Any], probe: Path, tmp_path: Path
) -> None:
    assert facts("cwd", cwd=tmp_path) == str(tmp_path)
    assert facts("umask", umask=0o027) == 0o027
    assert facts("auxv_execfn") == str(probe)
    assert facts("exe") == str(probe)


def test_umask_is_put_back(say: Callable[..., list[Line]]) -> None:
    lines = say("facts=umask", "facts=umask", umask=0o013)

    assert [line.data["facts"] for line in lines] == [{"umask": 0o013}] * 2


def test_uts_is_that_of_uname(facts: Callable[..., Any]) -> None:
    name = os.uname()

    assert facts("uts") == {
        "hostname": name.nodename,
        "domainname": Path("/proc/sys/kernel/domainname").read_text().strip(),
        "machine": name.machine,
        "release": name.release,
    }


def test_namespaces_are_those_of_the_caller(facts: Callable[..., Any]) -> None:
    namespaces = facts("ns")

    assert {name for name, target in namespaces.items() if target is not None} == set(
        names_in(Path("/proc/self/ns"))
    )
    assert all(
        target == str(Path(f"/proc/self/ns/{name}").readlink())
        for name, target in namespaces.items()
        if target is not None
    )


def test_root_is_the_root_directory(facts: Callable[..., Any]) -> None:
    truth = Path("/").stat()

    assert facts("root") == {"dev": device(truth.st_dev), "ino": truth.st_ino}


def test_capabilities_are_those_of_proc(facts: Callable[..., Any]) -> None:
    assert facts("caps") == {
        "effective": proc_status("CapEff"),
        "permitted": proc_status("CapPrm"),
        "inheritable": proc_status("CapInh"),
        "bounding": proc_status("CapBnd"),
        "ambient": proc_status("CapAmb"),
    }


LIBC = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, *values: int) -> None:
    arguments = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    if LIBC.prctl(option, *arguments) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


@needs_root
def test_capability_sets_are_told_apart(say: Callable[..., list[Line]]) -> None:
    def setup() -> None:
        # CAP_CHOWN is 0, CAP_KILL 5, CAP_SETPCAP 8, CAP_AUDIT_READ 37.
        prctl(24, 37)
        prctl(28, 0x2F)
        header = struct.pack("Ii", 0x20080522, 0)
        both = 1 << 0 | 1 << 5
        data = struct.pack("6I", both, both | 1 << 8, both, 0, 0, 0)
        assert LIBC.capset(header, data) == 0
        prctl(47, 2, 5)

    (line,) = say("facts=caps,securebits", preexec_fn=setup)

    members: Any = line.data["facts"]
    assert members["securebits"] == 0x2F
    assert int(members["caps"]["ambient"], 16) == 1 << 5
    assert int(members["caps"]["inheritable"], 16) == 0x21
    assert int(members["caps"]["permitted"], 16) == 1 << 5
    assert int(members["caps"]["effective"], 16) == 1 << 5
    assert not int(members["caps"]["bounding"], 16) & 1 << 37


def test_rlimits_are_all_sixteen(facts: Callable[..., Any]) -> None:
    numbers = [
        "CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS",
        "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME",
    ]  # fmt: skip
    limits = {}
    for number, name in enumerate(numbers):
        values = resource.prlimit(0, number)
        limits[f"RLIMIT_{name}"] = [
            "infinity" if v == resource.RLIM_INFINITY else v for v in values
        ]

    assert facts("rlimits") == limits


def test_rlimits_show_a_soft_limit_of_their_own(facts: Callable[..., Any]) -> None:
    limits = facts(
        "rlimits", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 4096))
    )

    assert limits["RLIMIT_CORE"] == [0, 4096]


def test_oom_score_adj_is_as_written(facts: Callable[..., Any]) -> None:
    def setup() -> None:
        Path("/proc/self/oom_score_adj").write_text("321")

    assert facts("oom_score_adj", preexec_fn=setup) == 321


@needs_root
def test_oom_score_adj_may_be_negative(
    facts: Callable[..., Any], probe: Path, tmp_path: Path
) -> None:
    # Without CAP_SYS_RESOURCE nobody may lower the real one.
    shutil.copy(probe, tmp_path / "probe")
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/oom_score_adj").write_text("-7\n")

    value = facts("oom_score_adj", executable="/probe", preexec_fn=lambda: os.chroot(tmp_path))

    assert value == -7


def test_no_new_privs_and_dumpable_are_as_set(facts: Callable[..., Any]) -> None:
    assert facts("no_new_privs") == int(proc_status("NoNewPrivs"))
    assert facts("no_new_privs", preexec_fn=lambda: prctl(38, 1)) == 1
    assert facts("dumpable") == 1


def test_seccomp_is_that_of_proc(facts: Callable[..., Any]) -> None:
    assert facts("seccomp") == int(proc_status("Seccomp"))


def test_signals_tell_blocked_ignored_and_caught(say: Callable[..., list[Line]]) -> None:
    def setup() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGUSR2, 40])
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    (line,) = say(
        "ignore=64", "facts=signals,status", preexec_fn=setup, restore_signals=True
    )  # fmt: skip

    members: Any = line.data["facts"]
    bits = {name: int(value, 16) for name, value in members["signals"].items()}
    assert bits == {"blocked": 1 << 11 | 1 << 39, "ignored": 1 << 0 | 1 << 63, "caught": 0}
    for name, field in (("blocked", "SigBlk"), ("ignored", "SigIgn"), ("caught", "SigCgt")):
        assert f"{field}:\t{members['signals'][name]}\n" in members["status"]


def test_caught_signals_are_seen_after_catch(say: Callable[..., list[Line]]) -> None:
    (line,) = say("catch", "facts=signals")

    members: Any = line.data["facts"]
    assert int(members["signals"]["caught"], 16) == (1 << 64) - 1 - (1 << 8) - (1 << 18)


@needs_root
def test_scheduler_affinity_and_ioprio_are_as_set(say: Callable[..., list[Line]]) -> None:
    processor = max(os.sched_getaffinity(0))

    def setup() -> None:
        os.nice(3)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        os.sched_setaffinity(0, [processor])
        number = {"x86_64": 251, "aarch64": 30}[platform.machine()]
        assert LIBC.syscall(number, 1, 0, 2 << 13 | 5) == 0

    (line,) = say("facts=scheduler,affinity,ioprio", preexec_fn=setup)

    members: Any = line.data["facts"]
    scheduler = members["scheduler"]
    assert (scheduler["policy"], scheduler["nice"], scheduler["priority"]) == (3, os.nice(0) + 3, 0)
    assert list(scheduler) == [
        "policy", "priority", "nice", "flags", "runtime", "deadline", "period",
        "util_min", "util_max",
    ]  # fmt: skip
    assert int(members["affinity"], 16) == 1 << processor
    assert members["ioprio"] == 2 << 13 | 5


@needs_root
def test_scheduler_shows_a_real_time_priority(facts: Callable[..., Any]) -> None:
    def setup() -> None:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(7))

    scheduler = facts("scheduler", preexec_fn=setup)

    assert (scheduler["policy"], scheduler["priority"], scheduler["flags"]) == (os.SCHED_FIFO, 7, 1)


def test_affinity_is_the_mask_of_the_processors(facts: Callable[..., Any]) -> None:
    assert int(facts("affinity"), 16) == sum(1 << cpu for cpu in os.sched_getaffinity(0))


def test_personality_is_as_set(facts: Callable[..., Any]) -> None:
    address_no_randomize = 0x0040000

    assert facts("personality", preexec_fn=lambda: LIBC.personality(address_no_randomize)) == (
        address_no_randomize
    )


@pytest.mark.parametrize("name", ["mountinfo", "cgroup"])
def test_texts_are_those_of_proc(facts: Callable[..., Any], name: str) -> None:
    assert facts(name) == Path(f"/proc/self/{name}").read_text()


def test_status_is_that_of_the_probe(facts: Callable[..., Any]) -> None:
    assert "Name:\tprobe-" in facts("status")


def test_fds_are_the_open_descriptors_and_not_the_one_that_lists(
    facts: Callable[..., Any], tmp_path: Path
) -> None:
    with (tmp_path / "file").open("wb") as file:
        number = file.fileno()
        fds = facts("fds", pass_fds=[number], stderr=subprocess.DEVNULL)

    assert fds.pop("1").startswith("pipe:[")
    assert fds == {"0": "/dev/null", "2": "/dev/null", str(number): str(tmp_path / "file")}


def test_dev_is_what_lstat_says(facts: Callable[..., Any]) -> None:
    nodes = facts("dev")

    assert list(nodes) == [
        "null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "fd",
        "stdin", "stdout", "stderr",
    ]  # fmt: skip
    for name, node in nodes.items():
        path = Path("/dev", name)
        if not os.path.lexists(path):
            assert node is None
            continue
        truth = path.lstat()
        target = {"target": str(path.readlink())} if path.is_symlink() else {}
        assert node == {
            "mode": truth.st_mode, "rdev": device(truth.st_rdev),
            "uid": truth.st_uid, "gid": truth.st_gid, **target,
        }  # fmt: skip


def test_net_is_the_list_of_interfaces(facts: Callable[..., Any]) -> None:
    assert sorted(facts("net")) == sorted(name for _, name in socket.if_nameindex())


def test_mempolicy_is_that_of_the_process(facts: Callable[..., Any]) -> None:
    bind = 2
    number = {"x86_64": 238, "aarch64": 237}[platform.machine()]

    def setup() -> None:
        assert LIBC.syscall(number, bind, ctypes.byref(ctypes.c_ulong(1)), ctypes.c_ulong(64)) == 0

    assert facts("mempolicy") == {"mode": 0, "nodes": []}
    assert facts("mempolicy", preexec_fn=setup) == {"mode": bind, "nodes": [0]}


@pytest.mark.parametrize(
    ("name", "clock"), [("boottime", time.CLOCK_BOOTTIME), ("monotonic", time.CLOCK_MONOTONIC)]
)
def test_time_is_that_of_the_clock(facts: Callable[..., Any], name: str, clock: int) -> None:
    before = time.clock_gettime(clock)
    value = facts("time")[name]
    after = time.clock_gettime(clock)

    assert before <= value <= after


def test_apparmor_is_the_text_of_proc_or_null(facts: Callable[..., Any]) -> None:
    try:
        truth = Path("/proc/self/attr/current").read_text()
    except OSError:
        truth = None

    assert facts("apparmor") == truth


def test_tty_tells_terminals_and_their_size(facts: Callable[..., Any]) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (33, 101))

    assert facts("tty", stdin=theirs) == {
        "isatty": [True, False, os.isatty(2)], "winsize": [33, 101],
    }  # fmt: skip
    assert facts("tty", stderr=theirs) == {"isatty": [False, False, True], "winsize": None}
    os.close(ours)
    os.close(theirs)


def test_a_report_through_a_new_terminal_is_not_taken_as_controlling(
    say: Callable[..., list[Line]],
) -> None:
    ours, theirs = pty.openpty()

    opened, controlling = say(
        f"open=rw:{os.ttyname(theirs)}", "open=rw:/dev/tty", start_new_session=True
    )

    assert (opened.data["errno"], controlling.data["errno"]) == (0, 6)
    os.close(ours)
    os.close(theirs)


@needs_root
def test_facts_without_proc_and_dev_are_null_where_nothing_else_can_tell(
    probe: Path, tmp_path: Path
) -> None:
    shutil.copy(probe, tmp_path / "probe")
    done = subprocess.run(
        ["/probe", f"nonce={NONCE}", "facts"], executable="/probe", stdout=subprocess.PIPE,
        preexec_fn=lambda: os.chroot(tmp_path), cwd=tmp_path, check=True,
    )  # fmt: skip

    (line,) = parse(done.stdout, NONCE)

    members: Any = line.data["facts"]
    unknown = {name for name, value in members.items() if value is None}
    assert unknown == {
        "exe", "oom_score_adj", "seccomp", "mountinfo", "cgroup", "status", "fds", "apparmor",
    }  # fmt: skip
    assert set(members["ns"].values()) == set(members["dev"].values()) == {None}
    assert members["caps"]["effective"] == proc_status("CapEff")


# Where it must live


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
def test_it_lives_with_small_limits(say: Callable[..., list[Line]], name: int, soft: int) -> None:
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
def test_as_pid_1_it_gets_the_signals_that_it_catches(
    live: Callable[..., Live], number: int
) -> None:
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
    live: Callable[..., Live],
) -> None:
    run = live("raise=15", "say=alive", "crash", before=("unshare", "--pid", "--fork", "--"))

    assert run.line().event == "alive"
    assert run.ended() in {-signal.SIGSEGV, 128 + signal.SIGSEGV}


# The reading side


GOOD = b'{"nonce":"n","as":"a","event":"e","x":1}\n'


@pytest.mark.parametrize(
    "noise",
    [
        b"a runtime says hello\n", b"\n", b"\xff\xfe\n", b"[1]\n", b"{}\n", b"null\n", b"{\n",
        b'{"nonce":"other","as":"","event":"e"}\n', b'{"nonce":"n","as":"","event":1}\n',
        b'{"nonce":"n","as":null,"event":"e"}\n', b'{"nonce":["n"],"as":"","event":"e"}\n',
        b'{"nonce":"n","as":"","event":"e","x":NaN}\n', b"{" * 100_000 + b"\n",
        b'{"a":' * 100_000 + b"\n", b'{"nonce":"n","as":"","event":"e","x":' + b"9" * 9999 + b"}\n",
        b'{"nonce":"n","as":"","event":"e","x":"' + b"y" * (3 << 20) + b'"}\n',
    ],
    ids=lambda noise: repr(noise[:24]),
)  # fmt: skip
@pytest.mark.parametrize("decoded", [False, True])
def test_parse_passes_over_what_is_not_a_line_of_this_probe(*, noise: bytes, decoded: bool) -> None:
    raw = GOOD + noise + GOOD
    text = raw.decode("utf-8", "surrogateescape") if decoded else raw

    assert parse(text, "n") == [Line("e", "a", {"x": 1})] * 2


@pytest.mark.parametrize("end", range(1, len(GOOD)))
def test_parse_passes_over_a_line_that_is_still_being_written(end: int) -> None:
    assert parse(GOOD + GOOD[:end], "n") == [Line("e", "a", {"x": 1})]


def test_parse_splits_at_newlines_only() -> None:
    line = '{"nonce":"n","as":"","event":"a\u2028b\x85c"}\n'

    assert [found.event for found in parse(line.encode(), "n")] == ["a\u2028b\x85c"]


# The building side


def test_build_compiles_once(tmp_path: Path) -> None:
    calls = []

    def run(*args: Any, **options: Any) -> "subprocess.CompletedProcess[str]":
        calls.append(args)
        return subprocess.run(*args, **options)  # noqa: PLW1510

    first = build(tmp_path, run=run)

    assert build(tmp_path, run=run) == first
    assert len(calls) == 1
    assert names_in(tmp_path) == [first.name]


def test_build_may_race(tmp_path: Path) -> None:
    gate = threading.Barrier(4)

    def run(*args: Any, **options: Any) -> "subprocess.CompletedProcess[str]":
        gate.wait(PATIENCE)
        return subprocess.run(*args, **options)  # noqa: PLW1510

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
    def run(argv: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(argv, 1, "", "fatal: no\n" * 99)

    with pytest.raises(ProbeError, match=r"cannot build the probe") as caught:
        build(tmp_path, run=run)

    assert str(caught.value).count("fatal: no") == build_module.FIRST_LINES
    assert names_in(tmp_path) == []


def test_a_cache_that_cannot_be_written_is_a_probe_error() -> None:
    with pytest.raises(ProbeError, match="XDG_CACHE_HOME"):
        build(Path("/proc/nowhere"))


def test_the_source_has_no_warnings(tmp_path: Path) -> None:
    flags = ["-Wall", "-Wextra", "-Werror", "-Os", "-fsyntax-only"]

    done = subprocess.run(
        [shutil.which("cc") or "cc", *flags, build_module.SOURCE],
        capture_output=True, check=False, cwd=tmp_path, text=True,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
