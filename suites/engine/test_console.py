"""The console socket, and the terminal that comes from it."""

import os

import pytest

from harness import clause, control, generates_an_error, requires
from harness.engine import busybox

TERMINAL = {"terminal": True}
SIZE = {"terminal": True, "consoleSize": {"height": 33, "width": 101}}
CATCHES = ["to=/log", "catch", "say=ready", "until=28", "facts", "pause"]
READS = ["to=/log", "say=ready", "stdin", "to=/proc/self/fd/1", "say=after", "pause"]
STREAM = "/proc/self/fd/0"
KEYS = pytest.mark.parametrize(
    ("key", "number"), [("\x03", 2), ("\x1c", 3), ("\x1a", 20)], ids=["C", "backslash", "Z"]
)


@pytest.fixture
def program(create):
    """A program on a terminal, which has said that it is ready."""

    def start(words, **process):
        with control():
            container = create("program", process=TERMINAL | process, words=words)
            return container.start().printed("ready")

    return start


@pytest.fixture
def executed(waiting, engine):
    """What exec executes on a terminal, which has said that it is ready."""

    def execute(*words):
        with control():
            return engine.exec(waiting, *words, on_terminal=True).printed("ready")

    return execute


@clause("engine.console.one-message")
def test_sends_one_descriptor_and_closes(create):
    terminal = create("program", process=TERMINAL, words=CATCHES).terminal

    assert (os.isatty(terminal.master), terminal.descriptors) == (True, 1)
    assert terminal.sent_nothing_more


@clause("engine.console.is-a-master")
def test_sends_the_master_of_a_terminal(program):
    assert program(CATCHES).terminal.is_master


@clause("engine.console.required")
def test_needs_a_console_socket_for_a_terminal(program, bundle, runtime, new_id):
    with control():
        program(CATCHES)
    other = bundle("program", process=TERMINAL, words=CATCHES)

    with generates_an_error():
        runtime.create(new_id(), str(other.path))


@clause("engine.console.unreachable")
def test_needs_somebody_at_the_console_socket(program, bundle, runtime, new_id):
    with control():
        program(CATCHES)
    other = bundle("program", process=TERMINAL, words=CATCHES)

    with generates_an_error():
        runtime.create(new_id(), str(other.path), console=other.path / "nobody")


@clause("engine.console.device")
def test_has_the_terminal_at_dev_console(program):
    words = ["to=/log", f"stat={STREAM}", "stat=/dev/console", "say=ready", "pause"]
    container = program(words)

    assert container.tried("/dev/console").get("rdev") == container.tried(STREAM)["rdev"]


@clause("engine.console.size-first")
def test_sends_a_terminal_that_has_its_size(create):
    container = create("program", process=SIZE, words=CATCHES)

    assert container.terminal.size == (33, 101)


@clause("engine.console.read-only-root")
def test_gives_a_terminal_to_a_read_only_container(create):
    words = ["say=greeting", "pause"]
    container = create("program", process=TERMINAL, words=words, readonly=True).start()

    assert container.terminal.shows('"event":"greeting"')


@clause("engine.console.owner")
@pytest.mark.parametrize("path", [STREAM, "/dev/tty"], ids=["stdin", "tty"])
def test_lets_the_user_open_the_terminal(program, path):
    words = ["to=/log", f"open=rw:{path}", "say=ready", "pause"]

    container = program(words, user={"uid": 1000, "gid": 1000})

    assert container.tried(path)["errno"] == 0


@clause("engine.console.echo")
def test_echoes_and_passes_what_is_typed(program):
    container = program(READS)
    dialogue = container.terminal.dialogue

    dialogue.type("typed by a person")

    assert dialogue.says("typed by a person\r\n")
    dialogue.press("\x04")
    texts = [x.data["text"] for x in container.printed("stdin").lines if x.event == "stdin"]
    assert texts == ["typed by a person\n"]


@clause("engine.console.end-of-input")
def test_ends_the_input(program):
    container = program(READS)

    container.terminal.type("\x04")

    assert container.terminal.shows('"event":"after"')


@clause("engine.console.keys")
@KEYS
def test_has_keys_that_are_signals(program, key, number):
    container = program(CATCHES)

    container.terminal.type(key)

    assert container.caught(1) == [number]


@clause("engine.console.window-change")
def test_tells_the_program_of_a_new_size(program):
    container = program(CATCHES)

    container.terminal.size = (40, 120)

    assert container.facts["tty"]["winsize"] == [40, 120]


