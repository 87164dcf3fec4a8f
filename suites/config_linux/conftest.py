"""What sections of config-linux.md share: namespaces of others, ones to be spoilt, agents."""

from contextlib import ExitStack

import pytest

from harness import current, disposable, foreign, netlink, seccomp
from harness.agent import Agent


@pytest.fixture
def neighbour(session):
    """Run a process in new namespaces of the given kinds, for a container to join by path."""
    workspace = session.workspace
    with ExitStack() as until_the_end:

        def run(*kinds):
            output = workspace.directory / f"neighbour-{workspace.new_id()}"
            output.touch()
            deadline = workspace.runtime.deadline
            made = foreign.neighbour(workspace.host_probe, output, kinds, deadline)
            until_the_end.callback(output.unlink)
            return until_the_end.enter_context(made)

        yield run


@pytest.fixture
def own_network():
    """Run the case, and the runtime, in a network namespace that nobody else is in."""
    with disposable.namespace("network") as name:
        yield name


@pytest.fixture
def network_device(own_network):  # noqa: ARG001 - entered before
    """Name of a network device in the runtime's network namespace: one end of a veth pair."""
    netlink.add_pair("conformance0", "conformance1")
    return "conformance0"


@pytest.fixture
def user_namespace():
    """Members of linux for a container with a new user namespace."""
    ids = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    return {"uidMappings": ids, "gidMappings": ids}


@pytest.fixture
def agent(session):
    """A seccomp agent of the case's own."""
    workspace = session.workspace
    agent = Agent(workspace.directory / workspace.new_id(), workspace.runtime.deadline)
    yield agent
    agent.close()


@pytest.fixture(scope="module")
def lasting_agent():
    """A seccomp agent for all cases of the module."""
    lasting = current.session().lasting
    agent = Agent(lasting.directory / lasting.new_id(), lasting.runtime.deadline)
    yield agent
    agent.close()


@pytest.fixture
def waiting(lasting_agent, shared):
    """A container that waits for an answer, and what its agent was handed: once for all cases."""
    linux = seccomp.notifying(lasting_agent.path, listenerMetadata=seccomp.METADATA)
    tries = [f"syscall={seccomp.TOLD}"]
    return lambda: (shared("tries", tries=tries, linux=linux), lasting_agent.first)


@pytest.fixture
def notified(create, agent):
    """Start a program that makes the calls; return the container and what the agent is handed."""

    def run(*before, **members):
        linux = seccomp.notifying(agent.path, **members)
        container = create("tries", tries=[*before, f"syscall={seccomp.TOLD}"], linux=linux)
        return container.start(), agent.handed()

    return run
