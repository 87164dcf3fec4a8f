"""State: what it contains."""

import re
from pathlib import Path

import pytest

from harness import KINDS, Hook, Status, clause, generates_an_error, schemas
from harness.clauses import RELEASES, release
from harness.procfs import Process
from harness.state import DEFINED

STATUSES = [Status.CREATED, Status.RUNNING, Status.STOPPED]
RUNTIME_NAMESPACE = ["prestart", "createRuntime", "poststart"]
CONTAINER_NAMESPACE = ["createContainer", "startContainer"]
ANNOTATIONS = {
    "org.example.größe": "日本語 😀",
    "org.example.empty": "",
    "org.example.long": "x" * 10000,
}


def pid_in(state, otherwise):
    """The pid in a state; ``otherwise`` if it is left out where it may be, in status creating."""
    left_out = "pid" not in state.document and state.status == Status.CREATING
    return otherwise if left_out else state.pid


@clause("runtime.state.oci-version.present")
@pytest.mark.parametrize("status", STATUSES)
def test_gives_an_oci_version(states, status):
    assert states[status].oci_version


# 1.3.0, 1.0.2-dev and v1.0.2 all name a release; the text leaves open how.
VERSION = re.compile(r"v?(\d+\.\d+\.\d+)([-+].*)?")


@clause("runtime.state.oci-version.of-the-state")
def test_names_a_release_that_the_state_follows(shared, record):
    state = shared("waits").printed("ready").state()

    record("ociVersion", state.oci_version)
    named = VERSION.fullmatch(state.oci_version)
    assert named, state.oci_version
    # Of a release that is later than all that the suite knows nothing can be said.
    assert named[1] in RELEASES or release(named[1]) > release(RELEASES[-1])
    assert schemas.problem("state", state.document) == ""


@clause("runtime.state.oci-version.of-the-state", "config.hooks.{kind}.stdin-state")
@pytest.mark.parametrize("kind", KINDS)
def test_names_a_release_to_hooks(given, kind):
    version = given(kind).oci_version

    assert VERSION.fullmatch(version), version


@clause("runtime.state.oci-version.used-at-create")
def test_gives_the_version_used_at_create(shared, record):
    container = shared("waits", oci_version="1.0.0").printed("ready")

    record("ociVersion after 1.0.0 in config.json", container.state().oci_version)


@clause("runtime.state.id.present")
@pytest.mark.parametrize("spelt", [str.upper, lambda id_: id_.ljust(64, "X")], ids=["upper", "64"])
def test_gives_the_id_as_it_was_given(create, new_id, spelt):
    ids = [new_id(), spelt(new_id())]

    containers = [create("waits", id=id_).start().printed("ready") for id_ in ids]

    assert [container.state().id for container in containers] == ids


@clause("runtime.state.id.unique-on-host")
def test_gives_an_id_to_one_container_only(create):
    container = create("waits").start().printed("ready")
    create("waits").start().printed("ready")
    before = container.state().defined

    with generates_an_error():
        create("waits", id=container.id)

    assert container.state().defined == before


@clause("runtime.state.pid.present-when-created")
def test_gives_a_pid_when_created(create):
    container = create("waits")

    pid = container.state().pid

    assert pid is not None
    assert Process.of(pid) is not None
    container.start().printed("ready")


@clause("runtime.state.pid.present-when-running")
def test_gives_a_pid_when_running(shared):
    container = shared("waits").printed("ready")

    pid = container.state().pid

    assert pid is not None
    assert Process.of(pid) is not None


@clause("runtime.state.pid.is-container-process")
def test_gives_the_pid_of_the_container_process(shared):
    container = shared("waits").printed("ready")
    facts = container.facts

    process = Process.of(container.state().pid or 0)

    assert process is not None
    assert (process.argv, process.nspid[-1]) == (facts["argv"], facts["ids"]["pid"])


@clause("runtime.state.pid.stable-from-created-to-running")
def test_executes_the_program_in_the_process_that_create_made(create):
    container = create("waits")

    before = Process.of(container.state().pid or 0)
    after = Process.of(container.start().printed("ready").state().pid or 0)

    assert before is not None
    assert after == before


@clause("runtime.state.pid.optional-when-stopped")
def test_may_give_a_pid_when_stopped(states, record):
    record("pid when stopped", states[Status.STOPPED].document.get("pid", "absent"))


@clause("runtime.state.pid.as-seen-by-host", "config.hooks.{kind}.stdin-state")
@pytest.mark.parametrize("kind", KINDS[:-1])
def test_gives_hooks_the_pid_that_the_host_sees(create, kind):
    container = create("waits", hooks={kind: [Hook()]}).start().printed("ready")
    pid = container.process.pid
    container.bundle.logged(f"{kind} 1")

    state = container.bundle.hook(f"{kind} 1").state

    assert pid_in(state, pid) == pid


