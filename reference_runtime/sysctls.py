"""Kernel parameters of the container's namespaces (config-linux.md#sysctl, sysctl(8))."""

from __future__ import annotations

from reference_runtime import cgroups, validate_linux

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation


def apply(creation: Creation) -> None:
    """Write the parameters through the host's /proc, from within the container's namespaces."""
    for key, value in creation.linux.get("sysctl", {}).items():
        with creation.naming(f"linux.sysctl.{key}"):
            name = validate_linux.sysctl_name(key)
            path = name.translate({ord("."): "/", ord("/"): "."})
            cgroups.write(f"/proc/sys/{path}", value)
