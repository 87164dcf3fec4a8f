"""What create does outside the container's namespaces for properties that few configurations have.

Each step loads the module that knows how only when the property is there: imports cost.
"""

from __future__ import annotations

from reference_runtime import mount_options, steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation


class IdmappedMounts(steps.Step):
    """Map mounts before the fork: their descriptors are inherited."""

    describe = "open the mounts that are to be ID-mapped"

    def run(self, creation: Creation) -> None:
        """Load what init needs for mounts beyond mount(2), and open what only the runtime may."""
        entries = creation.config.get("mounts", [])
        if any(mount_options.COPY_UP in entry.get("options", []) for entry in entries):
            __import__("reference_runtime.copy_up")
        if any(map(mount_options.is_idmapped, entries)):
            from reference_runtime import idmaps

            idmaps.prepare(creation)


class NetworkDevices(steps.Step):
    """The network namespace is there, and so are hooks that expect the devices in it."""

    describe = "move network devices into the container"

    def run(self, creation: Creation) -> None:
        """Move them; op_create.undo moves them back."""
        if creation.linux.get("netDevices"):
            from reference_runtime import net_devices

            creation.moves = net_devices.Moves(creation)
            creation.moves.run()


class IntelRdt(steps.Step):
    """The processes of the container are to be in the group from the first one on."""

    describe = "put the container process into a group of the resctrl filesystem"

    def run(self, creation: Creation) -> None:
        """Record what will be made, then make it."""
        if "intelRdt" in creation.linux:
            from reference_runtime import resctrl

            creation.container.record["resctrl"] = planned = resctrl.plan(creation)
            creation.container.save()
            resctrl.apply(creation, planned)


class SeccompListener(steps.Step):
    """Memory can be shared with a process that is forked later only."""

    describe = "share memory with the process that will load a filter that notifies"

    def run(self, creation: Creation) -> None:
        """Map a file of the container's directory, where start will find it."""
        if creation.seccomp is not None and creation.seccomp.listens:
            from reference_runtime import seccomp_listener

            creation.listening = seccomp_listener.share(creation.container.directory)
            creation.container.record["notifies"] = True
