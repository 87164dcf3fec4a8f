"""Steps 12 and 13 of runtime.md#lifecycle: destroy the container, run its poststop hooks.

delete comes here, and so does a create or a start of which a hook has failed.
"""

from __future__ import annotations

import os

from reference_runtime import container, errors, processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal

    from reference_runtime.container import Container
else:
    import _signal as signal

_PATIENCE = 10.0  # seconds that a killed process may take to end


def stop(target: Container) -> None:
    """Stop the container process, if it still runs, and wait until it is gone."""
    pidfd = target.open_process()
    if pidfd is None:
        return
    processes.send_signal(pidfd, signal.SIGKILL)
    thaw(target)
    if not processes.wait_for_end(target.record["pid"], pidfd, _PATIENCE):
        message = f"the container process has not ended {_PATIENCE:g} s after SIGKILL"
        raise errors.OperationError(message)
    os.close(pidfd)


def thaw(target: Container) -> None:
    """Thaw a container that was sent SIGKILL: a frozen process of cgroup v1 would never end."""
    if target.record.get("cgroups"):
        from reference_runtime import freezer

        freezer.thaw(target.record["cgroups"])


def undo_create(target: Container) -> None:
    """Undo what create has done outside the container's namespaces (lifecycle, step 12)."""
    if target.record.get("cgroups"):
        from reference_runtime import cgroups

        cgroups.remove(target.record["cgroups"])
    if "resctrl" in target.record:
        from reference_runtime import resctrl

        is_complete = target.record["phase"] == container.CREATED
        resctrl.remove(target.record["resctrl"], is_complete=is_complete)
    if "mountedOver" in target.record:
        from reference_runtime import shared_mounts

        shared_mounts.detach(target.record["mountedOver"])
    target.remove()


def run_poststop_hooks(target: Container) -> None:
    """Run the poststop hooks of a container that is no more (lifecycle, step 13)."""
    poststop = target.record.get("hooks", {}).get("poststop", [])
    if poststop:
        from reference_runtime import hooks

        hooks.run_poststop(poststop, target.document(container.STOPPED))
