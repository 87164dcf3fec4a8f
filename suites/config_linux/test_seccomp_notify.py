"""Seccomp: the agent at listenerPath, and the container process state that it is sent."""

import errno
import json
import os
import re
import signal
import socket

import pytest

from harness import Status, clause, generates_an_error, kernel, seccomp, tolerates_an_error
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


@pytest.fixture(scope="module")
def agents(tmp_path_factory):
    """Agents, by the name of their sockets, kept for the cases of the module."""
    made = {}

    def listen(name, kind=socket.SOCK_STREAM):
        if name not in made:
            made[name] = Agent(tmp_path_factory.mktemp("agent") / name, kind)
        return made[name]

    yield listen
    for agent in made.values():
        agent.close()