@clause("engine.console.window-signal")
@pytest.mark.parametrize("template", ["program", "reports_signals"])
def test_passes_the_signal_of_a_window_on(create, runtime, template):
    process = {"process": TERMINAL, "words": CATCHES} if template == "program" else {}
    container = create(template, **process).start().printed("ready")

    runtime.kill(container.id, "28")

    assert container.caught(1) == [28]


@clause("engine.console.hang-up")
def test_hangs_up(program):
    container = program(CATCHES)

    container.terminal.close()

    assert 1 in container.caught(1)


@clause("engine.console.attributes")
def test_does_as_its_attributes_say(program):
    container = program(READS)
    dialogue = container.terminal.dialogue
    container.terminal.echoes = False

    dialogue.press("secret\n\x04")

    assert dialogue.says('"event":"after"')
    assert "secret" not in dialogue.before
    assert [x.data["text"] for x in container.lines if x.event == "stdin"] == ["secret\n"]


@clause("engine.console.job-control")
@requires(busybox)
def test_lets_a_shell_control_jobs(shell_on_a_terminal):
    shell = shell_on_a_terminal
    assert "job control" not in shell.before

    shell.type("echo begin; cat")
    assert shell.says("begin\r\n")
    shell.type("one")
    assert shell.says("one\r\none")
    shell.press("\x1a")
    assert shell.says("Stopped")
    shell.type("fg")
    assert shell.says("fg\r\n")
    assert shell.says("cat\r\n")
    shell.type("two")
    assert shell.says("two\r\ntwo")
    shell.press("\x04")
    assert shell.says("ready> ")

    shell.type("echo $((6 * 7))")
    assert shell.says("42\r\n")


@clause("engine.console.stty")
@requires(busybox)
def test_lets_stty_ask_and_change(shell_on_a_terminal):
    shell = shell_on_a_terminal

    shell.type("stty rows 40 cols 120; stty size")
    assert shell.says("40 120\r\n")

    shell.type("stty -echo; echo off; read word; echo got $word")
    assert shell.says("off\r\n")
    shell.type("secret")
    assert shell.says("got secret")
    assert "secret" not in shell.before


@clause("engine.console.name")
@requires(busybox)
def test_has_a_name_that_leads_to_it(shell_on_a_terminal):
    shell = shell_on_a_terminal

    shell.type('test "$(tty)" -ef /proc/self/fd/0; echo $((6 * 7)) $?')

    assert shell.says("42 0\r\n")


@clause("engine.console.exec-own")
def test_gives_exec_a_terminal_of_its_own(program, engine):
    container = program(["to=/log", f"stat={STREAM}", "say=ready", "pause"])

    words = ["facts", f"stat={STREAM}", "say=ready", "pause"]
    execution = engine.exec(container, *words, on_terminal=True).printed("ready")
    (tried,) = [line.data for line in execution.lines if line.event == "try"]

    assert (os.isatty(execution.terminal.master), execution.terminal.descriptors) == (True, 1)
    assert execution.facts["tty"]["isatty"] == [True] * 3
    # Each terminal has an inode of its own on its devpts.
    own = container.tried(STREAM)
    assert (tried["dev"], tried["ino"]) != (own["dev"], own["ino"])


@clause("engine.console.exec-echo")
def test_echoes_and_passes_what_is_typed_to_exec(executed):
    execution = executed("say=ready", "stdin")
    dialogue = execution.terminal.dialogue

    dialogue.type("typed by a person")

    assert dialogue.says("typed by a person\r\n")
    dialogue.press("\x04")
    texts = [x.data["text"] for x in execution.printed("stdin").lines if x.event == "stdin"]
    assert texts == ["typed by a person\n"]


@clause("engine.console.exec-keys")
def test_has_exec_interrupted_by_a_key(executed):
    execution = executed("catch", "say=ready", "pause")

    execution.terminal.type("\x03")

    assert execution.caught(2)


@clause("engine.console.exec-window-change")
def test_tells_exec_of_a_new_size(executed):
    execution = executed("catch", "say=ready", "until=28", "facts", "pause")

    execution.terminal.size = (40, 120)

    assert execution.facts["tty"]["winsize"] == [40, 120]


@clause("engine.console.exec-hang-up")
def test_hangs_up_on_exec(executed):
    execution = executed("catch", "say=ready", "pause")

    execution.terminal.close()

    assert execution.caught(1)


@clause("engine.console.exec-required")
def test_needs_a_console_socket_for_a_terminal_of_exec(waiting, engine):
    with control():
        engine.exec(waiting, "say=ready", "pause", on_terminal=True).printed("ready")

    with generates_an_error():
        engine.exec(waiting, "pause", options=["--detach", "--tty"], terminal=True)
