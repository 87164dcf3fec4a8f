"""POSIX-platform hooks: when each kind is called."""

from contextlib import ExitStack

import pytest

from harness import IN_CREATE, Hook, clause, host, requires
from harness.procfs import Process, descendants

MADE = ["ipc", "mnt", "net", "pid", "uts"]
"""Namespaces that the configuration makes new."""

MOUNT = {"destination": "/mnt/configured", "type": "tmpfs", "source": "tmpfs"}

WAITING = Hook("1", words=["wait={root}/gate"])


@pytest.fixture
def held(bundle, calling):
    """Make a bundle whose hook of this kind waits, until the case ends, in its operation."""
    with ExitStack() as until_the_end:

        def hold(kind):
            made = bundle("waits", hooks={kind: [WAITING]}, mounts=[MOUNT])
            gate = made.gate()
            until_the_end.callback(calling(kind, made).settle)
            until_the_end.callback(gate.open)
            made.awaits(f"{kind} 1", "facts")
            return made

        yield hold


@pytest.fixture
def inhabitants(own_namespaces):
    """Processes of ours that are in all the namespaces that the configuration makes new."""

    def find():
        running = [process for pid in descendants() if (process := Process.of(pid))]
        return [p for p in running if all(p.namespace(n) != own_namespaces[n] for n in MADE)]

    return find


@clause("config.hooks.prestart.timing.after-start")
def test_calls_prestart_hooks_of_older_releases_before_the_program(create):
    container = create("logs", hooks={"prestart": [Hook()]}).start().printed("ready")

    assert container.bundle.moments == ["prestart 1 begin", "prestart 1 end", "program begin"]


@clause("config.hooks.{kind}.timing.during-create")
@pytest.mark.parametrize("kind", IN_CREATE)
def test_calls_create_time_hooks_within_create(create, kind):
    container = create("logs", hooks={kind: [Hook()]})
    before = container.bundle.moments

    container.start().printed("ready")

    assert before == [f"{kind} 1 begin", f"{kind} 1 end"]
    assert container.bundle.moments == [*before, "program begin"]


@clause("config.hooks.{kind}.timing.after-environment")
@pytest.mark.parametrize("kind", ["prestart", "createRuntime"])
def test_has_made_the_namespaces_before(held, inhabitants, kind):
    held(kind)

    assert inhabitants() != []


@clause("config.hooks.create-container.timing.after-environment")
def test_has_made_the_environment_before_create_container_hooks(held, own_namespaces):
    seen = held("createContainer").hook("createContainer 1").facts

    kinds = ["ipc", "mnt", "net", "uts"]
    assert [name for name in kinds if seen["ns"][name] == own_namespaces[name]] == []
    assert "/mnt/configured " in seen["mountinfo"]


@clause("config.hooks.{kind}.timing.before-pivot")
@pytest.mark.parametrize("kind", ["prestart", "createRuntime"])
def test_has_not_changed_the_root_before(held, inhabitants, kind):
    made = held(kind)

    assert [process.root.samefile(made.rootfs) for process in inhabitants()] == [False]


@clause("config.hooks.create-container.timing.before-pivot")
def test_has_not_changed_the_root_before_create_container_hooks(bundle, create):
    made = bundle("waits", hooks={"createContainer": [Hook(words=["stat=/", "stat={host}"])]})

    container = create(made).start().printed("ready")

    seen = made.hook("createContainer 1")
    assert seen.tried(str(made.rootfs))["ino"] == container.facts["root"]["ino"]
    assert seen.facts["root"] != container.facts["root"]


@clause("config.hooks.prestart.timing.before-create-runtime")
def test_calls_prestart_hooks_before_create_runtime_hooks(create):
    hooks = {"createRuntime": [Hook("1"), Hook("2")], "prestart": [Hook("1"), Hook("2")]}

    container = create("waits", hooks=hooks)

    assert container.bundle.ran == [
        "prestart 1",
        "prestart 2",
        "createRuntime 1",
        "createRuntime 2",
    ]


@clause("config.hooks.create-runtime.timing.mounts-performed")
def test_has_performed_the_mounts_before_create_runtime_hooks(held, inhabitants):
    held("createRuntime")

    seen = [point for process in inhabitants() for point in process.mount_points]
    assert [point for point in seen if point.endswith(MOUNT["destination"])] != []


