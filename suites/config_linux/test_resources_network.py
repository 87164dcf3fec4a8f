"""Network: the controllers net_cls and net_prio, which cgroup v1 alone has."""

import os

import pytest

from harness import (
    clause,
    generates_an_error,
    network_controllers,
    requires,
    resources,
    tolerates_an_error,
)

MOUNTED = requires(resources.network_controllers)
TWO_DEVICES = requires(resources.second_network_device)


@pytest.fixture
def controlled(session):
    """The path of a cgroup in hierarchies that the two controllers are mounted in for the case."""
    workspace = session.workspace
    with network_controllers.mounted(workspace.new_id(), workspace.runtime.deadline) as path:
        yield path


@pytest.fixture
def limited(create, controlled):
    """Run a container with these members of network; its limits."""

    def run(network):
        linux = {"resources": {"network": network}}
        container = create("linux", cgroups_path=f"{controlled}/leaf", linux=linux)
        return container.start().printed("ready").limits

    return run


@pytest.fixture
def refused(create, controlled):
    """Try to create a container with these members of network."""

    def run(network):
        offence = {"linux": {"resources": {"network": network}}}
        return create("waits", cgroups_path=f"{controlled}/other", offence=offence)

    return run


def other_device():
    """A network device besides lo of the runtime's network namespace."""
    return min(set(os.listdir("/sys/class/net")) - {"lo"})  # noqa: PTH208 - names of links


def priorities(**by_name):
    """Members of network."""
    return {"priorities": [{"name": n, "priority": value} for n, value in by_name.items()]}


@clause("linux.resources.network.class-id")
@MOUNTED
@pytest.mark.parametrize("number", [1048577, 0xFFFFFFFF])
def test_sets_the_class(limited, number):
    assert limited({"classID": number}).number("network.classID") == number


@clause("linux.resources.network.class-id")
@requires(resources.no_network_controllers)
def test_cannot_set_a_class_without_the_controller(create):
    create("waits").start().printed("ready")

    with generates_an_error():
        create("linux", linux={"resources": {"network": {"classID": 1048577}}})


@clause("linux.resources.network.priorities")
@MOUNTED
@TWO_DEVICES
def test_sets_the_priority_of_each_device(limited):
    limits = limited(priorities(**{"lo": 7, other_device(): 9}))

    lines = limits.text("network.priorities").splitlines()
    assert {"lo 7", f"{other_device()} 9"} <= set(lines)


@clause("linux.resources.network.priorities.name-runtime-ns")
@MOUNTED
@TWO_DEVICES
def test_takes_the_name_for_one_of_the_runtime(limited, refused):
    limits = limited(priorities(**{other_device(): 9}))

    assert f"{other_device()} 9" in limits.text("network.priorities").splitlines()
    with generates_an_error():
        refused(priorities(nosuchdevice=9))


@clause("linux.resources.network.priorities.name-required")
@MOUNTED
def test_refuses_a_priority_without_a_name(limited, refused):
    assert limited(priorities(lo=7)).directories

    with generates_an_error():
        refused({"priorities": [{"priority": 7}]})


@clause("linux.resources.network.priorities.priority-required")
@MOUNTED
def test_invents_no_priority(limited, refused, record):
    assert limited(priorities(lo=7)).directories

    with tolerates_an_error() as outcome:
        container = refused({"priorities": [{"name": "lo"}]})

    seen = [] if outcome.refused else container.limits.text("network.priorities").splitlines()
    record("without priority", "an error" if outcome.refused else seen)
    assert outcome.refused or "lo 0" in seen
