"""What cases of features need of the host, so that a runtime can do what it says."""

import pytest

from harness import disposable, netlink


@pytest.fixture
def network_device():
    """Name of a network device in the runtime's network namespace, which nobody else is in."""
    with disposable.namespace("network"):
        netlink.add_pair("conformance0", "conformance1")
        yield "conformance0"