@clause("runtime.state.pid.runtime-namespace-hooks")
@pytest.mark.parametrize("kind", RUNTIME_NAMESPACE)
def test_gives_hooks_of_the_runtime_namespace_its_pid(create, kind):
    container = create("waits", hooks={kind: [Hook()]}).start().printed("ready")
    pid = container.process.pid
    container.bundle.logged(f"{kind} 1")

    state = container.bundle.hook(f"{kind} 1").state

    assert pid_in(state, pid) == pid


@clause("runtime.state.pid.container-namespace-hooks")
@pytest.mark.parametrize("namespaces", [["pid", "mount"], ["mount"]], ids=["new", "inherited"])
@pytest.mark.parametrize("kind", CONTAINER_NAMESPACE)
def test_gives_hooks_of_the_container_namespace_its_pid(create, kind, namespaces):
    values = {"hooks": {kind: [Hook()]}, "namespaces": [*namespaces, "uts"]}
    container = create("waits", **values).start().printed("ready")
    pid = container.facts["ids"]["pid"]

    state = container.bundle.hook(f"{kind} 1").state

    assert pid_in(state, pid) == pid


@clause("runtime.state.bundle.present")
@pytest.mark.parametrize("status", STATUSES)
def test_gives_the_bundle(states, status):
    assert states[status].bundle


@clause("runtime.state.bundle.present", "config.hooks.{kind}.stdin-state")
@pytest.mark.parametrize("kind", KINDS)
def test_gives_hooks_the_bundle(given, kind):
    assert given(kind).bundle


@clause("runtime.state.bundle.absolute")
@pytest.mark.parametrize("cwd", [".", "..", "rootfs"])
def test_gives_an_absolute_path_of_the_bundle(create, bundle, cwd):
    made = bundle("waits")

    state = create(made, cwd=made.path / cwd).start().printed("ready").state()

    assert state.bundle.startswith("/")
    # Whether symbolic links in it are resolved is left open.
    assert Path(state.bundle).resolve() == made.path.resolve()


@clause("runtime.state.annotations.reported")
@pytest.mark.parametrize("key", ANNOTATIONS, ids=["unicode", "empty", "long"])
def test_gives_the_annotations_of_the_configuration(shared, key):
    container = shared("waits", annotations=ANNOTATIONS).printed("ready")

    annotations = container.state().annotations

    assert annotations.get(key) == ANNOTATIONS[key]


@clause("runtime.state.annotations.reported", "config.hooks.{kind}.stdin-state")
@pytest.mark.parametrize("kind", KINDS)
def test_gives_hooks_the_annotations_of_the_configuration(given, kind):
    annotations = given(kind, annotations=ANNOTATIONS).annotations

    assert {key: annotations.get(key) for key in ANNOTATIONS} == ANNOTATIONS


@clause("runtime.state.annotations.absent-or-empty")
def test_leaves_out_annotations_or_gives_an_empty_map(shared, record):
    document = shared("waits").printed("ready").state().document

    record("annotations", document.get("annotations", "absent"))
    # A runtime may add annotations of its own.
    assert isinstance(document.get("annotations", {}), dict)


@clause("runtime.state.additional-properties")
def test_may_give_additional_properties(shared, record):
    state = shared("waits").printed("ready").state()

    record("additional properties", sorted(state.document.keys() - set(DEFINED)))


@clause("runtime.state.json-schema")
@pytest.mark.parametrize("status", STATUSES)
def test_follows_the_schema(states, status):
    assert schemas.problem("state", states[status].document) == ""


@clause("runtime.state.json-schema")
@pytest.mark.parametrize("kind", KINDS)
def test_gives_hooks_a_state_that_follows_the_schema(given, kind):
    state = given(kind, annotations=ANNOTATIONS)

    assert schemas.problem("state", state.document) == ""


@clause("runtime.state.json-pattern")
@pytest.mark.parametrize("status", STATUSES)
def test_follows_the_pattern(states, status):
    assert schemas.problem("state-pattern", states[status].document) == ""


@clause("runtime.state.json-pattern", "config.hooks.{kind}.stdin-state")
@pytest.mark.parametrize("kind", KINDS)
def test_gives_hooks_a_state_that_follows_the_pattern(given, kind):
    state = given(kind, annotations=ANNOTATIONS)

    assert state.document
    assert schemas.problem("state-pattern", state.document) == ""
