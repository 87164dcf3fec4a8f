"""The features structure (features.md, features-linux.md).

It says what this runtime implements, not what the host allows.
"""

from __future__ import annotations

import os

from reference_runtime import (
    SPEC_VERSION,
    VERSION,
    attributes,
    capabilities,
    hooks,
    jsonlite,
    mount_options,
    namespaces,
    seccomp,
)  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.command_line import Arguments
    from reference_runtime.model import Json

FEATURES: Json = {
    "ociVersionMin": "1.0.0",
    "ociVersionMax": SPEC_VERSION,
    "hooks": list(hooks.KINDS),
    "mountOptions": sorted(mount_options.KNOWN),
    "linux": {
        "namespaces": sorted(namespaces.FLAGS),
        "capabilities": list(capabilities.NAMES),
        "cgroup": {
            "v1": True, "v2": True, "systemd": False, "systemdUser": False, "rdma": True,
        },
        "apparmor": {"enabled": True},
        "selinux": {"enabled": True},
        "memoryPolicy": {
            "modes": list(attributes.MEMORY_MODES), "flags": list(attributes.MEMORY_FLAGS),
        },
        "intelRdt": {"enabled": True, "schemata": True, "monitoring": True},
        "mountExtensions": {"idmap": {"enabled": True}},
        "netDevices": {"enabled": True},
    },
    "annotations": {"reference-runtime.version": VERSION},
    "potentiallyUnsafeConfigAnnotations": ["org.opencontainers.image.stopSignal"],
}  # fmt: skip


def run(_arguments: Arguments) -> None:
    """Print the structure."""
    FEATURES["linux"]["seccomp"] = seccomp.features()
    os.write(1, jsonlite.dumps(FEATURES).encode() + b"\n")
