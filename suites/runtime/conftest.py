"""What several sections do to a config.json: offences that no host can apply, later changes."""

import pytest

from harness import host


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
