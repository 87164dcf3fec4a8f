"""Seccomp: the agent at listenerPath, and the container process state that it is sent."""

import errno
import signal
import socket

import pytest

from harness import (
    Status,
    clause,
    control,
    generates_an_error,
    kernel,
    may_be_unsupported,
    requires,
    seccomp,
    tolerates_an_error,
)
from harness.seccomp import METADATA, TOLD, behind, notifying, rule

CALL, NEIGHBOUR, _ = seccomp.CALLS
MADE = [f"syscall={TOLD}"]

SOCKETS = {"datagram": socket.SOCK_DGRAM, "not-listening": socket.SOCK_STREAM}

pytestmark = pytest.mark.requires.with_args(kernel.seccomp_notify)


def signalled(container, handed):
    """Signal a process whose call waits, then answer: what it caught before, whether it waited."""
    call = handed.notified()
    # Each is a whole operation: by the end of the second one the signal has come.
    container.kill(signal.SIGUSR1).status()
    return container.signals, handed.answer(call), container.caught(1)


@pytest.fixture
def works(waiting):
    """Show, once, that an agent is handed a descriptor."""

    def look():
        with control():
            assert waiting()[1].fds

    return look


@pytest.fixture
def deaf(session, request):
    """A path that a runtime cannot send to: of this kind."""
    path = session.workspace.directory / session.workspace.new_id()

    def make(kind):
        if kind == "file":
            path.touch()
        if kind in SOCKETS:
            made = socket.socket(socket.AF_UNIX, SOCKETS[kind])
            request.addfinalizer(made.close)
            made.bind(str(path))
        return path

    return make


@clause("linux.seccomp.listener.state-sent")
def test_sends_the_state_to_the_agent(notified):
    container, handed = notified()

    answered = handed.answer(handed.notified(), errno=errno.ENETUNREACH)

    assert (answered, len(handed.documents)) == (True, 1)
    assert container.tried(TOLD)["errno"] == errno.ENETUNREACH


@clause("linux.seccomp.listener.stream-socket")
def test_sends_to_no_datagram_socket(works, create, deaf):
    works()

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
def test_runs_no_program_if_the_state_cannot_be_sent(works, bundle, create, deaf, kind):
    works()
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

    assert (container.tried(TOLD)["errno"] != 0, agent.called) == (True, False)


@clause("linux.seccomp.listener.seccomp-fd")
def test_sends_the_descriptor_of_the_filter(notified):
    container, handed = notified()

    call = handed.notified()

    assert (call.pid, call.arguments[:2]) == (container.process.pid, (1, 2))


@clause("linux.seccomp.listener.metadata-sent")
def test_sends_the_metadata(waiting):
    _, handed = waiting()

    assert handed.document.get("metadata") == METADATA


@clause("linux.seccomp.listener.metadata-needs-path")
def test_may_take_metadata_without_a_path(works, create, record):
    works()
    linux = behind("ALLOW", rule("ERRNO", CALL))
    offence = {"linux": {"seccomp": {"listenerMetadata": METADATA}}}

    with tolerates_an_error() as outcome:
        container = create("tries", tries=MADE, linux=linux, offence=offence).start()
    record("metadata without a path", "an error" if outcome.refused else "ignored")

    assert outcome.refused or container.tried(TOLD)["errno"] != 0


@clause("linux.seccomp.listener.notify-without-path")
def test_may_refuse_to_notify_nobody(works, create, record):
    works()
    tries = [f"syscall={CALL}", "exit=0"]
    linux = behind("ALLOW", rule("NOTIFY", CALL))

    with tolerates_an_error() as outcome:
        container = create("tries", tries=tries, linux=linux).start()

    ended = "" if outcome.refused else container.exited()
    seen = f"errno {container.tried(CALL)['errno']}" if ended else "the call never returns"
    record("no listenerPath", "an error" if outcome.refused else seen)


@clause("linux.seccomp.action.notify")
def test_has_the_call_wait_for_the_answer(notified):
    container, handed = notified(f"syscall={NEIGHBOUR}")
    call = handed.notified()
    before = [line.data["call"] for line in container.lines if line.event == "try"]

    handed.answer(call, value=55)

    tried = container.tried(TOLD)
    assert (before, tried["result"]) == ([NEIGHBOUR], 55)
    assert call.number == tried["nr"]


@clause("linux.seccomp.flag.wait-killable-recv")
@requires(kernel.seccomp_wait_killable)
def test_has_signals_wait_for_the_answer(works, notified):
    works()
    flags = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]

    with may_be_unsupported(flags[0]):
        container, handed = notified("catch", flags=flags)

    assert signalled(container, handed) == ([], True, [signal.SIGUSR1])


@clause("linux.seccomp.errno-ret.unsupported-fails")
def test_refuses_an_errno_for_a_call_that_an_agent_answers(works, create, agent):
    works()
    spoilt = {"syscalls": [rule("NOTIFY", CALL, errnoRet=errno.EPERM)]}

    with generates_an_error():
        create("tries", linux=notifying(agent.path), offence={"linux": {"seccomp": spoilt}}).start()
