"""Lifecycle, but for its hooks."""

import signal

import pytest

from harness import Hook, clause, control, generates_an_error

KINDS = ("pid", "net", "ipc", "uts", "mnt")


def _mount_without_source(config):
    options = ["bind"]
    mount = {"destination": "/mnt", "type": "bind", "source": "/missing", "options": options}
    config["mounts"].append(mount)


@clause("runtime.lifecycle.create.environment-per-config")
def test_creates_the_namespaces(create, own_namespaces):
    container = create("waits")
    created = container.process.namespaces
    facts = container.start().facts

    shared = [kind for kind in KINDS if created[kind] == own_namespaces[kind]]

    assert shared == []
    assert [created[kind] for kind in KINDS] == [facts["ns"][kind] for kind in KINDS]


@clause("runtime.lifecycle.create.environment-per-config")
def test_creates_the_root_file_system(create):
    container = create("waits")

    assert container.process.finds("/probe", container.bundle.program)


@clause("runtime.lifecycle.create.failure-errors")
@pytest.mark.parametrize(
    "offence",
    [
        pytest.param(_mount_without_source, id="source"),
        pytest.param({"root": {"path": "missing"}}, id="root"),
    ],
)
def test_refuses_an_environment_that_it_cannot_create(create, offence):
    create("waits").start().printed("ready")

    with generates_an_error():
        create("waits", offence=offence)


@clause("runtime.lifecycle.create.resources-created")
def test_creates_mounts(create):
    mount = {"destination": "/mnt", "type": "tmpfs", "source": "tmpfs"}
    container = create("waits", mounts=[mount])

    assert {"/proc", "/dev", "/mnt"} <= set(container.process.mount_points)


@clause("runtime.lifecycle.create.resources-created")
def test_creates_devices(create):
    device = {"path": "/dev/extra", "type": "c", "major": 1, "minor": 5}
    container = create("linux", linux={"devices": [device]})

    assert container.process.device("/dev/extra") == (1, 5)


@clause("runtime.lifecycle.create.resources-created")
def test_creates_the_cgroup(create, foreign_cgroup):
    container = create("waits", cgroups_path=f"{foreign_cgroup.path}/leaf")

    assert f"{foreign_cgroup.path}/leaf" in container.process.cgroups


@clause("runtime.lifecycle.create.program-not-run")
def test_does_not_run_the_program_in_create(create):
    container = create("waits")

    container.kill(signal.SIGKILL).stopped()

    assert container.lines == []
    with control():
        create("waits").start().printed("ready")


@clause("runtime.lifecycle.config-frozen")
def test_goes_by_the_configuration_at_create(create, change):
    hooks = {kind: [Hook("original")] for kind in ("startContainer", "poststart", "poststop")}
    with control():
        container = create(
            "waits",
            hooks=hooks,
            env=["PATH=/bin", "A=original"],
            annotations={"org.example": "original"},
        )
    change(container.bundle)

    environment = container.start().facts["env"]
    annotations = container.state().annotations
    container.kill(signal.SIGKILL).stopped().delete()

    assert ("A=original" in environment, annotations) == (True, {"org.example": "original"})
    assert {"poststart original", "poststop original"} <= set(container.bundle.ran)
    assert [label for label in container.bundle.ran if "changed" in label] == []


@clause("runtime.lifecycle.start.runs-program")
def test_runs_the_program_as_process_describes_it(create):
    container = create("process")
    process = container.bundle.document["process"]

    facts = container.start().facts

    assert facts["argv"] == process["args"]
    assert facts["cwd"] == process["cwd"]
    assert (facts["ids"]["uid"], facts["ids"]["gid"]) == ([1000] * 3, [1001] * 3)
    assert set(process["env"]) <= set(facts["env"])


@clause("runtime.lifecycle.exit.causes")
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["exit=0"], id="success"),
        pytest.param(["exit=3"], id="failure"),
        pytest.param(["crash"], id="crash"),
    ],
)
def test_stops_when_the_program_ends(create, words):
    with control():
        container = create("base", program=["say=ready", *words]).start().printed("ready")

    container.stopped().delete()

    assert container.deleted


@clause("runtime.lifecycle.exit.causes")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_stops_when_the_program_is_killed(create, number):
    program = ["catch", "say=ready", "until=15", "exit=5"]
    with control():
        container = create("base", program=program).start().printed("ready")

    container.kill(number).stopped().delete()

    assert container.deleted


@clause("runtime.lifecycle.delete.undoes-create")
def test_undoes_what_create_did(create, world, watch_world):
    mount = {"destination": "/mnt", "type": "tmpfs", "source": "tmpfs"}
    before, changed = world(), watch_world()
    with control():
        container = create("waits", mounts=[mount]).start().printed("ready")
    made = world().beyond(before)

    container.kill(signal.SIGKILL).stopped().delete()

    assert (made != [], changed()) == (True, [])
