"""exec with a process file, as engines call it."""

import os

import pytest

from harness import clause, control, generates_an_error, procfs

DETACHED = ["--detach"]
KILL = 1 << 5
SETS = ("bounding", "permitted", "effective", "inheritable", "ambient")
USER = {"uid": 1000, "gid": 1001, "additionalGids": [5, 6]}
MEMBERS = {
    "env": (["PATH=/bin", "OWN=1"], lambda facts: "OWN=1" in facts["env"]),
    "cwd": ("/tmp", lambda facts: facts["cwd"] == "/tmp"),  # noqa: S108 - the container's
    "user": (
        USER,
        lambda facts: (
            [facts["ids"][name] for name in ("uid", "gid", "groups")]
            == [[1000] * 3, [1001] * 3, [5, 6]]
        ),
    ),
    "umask": ({"uid": 0, "gid": 0, "umask": 0o27}, lambda facts: facts["umask"] == 0o27),
    "capabilities": (
        {name: ["CAP_KILL"] for name in SETS},
        lambda facts: {int(mask, 16) for mask in facts["caps"].values()} == {KILL},
    ),
    "rlimits": (
        [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}],
        lambda facts: facts["rlimits"]["RLIMIT_NOFILE"] == [100, 200],
    ),
    "noNewPrivileges": (True, lambda facts: facts["no_new_privs"] == 1),
}


@pytest.fixture
def fails_to_execute(engine, waiting):
    """Fail to execute this program; the call, and what was said of it."""

    def fail(program, *options):
        (waiting.bundle.rootfs / "plain").write_text("plain text")
        with control():
            engine.exec(waiting, "say=ready").printed("ready")
        with generates_an_error():
            engine.logs().exec(waiting, args=[program], options=options)
        return engine.said

    return fail


@clause("engine.exec.process-file.args")
def test_executes_the_words_of_the_file(waiting, engine):
    execution = engine.exec(waiting, "say=one two", "say=", "facts")

    assert execution.facts["argv"][2:] == ["say=one two", "say=", "facts"]


@clause("engine.exec.process-file.{member}")
@pytest.mark.parametrize("member", MEMBERS)
def test_does_what_the_file_says(waiting, engine, member):
    value, seen = MEMBERS[member]

    facts = engine.exec(waiting, "facts", **{"user" if member == "umask" else member: value}).facts

    assert seen(facts)


@clause("engine.exec.namespaces")
def test_executes_in_the_namespaces_of_the_container(waiting, engine):
    words = ["say=ready", "pause"]
    execution = engine.exec(waiting, *words, options=DETACHED).printed("ready")

    assert execution.process.namespaces == waiting.process.namespaces


@clause("engine.exec.cgroups")
def test_executes_in_the_cgroups_of_the_container(waiting, engine):
    execution = engine.exec(waiting, "say=ready", "pause", options=DETACHED)

    assert execution.process.cgroups == waiting.process.cgroups
    assert execution.printed("ready").process.alive


@clause("engine.exec.root")
def test_executes_in_the_root_of_the_container(waiting, engine):
    words = ["facts", "say=ready", "pause"]
    execution = engine.exec(waiting, *words, options=DETACHED).printed("ready")

    assert execution.process.executes(waiting.bundle.program)
    assert execution.facts["root"] == waiting.facts["root"]


@clause("engine.exec.exit-status")
@pytest.mark.parametrize("status", [0, 7, 255])
def test_ends_with_the_status_of_the_program(waiting, engine, status):
    execution = engine.exec(waiting, "say=ready", f"exit={status}", waits=False)

    assert (engine.ends(execution), execution.printed("ready").exit_status) == (status, status)


@clause("engine.exec.signalled-status")
@pytest.mark.parametrize("number", [9, 15])
def test_ends_with_128_and_the_signal(waiting, engine, number):
    execution = engine.exec(waiting, "say=ready", f"raise={number}", "pause", waits=False)

    assert engine.ends(execution.printed("ready")) == 128 + number


