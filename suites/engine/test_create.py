"""create, as engines call it."""

import os
import stat
from pathlib import Path

import pytest

from harness import Hook, clause, control, generates_an_error, host, procfs, requires, resources
from harness.seccomp import behind, rule

NO_SUCH_FILE = ("no such file or directory", "executable file not found in")
MISSING = pytest.mark.parametrize("program", ["/nosuch", "nosuch"])


@pytest.fixture
def fails_to_create(engine, create, bundle):
    """Fail to create a container of this program, which another one of is shown to run.

    Returns what was said in the log, or else on standard error.
    """

    def fail(program):
        with control():
            create("args").start().printed("ready")
        without = bundle("args", args=[program])
        (without.rootfs / "plain").write_text("plain text")
        with generates_an_error():
            engine.logs().create(without)
        return engine.said

    return fail


@clause("engine.create.pid-file.form")
def test_writes_a_pid_file_of_digits_alone(engine):
    file = engine.file("pid")

    container = engine.create("waits", "--pid-file", str(file))

    assert engine.pid_in(file) == str(container.process.pid)


@clause("engine.create.pid-file.names-the-process")
def test_names_the_container_process_in_the_pid_file(engine):
    file = engine.file("pid")

    container = engine.create("waits", "--pid-file", str(file))
    written = engine.pid_in(file)

    assert str(container.start().printed("ready").process.pid) == written.strip()
    assert container.process.executes(container.bundle.program)


@clause("engine.create.option-forms")
@pytest.mark.parametrize("form", ["--pid-file {}", "--pid-file={}"], ids=["blank", "equals"])
def test_takes_options_in_both_forms(engine, form):
    file = engine.file("pid")

    container = engine.create("waits", *form.format(file).split())

    assert engine.pid_in(file).strip() == str(container.start().printed("ready").process.pid)


@clause("engine.create.any-directory")
@pytest.mark.parametrize("place", [Path("/"), Path("/proc")], ids=str)
def test_works_in_any_directory(create, engine, place):
    with engine.called(directory=place):
        container = create("waits").start().printed("ready")

    assert container.state().bundle == str(container.bundle.path)


@clause("engine.create.private-bundle")
def test_takes_a_bundle_that_is_its_owners_alone(bundle, create):
    prepared = bundle("process")
    prepared.path.chmod(0o700)

    assert create(prepared).start().facts["ids"]["uid"][0] == 1000


@clause("engine.create.no-new-keyring")
def test_takes_the_option_for_the_keyring(engine):
    assert engine.create("waits", "--no-new-keyring").start().printed("ready").facts


@clause("engine.create.no-pivot")
def test_takes_the_option_against_pivot_root(engine):
    container = engine.create("waits", "--no-pivot").start().printed("ready")

    assert container.process.finds("/probe", container.bundle.program)


@clause("engine.create.reparented")
def test_leaves_the_container_process_to_its_caller(create):
    container = create("waits")

    assert container.process.pid in procfs.children(os.getpid())
    assert container.start().printed("ready").process.pid in procfs.children(os.getpid())


@clause("engine.create.exit-status-by-wait")
@pytest.mark.parametrize("status", [0, 7, 255])
def test_leaves_the_exit_status_to_its_caller(create, engine, status):
    container = create("exits", status=status)
    process = container.process

    container.start()

    assert (engine.collected(process), process.alive) == (status, False)


@clause("engine.create.exit-status-by-wait")
def test_leaves_the_signal_to_its_caller(waiting, engine):
    process = waiting.process

    waiting.kill(9)

    assert engine.collected(process) == -9


@clause("engine.create.stdio-is-the-callers")
def test_passes_the_standard_streams_on(engine, create):
    typed = engine.file("typed")
    typed.write_text("typed by the caller")
    words = ["stdin", "to=/proc/self/fd/2", "say=error", "to=/proc/self/fd/1", "say=ready"]

    with engine.called(stdin=typed):
        container = create("program", words=words).start().printed("ready")

    assert [line.data.get("text") for line in container.lines] == ["typed by the caller", None]
    assert [line.event for line in container.errors] == ["error"]


@clause("engine.create.stdio-is-not-used")
def test_says_nothing_where_the_program_will(create, engine):
    container = create("waits")
    said = engine.last.stdout, engine.last.stderr

    container.start().printed("ready")

    assert said == ("", "")


