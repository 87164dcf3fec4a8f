"""Configurations that cannot be applied on any host, for cases about a create that fails."""

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
