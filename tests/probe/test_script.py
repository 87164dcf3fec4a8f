"""Where the probe takes its script from: the environment, argv, or the file beside it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.probe import parse
from tests.probe.conftest import NONCE, PATIENCE, Say


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
        "syscall=1,b:999999999", "syscall=mounts,1", "head=1", "head=x:/", "head=-1:/",
    ],
)  # fmt: skip
def test_a_word_that_cannot_be_understood_is_an_error_line_and_exit_98(say: Say, word: str) -> None:
    (line,) = say(word, "say=not reached", status=98)

    assert (line.event, line.data["word"]) == ("error", word)


def test_exec_becomes_a_program_with_a_script_of_its_own(say: Say, copy: Path) -> None:
    copy.with_name("probe.words").write_text(f"nonce={NONCE}\nfacts=argv,env")

    (line,) = say(f"exec={copy}", "say=not this", env={"A": "1"})

    assert line.data["facts"] == {"argv": [str(copy)], "env": []}


def test_exec_of_nothing_is_an_errno_and_the_script_goes_on(say: Say) -> None:
    tried, on = say("exec=/missing", "say=on")

    assert (tried.data["errno"], on.event) == (2, "on")
