"""Seccomp: the agent at listenerPath, and the container process state that it is sent."""

import errno
import re
import signal
import socket

import pytest

from harness import (
    Status,
    clause,
    control,
    current,
    generates_an_error,
    kernel,
    requires,
    seccomp,
    tolerates_an_error,
)
from harness.agent import Agent
from harness.seccomp import behind, rule

CALL, NEIGHBOUR, _ = seccomp.CALLS
MADE = [f"syscall={NEIGHBOUR}", f"syscall={CALL},1,2"]
NOTIFIED = f"{CALL},1,2"
OPAQUE = 'opaque "data" {}\\ \u00e4'

SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)([-+].+)?")

pytestmark = pytest.mark.requires.with_args(kernel.seccomp_notify)


def notifying(path, **members):
    """Members of linux with a filter that notifies of CALL whoever listens at ``path``."""
    return behind("ALLOW", rule("NOTIFY", CALL), listenerPath=str(path), **members)


def signalled(container, handed):
    """Signal a process whose call waits, then answer: what it caught before, whether it waited."""
    call = handed.notified()
    # Each is a whole operation: by the end of the second one the signal has come.
    container.kill(signal.SIGUSR1).status()
    return container.signals, handed.answer(call), container.caught(1)


@pytest.fixture(scope="module")
def agents():
    """Agents by name, kept for the cases of the module."""
    lasting, made = current.session().lasting, {}

    def listen(name):
        if name not in made:
            made[name] = Agent(lasting.directory / f"agent-{name}", lasting.runtime.deadline)
        return made[name]

    yield listen
    for agent in made.values():
        agent.close()


@pytest.fixture
def agent(session):
    """An agent of the case's own."""
    workspace = session.workspace
    agent = Agent(workspace.directory / workspace.new_id(), workspace.runtime.deadline)
    yield agent
    agent.close()


@pytest.fixture
def waiting(agents, shared):
    """A container that waits for an answer, and what its agent was handed: once for all cases."""
    agent = agents("waiting")
    linux = notifying(agent.path, listenerMetadata=OPAQUE)
    return lambda: (shared("tries", tries=MADE, linux=linux), agent.first)


@pytest.fixture
def notified(create, agent):
    """Start a program that makes the calls; return the container and what the agent is handed."""

    def run(*before, **members):
        container = create("tries", tries=[*before, *MADE], linux=notifying(agent.path, **members))
        return container.start(), agent.handed()

    return run


@pytest.fixture
def deaf(session, request):
    """A path that a runtime cannot send to: of this kind."""
    path = session.workspace.directory / session.workspace.new_id()

    def make(kind):
        if kind == "file":
            path.touch()
        if kind in {"datagram", "not-listening"}:
            stream = kind == "not-listening"
            made = socket.socket(
                socket.AF_UNIX, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM
            )
            request.addfinalizer(made.close)
            made.bind(str(path))
        return path

    return make


@clause("linux.seccomp.listener.state-sent")
def test_sends_the_state_to_the_agent(notified):
    container, handed = notified()

    answered = handed.answer(handed.notified(), errno=errno.ENETUNREACH)

    assert (answered, len(handed.documents)) == (True, 1)
    assert container.tried(NOTIFIED)["errno"] == errno.ENETUNREACH


@clause("linux.seccomp.listener.stream-socket")
def test_sends_to_no_datagram_socket(notified, create, deaf):
    with control():
        notified()

    with generates_an_error():
        create("tries", tries=MADE, linux=notifying(deaf("datagram"))).start()


@clause("linux.seccomp.listener.one-state-per-connection")
def test_sends_one_state(waiting):
    container, handed = waiting()

    assert handed.ids == [container.id]


@clause("linux.seccomp.listener.not-reused")
def test_connects_anew_for_each_container(create, agent):
    linux = notifying(agent.path)

    first = create("tries", tries=MADE, linux=linux).start()
    second = create("tries", tries=MADE, linux=linux).start()

    assert [agent.handed().ids, agent.handed().ids] == [[first.id], [second.id]]


@clause("linux.seccomp.listener.closed")
def test_closes_the_connection(waiting):
    container, handed = waiting()

    assert (handed.closed, container.status()) == (True, Status.RUNNING)


