"""Create."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import (
    IN_CREATE,
    Hook,
    Status,
    clause,
    control,
    generates_an_error,
    host,
    procfs,
    requires,
    tolerates_an_error,
)

STATUSES = pytest.mark.parametrize("status", [Status.CREATED, Status.RUNNING, Status.STOPPED])
ODD_IDS = pytest.mark.parametrize(
    "id_",
    [
        pytest.param("../escapes", id="dots"),
        pytest.param("over/under", id="slash"),
        pytest.param("x" * 5000, id="long"),
    ],
)
PORT_START = "net.ipv4.ip_unprivileged_port_start"


@dataclass(frozen=True)
class Attempt:
    """What came of a create under an odd ID, and of the lifecycle after one that was accepted."""

    known_as: str | None
    """The ID in the state; None if create has refused it."""
    left: list[str]
    """What is there now that was not before, beside the runtime's state directory too."""


@pytest.fixture
def sysctl():
    """Read a parameter in the network namespace that it is called in."""
    return lambda: Path("/proc/sys", *PORT_START.split(".")).read_text().strip()


@pytest.fixture
def attempt(create, bundle, runtime, watch_world):
    """Create under this ID and, where that is accepted, go on to delete."""

    def beside():
        return {str(path) for path in runtime.root.parent.iterdir()}

    def go(id_):
        made = bundle("waits", hooks={kind: [Hook()] for kind in IN_CREATE})
        changed, files = watch_world(), beside()
        known_as, ran = None, []
        with tolerates_an_error() as outcome:
            container = create(made, id=id_)
        if outcome.refused:
            ran = made.ran
        else:
            known_as = container.state().id
            container.start().printed("ready").kill(signal.SIGKILL).stopped().delete()
        return Attempt(known_as, [*changed(), *sorted(beside() - files), *ran])

    return go


@clause("runtime.create.no-bundle-errors")
def test_refuses_to_create_without_a_bundle(create, runtime, new_id):
    container = create("waits").start().printed("ready")

    with generates_an_error():
        runtime.create(new_id(), None, container.bundle.rootfs)


@clause("runtime.create.no-id-errors")
@pytest.mark.parametrize("id_", [pytest.param(None, id="no-id"), pytest.param("", id="empty-id")])
def test_refuses_to_create_without_an_id(create, bundle, runtime, id_):
    create("waits").start().printed("ready")

    with generates_an_error():
        runtime.create(id_, str(bundle("waits").path))


@clause("runtime.create.duplicate-id-errors")
@STATUSES
def test_refuses_an_id_that_is_in_use(create, container_in, status):
    create("waits").start().printed("ready")
    first = container_in(status)

    with generates_an_error():
        create("waits", id=first.id)


@clause("runtime.create.duplicate-id-no-container")
@pytest.mark.parametrize("status", [Status.RUNNING, Status.STOPPED])
def test_creates_nothing_under_an_id_that_is_in_use(
    create, bundle, container_in, watch_world, status
):
    second = bundle("waits", hooks={kind: [Hook()] for kind in IN_CREATE})
    first = container_in(status)
    state, changed = first.state().defined, watch_world()

    with tolerates_an_error():
        create(second, id=first.id)

    assert (changed(), second.ran) == ([], [])
    assert first.state().defined == state


@clause("runtime.create.duplicate-id-no-container")
def test_leaves_a_created_container_as_it_is(create, container_in, watch_world):
    first = container_in(Status.CREATED)
    state, changed = first.state().defined, watch_world()

    with tolerates_an_error():
        create("waits", id=first.id)

    assert (first.state().defined, changed()) == (state, [])
    first.start().printed("ready")


@clause("runtime.create.invalid-id-errors")
@ODD_IDS
def test_refuses_an_odd_id_or_goes_by_it(create, attempt, id_):
    with control():
        create("waits").start().printed("ready")

    assert attempt(id_).known_as in {None, id_}


@clause("runtime.create.invalid-id-no-container")
@ODD_IDS
def test_leaves_nothing_of_an_odd_id(create, attempt, id_):
    with control():
        create("waits").start().printed("ready")

    assert attempt(id_).left == []


@clause("runtime.create.creates")
def test_creates_a_container(create):
    began = procfs.ticks()

    container = create("waits")

    assert container.status() == Status.CREATED
    assert container.process.started >= began


@clause("runtime.create.properties-applied")
def test_applies_the_hostname(create):
    container = create("waits", hostname="applied")

    hostname = container.process.inside("uts", os.uname).nodename

    assert hostname == "applied"


@clause("runtime.create.properties-applied")
def test_applies_a_read_only_root(create):
    container = create("waits", readonly=True)

    assert container.process.read_only("/")


@clause("runtime.create.properties-applied")
def test_applies_a_sysctl(create, sysctl):
    container = create("linux", linux={"sysctl": {PORT_START: "77"}})

    value = container.process.inside("net", sysctl)

    assert value == "77"


@clause("runtime.create.properties-applied")
def test_applies_a_read_only_path(create):
    container = create("linux", linux={"readonlyPaths": ["/etc"]})

    seen = (container.process.read_only("/etc"), container.process.read_only("/run"))

    assert seen == (True, False)


@clause("runtime.create.properties-applied")
@requires(host.pids_controller)
def test_applies_a_limit(create, foreign_cgroup):
    create(
        "linux",
        linux={"resources": {"pids": {"limit": 77}}},
        cgroups_path=f"{foreign_cgroup.path}/leaf",
    )

    assert foreign_cgroup.text("leaf/pids.max") == "77"


@clause("runtime.create.args-not-applied")
def test_does_not_execute_the_program(create):
    container = create("waits")

    executed = container.process.executes(container.bundle.program)

    assert not executed
    container.start().printed("ready")


@clause("runtime.create.other-process-properties")
def test_may_apply_other_process_properties(create, record):
    container = create("process")

    status = container.process.text("status").splitlines()
    adjustment = container.process.text("oom_score_adj").strip()

    record("oom_score_adj while created", adjustment)
    record("while created", [line for line in status if line.startswith(("Uid:", "NoNewPrivs:"))])
    container.start().printed("ready")


@clause("runtime.create.cannot-apply-errors")
def test_refuses_what_it_cannot_apply(create, unfit):
    create("waits").start().printed("ready")

    with generates_an_error():
        create("waits", offence=unfit)


@clause("runtime.create.cannot-apply-no-container")
def test_creates_nothing_of_what_it_cannot_apply(create, runtime, new_id, unfit):
    with control():
        create("waits").start().printed("ready")
    id_ = new_id()
    with tolerates_an_error():
        create("waits", id=id_, offence=unfit)

    with generates_an_error():
        runtime.state(id_)

    create("waits", id=id_).start().printed("ready")


@clause("runtime.create.may-validate")
@pytest.mark.parametrize("program", ["/missing", "/etc"])
def test_may_refuse_a_program_that_cannot_be_executed(create, record, program):
    with control():
        create("waits").start().printed("ready")

    with tolerates_an_error() as outcome:
        create("waits", offence={"process": {"args": [program]}})

    record(f"create refuses {program}", outcome.refused)


@clause("runtime.create.config-changes-no-effect")
def test_runs_the_hooks_that_were_configured_at_create(container_in, change):
    hooks = {"poststop": [Hook("original")]}
    container = container_in(Status.STOPPED, hooks=hooks)
    change(container.bundle)

    container.delete()

    assert container.bundle.ran == ["poststop original"]
