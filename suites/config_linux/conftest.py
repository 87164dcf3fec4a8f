"""What several sections of config-linux.md share: namespaces of others, and ones to be spoilt."""

from contextlib import ExitStack

import pytest

from harness import disposable, foreign, netlink


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