@clause("linux.seccomp.listener.send-failure-errors")
@pytest.mark.parametrize("kind", ["missing", "not-listening", "file"])
def test_runs_no_program_if_the_state_cannot_be_sent(waiting, bundle, create, deaf, kind):
    container, handed = waiting()
    assert handed.ids == [container.id]
    words = ["as=program", "to=/log", "say=begin"]
    made = bundle("program", words=words, linux=notifying(deaf(kind)))

    with generates_an_error():
        create(made).start()

    assert made.moments == []


@clause("linux.seccomp.listener.ignored-without-notify")
@pytest.mark.parametrize("listening", [False, True], ids=["nobody", "agent"])
def test_ignores_a_listener_that_is_not_needed(create, agent, deaf, listening):
    path = agent.path if listening else deaf("missing")
    linux = behind("ALLOW", rule("ERRNO", CALL), listenerPath=str(path))

    container = create("tries", tries=MADE, linux=linux).start().printed("ready")

    assert (container.tried(NOTIFIED)["errno"] != 0, agent.called) == (True, False)


@clause("linux.seccomp.listener.seccomp-fd")
def test_sends_the_descriptor_of_the_filter(notified):
    container, handed = notified()

    call = handed.notified()

    assert (call.pid, call.arguments[:2]) == (container.process.pid, (1, 2))


@clause("linux.seccomp.listener.metadata-sent")
def test_sends_the_metadata(waiting):
    _, handed = waiting()

    assert handed.document.get("metadata") == OPAQUE


@clause("linux.seccomp.listener.metadata-needs-path")
def test_may_take_metadata_without_a_path(create, record):
    linux = behind("ALLOW", rule("ERRNO", CALL))
    offence = {"linux": {"seccomp": {"listenerMetadata": OPAQUE}}}

    with tolerates_an_error() as outcome:
        container = create("tries", tries=MADE, linux=linux, offence=offence).start()
    record("metadata without a path", "an error" if outcome.refused else "ignored")

    assert outcome.refused or container.tried(NOTIFIED)["errno"] != 0


@clause("linux.seccomp.listener.notify-without-path")
def test_may_refuse_to_notify_nobody(create, record):
    tries = [f"syscall={CALL}", "exit=0"]
    linux = behind("ALLOW", rule("NOTIFY", CALL))

    with tolerates_an_error() as outcome:
        container = create("tries", tries=tries, linux=linux).start()

    ended = "" if outcome.refused else container.exited()
    seen = f"errno {container.tried(CALL)['errno']}" if ended else "the call never returns"
    record("no listenerPath", "an error" if outcome.refused else seen)


@clause("linux.seccomp.action.notify")
def test_has_the_call_wait_for_the_answer(notified):
    container, handed = notified()
    call = handed.notified()
    before = [line.data["call"] for line in container.lines if line.event == "try"]

    handed.answer(call, value=55)

    tried = container.tried(NOTIFIED)
    assert (before, tried["result"]) == ([NEIGHBOUR], 55)
    assert call.number == tried["nr"]


@clause("linux.seccomp.flag.wait-killable-recv")
@requires(kernel.seccomp_wait_killable)
def test_has_signals_wait_for_the_answer(notified):
    flags = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]

    with tolerates_an_error() as outcome:
        container, handed = notified("catch", flags=flags)

    assert outcome.refused or signalled(container, handed) == ([], True, [signal.SIGUSR1])


@clause("linux.seccomp.errno-ret.unsupported-fails")
def test_refuses_an_errno_for_a_call_that_an_agent_answers(waiting, create, agent):
    container, handed = waiting()
    assert handed.ids == [container.id]
    spoilt = {"syscalls": [rule("NOTIFY", CALL, errnoRet=errno.EPERM)]}

    with generates_an_error():
        create("tries", linux=notifying(agent.path), offence={"linux": {"seccomp": spoilt}}).start()


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

    assert handed.document.get("fds") == ["seccompFd"]


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
    now, then = container.state(), handed.states[0]
    record("status", then.get("status"))

    found = {name: then.get(name) for name in ("ociVersion", "id", "bundle")}
    assert found == {"ociVersion": now.oci_version, "id": now.id, "bundle": now.bundle}
    assert then.get("status") in {Status.CREATING, Status.CREATED, Status.RUNNING}
    assert then.get("pid", now.pid) == now.pid
