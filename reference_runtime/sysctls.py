"""Kernel parameters of the container's namespaces (config-linux.md#sysctl, sysctl(8))."""

from __future__ import annotations

from reference_runtime import cgroups, steps, validate_linux

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation


class SetParameters(steps.Step):
    """Set kernel parameters."""

    describe = "set kernel parameters"
    lifecycle = 5

    def run(self, creation: Creation) -> None:
        """Set them while the host's /proc is at hand."""
        apply(creation)


def apply(creation: Creation) -> None:
    """Write the parameters through the host's /proc, from within the container's namespaces."""
    for key, value in creation.linux.get("sysctl", {}).items():
        with creation.naming(f"linux.sysctl.{key}"):
            name = validate_linux.sysctl_name(key)
            path = name.translate({ord("."): "/", ord("/"): "."})
            cgroups.write(f"/proc/sys/{path}", value)