@clause("engine.create.cgroup-at-return")
@requires(resources.controller("memory"), resources.controller("pids"))
def test_has_the_process_in_its_cgroup_when_it_returns(create):
    container = create("waits")
    rows = [line.split(":", 2) for line in container.process.text("cgroup").splitlines()]
    path = container.bundle.document["linux"]["cgroupsPath"]

    # Of what is mounted here: others may mount a hierarchy of their own meanwhile. Where there are
    # controllers of v1, the one of v2 (without a name) has none that matters.
    mounted = {one.options for one in host.hierarchies() if "name=" not in one.options}
    places = {names: place for _, names, place in rows if names in mounted}

    assert {place for names, place in places.items() if names or len(places) == 1} == {path}


@clause("engine.create.missing-program-errors")
@MISSING
def test_refuses_a_program_that_is_not_there(fails_to_create, program):
    fails_to_create(program)


@clause("engine.create.not-executable-errors")
def test_refuses_a_program_that_cannot_be_executed(fails_to_create):
    fails_to_create("/plain")


@clause("engine.create.missing-program-text")
@MISSING
def test_says_of_a_missing_program_what_podman_looks_for(fails_to_create, program):
    said = fails_to_create(program)

    assert any(text in said.lower() for text in NO_SUCH_FILE), said


@clause("engine.create.missing-program-lower-case")
@MISSING
def test_says_of_a_missing_program_what_docker_looks_for(fails_to_create, program):
    said = fails_to_create(program)

    assert any(text in said for text in NO_SUCH_FILE), said


@clause("engine.create.not-executable-text")
def test_says_of_a_plain_file_what_podman_looks_for(fails_to_create):
    assert "permission denied" in fails_to_create("/plain").lower()


@clause("engine.create.not-executable-lower-case")
def test_says_of_a_plain_file_what_docker_looks_for(fails_to_create):
    assert "permission denied" in fails_to_create("/plain")


@clause("engine.create.id-in-use-text")
def test_says_of_an_id_that_it_is_in_use(engine, waiting, bundle):
    second = bundle("waits")

    with generates_an_error():
        engine.create(second, id=waiting.id)

    assert "exist" in engine.last.stderr


@clause("engine.create.device-file-mode")
def test_takes_no_type_for_a_part_of_the_mode(create):
    device = {"path": "/dev/mine", "type": "c", "major": 1, "minor": 5, "uid": 0, "gid": 0}
    devices = [device | {"fileMode": 0o20666}]

    words = ["stat=/dev/mine", "say=ready", "pause"]
    container = create("program", words=words, offence={"linux": {"devices": devices}}).start()

    tried = container.tried("/dev/mine")
    assert (tried.get("rdev"), stat.S_IMODE(tried.get("mode", 0))) == ([1, 5], 0o666)


@clause("engine.create.zero-limits")
@requires(resources.controller("memory", "cpu"))
@pytest.mark.parametrize(
    ("group", "member"), [("cpu", "shares"), ("blockIO", "weight"), ("memory", "reservation")]
)
def test_takes_limits_of_zero(create, group, member):
    container = create("linux", offence={"linux": {"resources": {group: {member: 0}}}})

    assert container.start().printed("ready").status() == "running"


@clause("engine.create.oci-version-pre-release")
def test_takes_the_version_that_engines_write(create):
    container = create("waits", offence={"ociVersion": "1.0.2-dev"})

    assert container.start().printed("ready").status() == "running"


@clause("engine.create.unknown-system-calls")
def test_passes_over_system_calls_that_nobody_knows(create):
    rules = behind("ALLOW", rule("ERRNO", "no_such_call", "no_such_call_either"))

    container = create("linux", offence={"linux": {"seccomp": rules["seccomp"]}})

    assert container.start().printed("ready").facts["ids"]["pid"] == 1


@clause("engine.create.prestart-hook")
def test_shows_the_process_to_a_prestart_hook(create, own_namespaces):
    container = create("waits", hooks={"prestart": [Hook("1")]})
    run, process = container.bundle.hook("prestart 1"), container.process

    assert (run.state.pid, run.ended) == (process.pid, True)
    assert process.namespace("net") != own_namespaces["net"]
