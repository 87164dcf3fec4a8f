"""The container process state, which the agent at listenerPath of a seccomp filter is sent."""

import re

import pytest

from harness import Status, clause, kernel
from harness.seccomp import notifying

SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)([-+].+)?")

pytestmark = pytest.mark.requires.with_args(kernel.seccomp_notify)


@clause("linux.seccomp.process-state.json-payload")
def test_sends_plain_json(waiting):
    _, handed = waiting()

    assert handed.text[:1] == b"{"
    assert [type(document) for document in handed.documents] == [dict]


@clause("linux.seccomp.process-state.scm-rights")
def test_sends_as_many_descriptors_as_it_names(waiting):
    _, handed = waiting()

    assert len(handed.fds) == len(handed.document.get("fds") or ["none"])


@clause("linux.seccomp.process-state.fds-first-call-only")
def test_sends_the_descriptors_with_the_first_byte(waiting):
    _, handed = waiting()

    assert [before for before, _ in handed.rights] == [0]


@clause("linux.seccomp.process-state.oci-version")
def test_names_the_release_of_the_specification(waiting):
    _, handed = waiting()

    assert SEMVER.fullmatch(handed.document.get("ociVersion", ""))


@clause("linux.seccomp.process-state.fds-names")
def test_names_the_descriptors(waiting):
    _, handed = waiting()

    names = handed.document.get("fds", [])
    assert "seccompFd" in names
    assert len(names) == len(set(names))


@clause("linux.seccomp.process-state.pid")
@pytest.mark.parametrize("own", [True, False], ids=["own-pids", "shared-pids"])
def test_names_the_process_as_the_runtime_sees_it(create, agent, own):
    namespaces = [*(["pid"] if own else []), "network", "ipc", "uts", "mount"]

    container = create("tries", namespaces=namespaces, linux=notifying(agent.path)).start()

    assert agent.handed().document.get("pid") == container.state().pid != 1


@clause("linux.seccomp.process-state.metadata")
def test_sends_no_metadata_that_there_is_not(notified):
    _, handed = notified()

    assert handed.document.get("metadata", "") == ""


@clause("linux.seccomp.process-state.state")
def test_sends_the_state_of_the_container(waiting, record):
    container, handed = waiting()
    now, then = container.state(), handed.state
    record("status", then.get("status"))

    assert (then.get("id"), then.get("bundle")) == (now.id, now.bundle)
    assert SEMVER.fullmatch(then.get("ociVersion", ""))
    assert then.get("status") in {Status.CREATING, Status.CREATED, Status.RUNNING}
    assert then.get("pid", now.pid) == now.pid
