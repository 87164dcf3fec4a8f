"""Mutants of config-linux.md: seccomp, the container process state."""

from __future__ import annotations

import os
import signal
import socket
import struct

from reference_runtime import jsonlite, seccomp_listener
from tests.mutants.breaking import mutant, replace, skip, wrap


def rights(descriptor):
    """Ancillary data with this descriptor."""
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", descriptor))]


def sending(transmit):
    """Send over one connection by ``transmit(agent, text, listener)``."""

    def send(path, state, listener):
        agent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            agent.connect(path)
            transmit(agent, jsonlite.dumps(state).encode(), listener)
        finally:
            agent.close()

    replace(seccomp_listener, "send", send)


def stating(change):
    """Change the container process state."""

    def state(original, *arguments):
        found = original(*arguments)
        change(found)
        return found

    wrap(seccomp_listener, "process_state", state)


@mutant("linux.seccomp.listener.state-sent", also=["linux.seccomp.*"])
def the_agent_is_told_nothing():
    """Nobody connects to listenerPath."""
    skip(seccomp_listener, "send")


@mutant("linux.seccomp.listener.stream-socket")
def a_datagram_socket_will_do():
    """Where no stream socket listens the state is sent as a datagram."""

    def send(original, path, state, listener):
        try:
            original(path, state, listener)
        except OSError:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as agent:
                agent.connect(path)
                agent.sendmsg([jsonlite.dumps(state).encode()], rights(listener))

    wrap(seccomp_listener, "send", send)


@mutant("linux.seccomp.listener.one-state-per-connection")
def the_state_is_sent_twice():
    """A second document follows the first one."""

    def transmit(agent, text, listener):
        agent.sendmsg([text], rights(listener))
        agent.sendall(b"\n" + text)

    sending(transmit)


@mutant("linux.seccomp.listener.not-reused")
def the_first_connection_is_thought_to_last():
    """Once there was a connection to an agent, no other one is made."""

    def send(original, path, state, listener):
        known = f"{path}.known"
        if not os.path.exists(known):
            original(path, state, listener)
            with open(known, "w"):
                return

    wrap(seccomp_listener, "send", send)


@mutant("linux.seccomp.listener.closed")
def the_connection_stays_open():
    """The agent waits in vain for the end of what is sent."""

    def transmit(agent, text, listener):
        agent.sendmsg([text], rights(listener))
        if os.fork() == 0:
            signal.pause()
            os._exit(0)

    sending(transmit)


@mutant("linux.seccomp.listener.send-failure-errors")
def an_agent_that_is_not_there_is_no_error():
    """The program is run though nobody could be told of its calls."""

    def send(original, path, state, listener):
        try:
            original(path, state, listener)
        except OSError:
            return

    wrap(seccomp_listener, "send", send)


@mutant("linux.seccomp.listener.seccomp-fd")
def another_descriptor_is_sent():
    """What is called seccompFd is /dev/null."""

    def send(original, path, state, _listener):
        original(path, state, os.open("/dev/null", os.O_RDONLY))

    wrap(seccomp_listener, "send", send)


@mutant("linux.seccomp.listener.metadata-sent")
def metadata_is_dropped():
    """listenerMetadata is not sent."""
    stating(lambda state: state.pop("metadata", None))


# An agent that expects JSON reads none, whatever it was told.
@mutant(
    "linux.seccomp.process-state.json-payload",
    also=[
        "linux.seccomp.action.notify",
        "linux.seccomp.flag.wait-killable-recv",
        "linux.seccomp.listener.*",
        "linux.seccomp.process-state.*",
    ],
)
def the_length_comes_first():
    """Four bytes with the length precede the state."""

    def transmit(agent, text, listener):
        agent.sendmsg([struct.pack("!I", len(text)), text], rights(listener))

    sending(transmit)


@mutant("linux.seccomp.process-state.scm-rights")
def the_descriptor_is_sent_as_a_number():
    """No descriptor comes."""
    sending(lambda agent, text, _listener: agent.sendall(text))


@mutant("linux.seccomp.process-state.fds-first-call-only")
def the_descriptor_comes_last():
    """The descriptor comes with the last byte."""

    def transmit(agent, text, listener):
        agent.sendall(text[:-1])
        agent.sendmsg([text[-1:]], rights(listener))

    sending(transmit)


@mutant("linux.seccomp.process-state.oci-version")
def the_state_names_no_release():
    """ociVersion is missing."""
    stating(lambda state: state.pop("ociVersion"))


@mutant("linux.seccomp.process-state.fds-names")
def the_descriptor_has_no_name():
    """fds is missing."""
    stating(lambda state: state.pop("fds"))


@mutant("linux.seccomp.process-state.pid")
def the_pid_is_the_containers():
    """pid is the number that the process has in its own pid namespace."""
    stating(lambda state: state.update(pid=1))


@mutant("linux.seccomp.process-state.metadata")
def metadata_that_is_not_there_is_null():
    """Without listenerMetadata the agent is sent the text null."""
    stating(lambda state: state.setdefault("metadata", "null"))


@mutant("linux.seccomp.process-state.state")
def the_state_lacks_the_bundle():
    """state has no bundle."""
    stating(lambda state: state["state"].pop("bundle"))
