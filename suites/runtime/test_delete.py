"""Delete."""

import signal

import pytest

from harness import (
    Hook,
    Status,
    clause,
    disposable,
    generates_an_error,
    host,
    procfs,
    requires,
    tolerates_an_error,
)
from harness.mounts import Asked


@pytest.fixture
def life_among_mounts(create, record):
    """Mounts before and after a container without a mount namespace; a runtime may refuse one."""

    def live():
        before = procfs.own_mounts()
        with tolerates_an_error() as outcome:
            container = create("waits", namespaces=["pid", "network", "ipc", "uts"])
        record("without a mount namespace", "an error" if outcome.refused else "made")
        if not outcome.refused:
            container.start().printed("ready").kill(signal.SIGKILL).stopped().delete()
        return before, procfs.own_mounts()

    return live


@clause("runtime.delete.no-id-errors")
@pytest.mark.parametrize("id_", [pytest.param(None, id="no-id"), pytest.param("", id="empty-id")])
def test_refuses_to_delete_without_an_id(container_in, runtime, id_):
    container = container_in(Status.STOPPED)

    with generates_an_error():
        runtime.delete(id_)

    assert container.status() == Status.STOPPED
    container.delete()


@clause("runtime.delete.nonexistent-errors")
def test_refuses_an_unknown_id(container_in, runtime, new_id):
    container_in(Status.STOPPED).delete()

    with generates_an_error():
        runtime.delete(new_id())


@clause("runtime.delete.nonexistent-errors")
def test_refuses_a_container_that_is_deleted_already(container_in):
    container = container_in(Status.STOPPED)
    container.delete()

    with generates_an_error():
        container.delete()


@clause("runtime.delete.created-errors")
def test_refuses_a_created_container(container_in):
    container_in(Status.STOPPED).delete()
    container = container_in(Status.CREATED)

    with generates_an_error():
        container.delete()

    container.kill(signal.SIGKILL).stopped().delete()


@clause("runtime.delete.created-no-effect")
def test_does_nothing_to_a_created_container(container_in, watch_world):
    container = container_in(Status.CREATED, hooks={"poststop": [Hook()]})
    state, changed = container.state().defined, watch_world()

    with tolerates_an_error():
        container.delete()

    assert (changed(), container.bundle.ran) == ([], [])
    assert container.state().defined == state
    container.start().printed("ready")


@clause("runtime.delete.running-errors")
def test_refuses_a_running_container(container_in):
    container = container_in(Status.RUNNING)

    with generates_an_error():
        container.delete()

    container.kill(signal.SIGKILL).stopped().delete()


@clause("runtime.delete.running-errors")
def test_refuses_a_container_of_which_a_thread_runs(without_its_first_thread):
    with generates_an_error():
        without_its_first_thread.delete()


@clause("runtime.delete.running-no-effect")
def test_does_nothing_to_a_running_container(container_in, watch_world):
    container = container_in(Status.RUNNING, "reports_signals", hooks={"poststop": [Hook()]})
    state, changed = container.state().defined, watch_world()

    with tolerates_an_error():
        container.delete()

    assert (changed(), container.bundle.ran) == ([], [])
    assert container.state().defined == state
    assert container.kill(signal.SIGUSR1).caught(1) == [signal.SIGUSR1]


@clause("runtime.delete.removes-created-resources.cgroup")
@pytest.mark.parametrize("template", ["waits", "has_child"])
def test_removes_the_cgroup_that_it_made(container_in, foreign_cgroup, template):
    path = f"{foreign_cgroup.path}/leaf"
    container = container_in(Status.RUNNING, template, cgroups_path=path)
    made = foreign_cgroup.below

    container.kill(signal.SIGKILL).stopped().delete()

    assert (made != [], foreign_cgroup.below) == (True, [])


@clause("runtime.delete.removes-created-resources.cgroup")
def test_removes_the_cgroup_of_which_the_process_was_not_the_last(container_in, foreign_cgroup):
    path = f"{foreign_cgroup.path}/leaf"
    namespaces = ["network", "ipc", "uts", "mount"]
    container = container_in(Status.RUNNING, "has_child", cgroups_path=path, namespaces=namespaces)
    made = foreign_cgroup.below

    container.kill(signal.SIGKILL).ended().settled(Status.STOPPED)
    container.delete()

    assert (made != [], foreign_cgroup.below) == (True, [])