@clause("config.hooks.create-container.timing.after-create-runtime")
def test_calls_create_container_hooks_after_create_runtime_hooks(create):
    hooks = {"createContainer": [Hook("1"), Hook("2")], "createRuntime": [Hook("1"), Hook("2")]}

    container = create("waits", hooks=hooks)

    expected = [
        f"{kind} {number}" for kind in ("createRuntime", "createContainer") for number in (1, 2)
    ]
    assert container.bundle.ran == expected


@clause("config.hooks.create-container.timing.mounts-set-up")
def test_has_set_up_the_mounts_before_create_container_hooks(create):
    container = create("waits", hooks={"createContainer": [Hook()]}, mounts=[MOUNT])

    table = container.bundle.hook("createContainer 1").facts["mountinfo"]

    points = [line.split(" ")[4] for line in table.splitlines()]
    assert [point for point in points if point.endswith(MOUNT["destination"])] != []


@clause("config.hooks.start-container.timing.during-start")
def test_calls_start_container_hooks_within_start(create):
    container = create("logs", hooks={"startContainer": [Hook()]})
    before = container.bundle.ran

    container.start().printed("ready")

    assert (before, container.bundle.ran) == ([], ["startContainer 1"])


@clause("config.hooks.start-container.timing.before-program")
def test_ends_start_container_hooks_before_the_program(bundle, calling, create):
    made = bundle("logs", hooks={"startContainer": [WAITING]})
    gate = made.gate()

    call = calling("startContainer", made)
    made.awaits("startContainer 1")
    # Another container meanwhile: time enough for a program that is not held back.
    create("waits").start().printed("ready")
    gate.open()
    call.finish()

    assert made.logged("program", "begin")
    assert made.moments == ["startContainer 1 begin", "startContainer 1 end", "program begin"]


@clause("config.hooks.poststart.timing.after-program-exec")
def test_has_executed_the_program_before_poststart_hooks(bundle, create, in_background):
    assert create("waits", hooks={"poststart": [Hook()]}).bundle.ran == []
    made = bundle("waits", hooks={"poststart": [WAITING]})
    gate = made.gate()
    container = create(made)

    call = in_background(container.starting())
    made.awaits("poststart 1")

    assert f"nonce={made.nonce}" in container.process.argv
    gate.open()
    call.finish()


@clause(
    "config.hooks.poststart.timing.after-program-exec", "config.hooks.start-container.supported"
)
def test_waits_for_start_container_hooks_before_poststart_hooks(bundle, calling, create):
    made = bundle("waits", hooks={"startContainer": [WAITING], "poststart": [Hook()]})
    gate = made.gate()

    call = calling("startContainer", made)
    made.awaits("startContainer 1")
    # Another container meanwhile: time enough for a poststart hook that is not held back.
    create("waits").start().printed("ready")
    gate.open()
    call.finish()

    assert made.logged("poststart 1")
    assert made.moments[:2] == ["startContainer 1 begin", "startContainer 1 end"]


@clause("config.hooks.{kind}.timing.before-{operation}-returns")
@pytest.mark.parametrize(("kind", "operation"), [("poststart", "start"), ("poststop", "delete")])
def test_returns_only_after_the_hooks(bundle, calling, create, kind, operation):
    made = bundle("waits", hooks={kind: [WAITING]})
    gate = made.gate()

    call = calling(kind, made)
    made.awaits(f"{kind} 1")
    # Another container meanwhile: time enough for an operation that does not wait.
    create("waits").start().printed("ready")
    assert (call.name, call.running) == (operation, True)
    gate.open()
    call.finish()

    assert made.hook(f"{kind} 1").ended


@clause("config.hooks.poststop.timing.after-delete")
@requires(host.cgroups)
def test_has_deleted_the_container_before_poststop_hooks(held, world, create):
    before = world().cgroups
    container = create("waits", hooks={"poststop": [Hook()]}).start().printed("ready")
    assert container.kill().stopped().bundle.ran == []
    assert world().cgroups != before
    container.delete()

    held("poststop")

    assert world().cgroups == before
