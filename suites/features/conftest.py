"""What cases of features need of the host, so that a runtime can do what it says."""

import pytest

from harness import disposable, labels, netlink


@pytest.fixture
def apparmor_profile(session):
    """Name of an AppArmor profile that is loaded."""
    workspace = session.workspace
    with labels.apparmor_profile(workspace.directory, f"conformance-{workspace.new_id()}") as name:
        yield name


@pytest.fixture
def selinux_label():
    """A valid SELinux label of a process that is not the harness's own."""
    return labels.selinux_label()


@pytest.fixture
def network_device():
    """Name of a network device in the runtime's network namespace, which nobody else is in."""
    with disposable.namespace("network"):
        netlink.add_pair("conformance0", "conformance1")
        yield "conformance0"
