"""What several sections share: states by status, offences that no host can apply, later changes."""

import signal

import pytest

from harness import Hook, Status, control, host


def _unknown_file_system(config):
    config["mounts"].append({"destination": "/mnt", "type": "conformancefs", "source": "none"})


def _missing_namespace(config):
    others = [n for n in config["linux"]["namespaces"] if n["type"] != "network"]
    missing = {"type": "network", "path": "/proc/self/missing"}
    config["linux"]["namespaces"] = [*others, missing]


@pytest.fixture(
    params=[
        pytest.param({"linux": {"sysctl": {"net.core.conformance": "1"}}}, id="sysctl"),
        pytest.param(_unknown_file_system, id="mount"),
        pytest.param(_missing_namespace, id="namespace"),
        pytest.param(
            {"linux": {"resources": {"cpu": {"cpus": "9999"}}}},
            id="cpuset",
            marks=pytest.mark.requires.with_args(host.cpuset_controller),
        ),
    ]
)
def unfit(request):
    """The offence that makes a configuration impossible to apply."""
    return request.param


@pytest.fixture(params=["replaced", "invalid", "removed"])
def change(request):
    """Change the config.json of a bundle: to one that says changed for original, or to none."""
    changes = {
        "replaced": lambda file: file.write_text(file.read_text().replace("original", "changed")),
        "invalid": lambda file: file.write_text("{"),
        "removed": lambda file: file.unlink(),
    }
    return lambda bundle: changes[request.param](bundle.config)


@pytest.fixture
def each_status(create):
    """A lifecycle up to its end; returns the container and its state in each status."""

    def run(**values):
        container = create("waits", **values)
        states = {Status.CREATED: container.state()}
        states[Status.RUNNING] = container.start().printed("ready").state()
        container.kill(signal.SIGKILL).ended().settled(Status.STOPPED)
        states[Status.STOPPED] = container.state()
        return container, states

    return run


@pytest.fixture
def states(each_status):
    """The states in created, running and stopped of one container."""
    return each_status()[1]


@pytest.fixture
def given(each_status):
    """The state that a hook of the given kind finds on its standard input."""

    def run(kind, **values):
        container, _ = each_status(hooks={kind: [Hook()]}, **values)
        container.delete()
        return container.bundle.hook(f"{kind} 1").state

    return run


@pytest.fixture
def without_its_first_thread(create):
    """A running container whose program has one thread left, which is not its first."""
    words = ["say=ready", "survive", "say=alone", "pause"]
    with control():
        return create("program", words=words).start().printed("alone")
