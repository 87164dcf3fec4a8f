"""stage1: the process between the runtime and the container's init, alive for a moment.

After unshare(CLONE_NEWPID) a process's next child is process 1 of the new namespace: the runtime,
which has host hooks to run, cannot be that parent. stage1 enters the namespaces, forks init into
them and exits, so that init belongs to whoever reaps for the runtime's caller.
"""

from __future__ import annotations

import os
import sys

from reference_runtime import forks, init, namespaces, rlimits, signals, steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation

IN_USER_NAMESPACE, MAPPED, INIT = "in-user-namespace", "mapped", "init"


def fork(creation: Creation) -> int:
    """Fork stage1; return its pid."""
    return forks.child(run, creation)


def run(creation: Creation) -> None:
    """Be stage1."""
    signals.reset_to_default()
    creation.here.close()
    os.close(creation.container.lock)
    steps.run_all(STEPS, creation)


class SealImporter(steps.Step):
    """All is loaded; what could be imported from now on may be the container's files."""

    describe = "forget how to import"

    def run(self, _creation: Creation) -> None:
        """Empty what the import statement searches."""
        sys.meta_path.clear()
        sys.path.clear()
        sys.path_importer_cache.clear()


class EnterUserNamespace(steps.Step):
    """The user namespace comes first: it owns the others."""

    describe = "join or make the user namespace, and be its root"

    def run(self, creation: Creation) -> None:
        """Enter; the runtime, outside, writes the maps."""
        if creation.in_user_namespace:
            namespaces.enter_user_namespace(creation)
            if creation.has_new_namespace("user"):
                creation.there.send(IN_USER_NAMESPACE)
                creation.there.expect(MAPPED, "the runtime")
            namespaces.become_root()


class EnterNamespaces(steps.Step):
    """The others, owned by the user namespace just entered."""

    describe = "join or make the other namespaces"

    def run(self, creation: Creation) -> None:
        """Join by path, unshare the rest."""
        namespaces.enter_others(creation)
        namespaces.set_time_offsets(creation)


class ForkInit(steps.Step):
    """The child is in the new pid and time namespaces; neighbours must not look into it."""

    describe = "fork init, undumpable"

    def run(self, creation: Creation) -> None:
        """Fork; init never returns from here."""
        forks.named_child(init.run, INIT, creation)


class RehearseLimits(steps.Step):
    """init takes its limits at start, when create can no longer error: so try them here."""

    describe = "try the resource limits on this process, which is about to end"

    def run(self, creation: Creation) -> None:
        """Set the limits; one that cannot be set ends create."""
        rlimits.apply(creation.process)


STEPS: list[steps.Step] = [
    SealImporter(),
    EnterUserNamespace(),
    EnterNamespaces(),
    ForkInit(),
    RehearseLimits(),
]