@clause("engine.exec.stdio")
def test_passes_the_standard_streams_to_exec(waiting, engine):
    typed = engine.file("typed")
    typed.write_text("typed by the caller")

    with engine.called(stdin=typed):
        execution = engine.exec(waiting, "stdin", "to=/proc/self/fd/2", "say=error")

    assert [line.data["text"] for line in execution.lines] == ["typed by the caller"]
    assert [line.event for line in execution.errors] == ["error"]


@clause("engine.exec.detach")
def test_returns_while_the_program_runs(waiting, engine):
    execution = engine.exec(waiting, "say=ready", "pause", options=DETACHED)

    assert (execution.exit_status, execution.printed("ready").process.alive) == (0, True)


@clause("engine.exec.reparented")
def test_leaves_the_program_to_its_caller(waiting, engine):
    execution = engine.exec(waiting, "say=ready", "pause", options=DETACHED)

    assert execution.process.pid in procfs.children(os.getpid())
    assert execution.printed("ready").process.pid in procfs.children(os.getpid())


@clause("engine.exec.exit-status-by-wait")
@pytest.mark.parametrize("status", [0, 7])
def test_leaves_the_status_to_its_caller(waiting, engine, status):
    gate = waiting.bundle.gate()
    words = ["say=ready", "wait=/gate", f"exit={status}"]
    process = engine.exec(waiting, *words, options=DETACHED).printed("ready").process

    gate.open()

    assert engine.collected(process) == status


@clause("engine.exec.pid-file.form")
def test_writes_a_pid_file_of_digits_alone(waiting, engine):
    execution = engine.exec(waiting, "say=ready", "pause", options=DETACHED)

    assert execution.pid_text == str(execution.printed("ready").process.pid)


@clause("engine.exec.pid-file.names-the-program")
def test_names_the_program_in_the_pid_file(waiting, engine):
    words = ["as=executed", "say=ready", "pause"]
    execution = engine.exec(waiting, *words, options=DETACHED)
    written = execution.pid_text.strip()

    assert execution.printed("ready").process.argv[2:] == words
    assert written == str(execution.process.pid)


@clause("engine.exec.pid-file.not-on-failure")
def test_leaves_no_pid_file_when_it_fails(fails_to_execute, runtime):
    fails_to_execute("/nosuch", *DETACHED)
    (written,) = [word for word in runtime.journal.operations[-1].argv if word.endswith("-pid")]

    assert not runtime.scratch.joinpath(written).exists()


@clause("engine.exec.option-forms")
@pytest.mark.parametrize("form", ["--pid-file {}", "--pid-file={}"], ids=["blank", "equals"])
def test_takes_options_in_both_forms(waiting, engine, form):
    words = ["say=ready", "pause"]
    execution = engine.exec(waiting, *words, options=DETACHED, form=form).printed("ready")

    assert execution.process.argv[2:] == words


@clause("engine.exec.missing-program-errors")
@pytest.mark.parametrize("program", ["/nosuch", "nosuch"])
def test_refuses_to_execute_what_is_not_there(fails_to_execute, program):
    fails_to_execute(program)


@clause("engine.exec.missing-program-text")
@pytest.mark.parametrize("program", ["/nosuch", "nosuch"])
def test_says_of_a_missing_program_what_podman_looks_for(fails_to_execute, program):
    said = fails_to_execute(program).lower()

    assert "no such file or directory" in said or "executable file not found in" in said


@clause("engine.exec.not-executable-text")
def test_says_of_a_plain_file_what_podman_looks_for(fails_to_execute):
    assert "permission denied" in fails_to_execute("/plain").lower()


@clause("engine.exec.stopped-errors")
def test_refuses_to_execute_in_a_stopped_container(waiting, engine):
    with control():
        engine.exec(waiting, "say=ready").printed("ready")
        waiting.kill(9).stopped()

    with generates_an_error():
        engine.exec(waiting, "say=ready")