@clause("runtime.delete.removes-created-resources.cgroup")
@requires(host.pids_controller)
def test_removes_the_cgroup_in_which_the_program_has_made_another(mounted, foreign_cgroup):
    inner = ["mkdir=/sys/fs/cgroup/pids/inner", "mkdir=/sys/fs/cgroup/inner"]
    asked = Asked([{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup"}], inner)
    container = mounted(asked, cgroups_path=f"{foreign_cgroup.path}/leaf")
    made = [path for path in foreign_cgroup.below if path.endswith("/leaf/inner")]

    container.kill(signal.SIGKILL).stopped().delete()

    assert (made != [], foreign_cgroup.below) == (True, [])


@clause("runtime.delete.removes-created-resources.cgroup")
def test_removes_its_own_cgroup_below_one_that_it_has_made(container_in, foreign_cgroup, record):
    path = f"{foreign_cgroup.path}/middle/leaf"
    container = container_in(Status.STOPPED, cgroups_path=path)
    made = [path for path in foreign_cgroup.below if path.endswith("/leaf")]

    container.delete()

    left = foreign_cgroup.below
    assert (made != [], [path for path in left if path.endswith("/leaf")]) == (True, [])
    record("the cgroup above it stays", left != [])


@clause("runtime.delete.removes-created-resources.state")
def test_forgets_the_container(container_in, runtime):
    container = container_in(Status.STOPPED)

    container.delete()

    with generates_an_error():
        runtime.state(container.id)


@clause("runtime.delete.removes-created-resources.mounts")
def test_removes_the_mounts_that_it_made(container_in, world, foreign_directory):
    bind = {"destination": "/mnt", "type": "bind", "options": ["rbind"]}
    before = world()
    container = container_in(Status.STOPPED, mounts=[{**bind, "source": str(foreign_directory)}])

    container.delete()

    assert world().mounts == before.mounts


@clause("runtime.delete.removes-created-resources.mounts")
def test_removes_the_mounts_that_it_made_in_the_namespace_of_its_caller(shared, life_among_mounts):
    assert shared("waits").facts

    (before, after), _ = disposable.in_new_mounts(life_among_mounts)

    assert after - before == set()


@clause("runtime.delete.removes-created-resources.namespaces")
def test_lets_go_of_the_namespaces_that_it_made(container_in):
    container = container_in(Status.RUNNING)

    with procfs.held(container.process) as made:
        before = procfs.users(made)
        container.kill(signal.SIGKILL).stopped().delete()
        after = procfs.users(made)

    assert (before != [], after) == (True, [])


@clause("runtime.delete.keeps-foreign-resources")
def test_keeps_a_namespace_that_was_joined(container_in, foreign_network):
    joined = {"type": "network", "path": str(foreign_network.path)}
    container = container_in(Status.STOPPED, namespaces=["pid", "ipc", "uts", "mount", joined])

    container.delete()

    assert (container.facts["ns"]["net"], foreign_network.kept) == (foreign_network.name, True)


@clause("runtime.delete.keeps-foreign-resources")
def test_keeps_a_directory_that_was_mounted(create, foreign_directory):
    mount = {"destination": "/mnt", "type": "bind", "source": str(foreign_directory)}
    program = ["write=/mnt/file", "say=ready", "pause"]
    container = create("base", program=program, mounts=[{**mount, "options": ["bind"]}])

    container.start().printed("ready").kill(signal.SIGKILL).stopped().delete()

    assert [path.name for path in foreign_directory.parent.glob("directory-*/*")] == ["file"]
    assert container.tried("/mnt/file")["errno"] == 0


@clause("runtime.delete.keeps-foreign-resources")
def test_keeps_the_bundle(container_in):
    container = container_in(Status.STOPPED)
    bundle = container.bundle

    container.delete()

    assert (bundle.config.exists(), bundle.program.exists(), bundle.log.exists()) == (True,) * 3


@clause("runtime.delete.keeps-foreign-resources")
def test_keeps_the_cgroup_above_its_own(container_in, foreign_cgroup):
    container = container_in(Status.STOPPED, cgroups_path=f"{foreign_cgroup.path}/leaf")

    container.delete()

    assert foreign_cgroup.missing == []


@clause("runtime.delete.keeps-foreign-resources")
def test_keeps_the_cgroup_beside_its_own(container_in, foreign_cgroup):
    sibling = foreign_cgroup.make("sibling")
    container = container_in(Status.STOPPED, cgroups_path=f"{foreign_cgroup.path}/leaf")

    container.delete()

    assert sibling.missing == []


@clause("runtime.delete.keeps-preexisting-cgroup")
def test_keeps_a_cgroup_that_was_there_before(container_in, foreign_cgroup):
    leaf = foreign_cgroup.make("leaf")
    container = container_in(Status.STOPPED, cgroups_path=leaf.path)

    container.delete()

    assert leaf.missing == []


@clause("runtime.delete.id-reuse")
def test_frees_the_id(container_in, create):
    first = container_in(Status.STOPPED, annotations={"org.example.first": "1"})
    first.delete()

    second = create("waits", id=first.id, annotations={"org.example.second": "2"})

    state = second.start().printed("ready").state()
    assert (state.id, state.bundle) == (first.id, str(second.bundle.path))
    assert state.annotations == {"org.example.second": "2"}
