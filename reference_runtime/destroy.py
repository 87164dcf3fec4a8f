"""Steps 12 and 13 of runtime.md#lifecycle: destroy the container, run its poststop hooks.

delete comes here, and so does a create or a start of which a hook has failed.
"""

from __future__ import annotations

from reference_runtime import container, processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.container import Container


def stop(target: Container) -> None:
    """Stop the container process, if it still runs, and wait until it is gone."""
    record = target.record
    processes.kill_and_wait(record.get("pid", 0), record.get("startTime", 0))


def undo_create(target: Container) -> None:
    """Undo what create has done outside the container's namespaces (lifecycle, step 12)."""
    if target.record.get("cgroups"):
        from reference_runtime import cgroups

        cgroups.remove(target.record["cgroups"])
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
