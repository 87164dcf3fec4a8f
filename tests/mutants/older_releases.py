"""The reference runtime as older releases wanted it: what they say of it has to pass.

Where a later release has turned a clause round, the cases of the older reading fail on the
reference runtime and so cannot be shown to be right by it. A variant is broken in nothing.
"""

from __future__ import annotations

import os

from reference_runtime import (
    capabilities,
    container,
    errors,
    hooks,
    init,
    op_create,
    op_start,
    report,
)
from tests.mutants.breaking import mutant, position, reads, wrap
from tests.mutants.config_hooks_namespaces import run_by_start

SETS = ("bounding", "effective", "inheritable", "permitted", "ambient")


@mutant("config.process.capabilities.unknown-errors", right=True)
def unknown_capabilities_are_refused():
    """To 1.0.2: a name that the kernel does not know is an error."""

    def check(config):
        given = config.get("process", {}).get("capabilities", {})
        for name in (name for kind in SETS for name in given.get(kind, [])):
            if name not in capabilities.NAMES:
                message = f"process.capabilities: unknown capability {name}"
                raise errors.OperationError(message)

    reads(check)


@mutant("config.mounts.destination.absolute.must", right=True)
def relative_destinations_are_refused():
    """To 1.1.0: a destination is absolute."""

    def check(config):
        for entry in config.get("mounts", []):
            if not entry["destination"].startswith("/"):
                message = f"mounts: {entry['destination']} is not absolute"
                raise errors.OperationError(message)

    reads(check)


@mutant("runtime.state.pid.as-seen-by-host", right=True)
def all_hooks_get_the_pid_that_the_host_sees():
    """To 1.0.2: the pid of the state is the host's for each reader."""
    seen = {}

    def run(original, creation):
        # The mount of proc is still the host's.
        seen["pid"] = int(os.readlink("/proc/self"))
        original(creation)

    def document(original, self, status, pid=None):
        return original(self, status, seen.get("pid", pid))

    wrap(init, "run", run)
    wrap(container.Container, "document", document)


@mutant("runtime.lifecycle.poststart.failure-warns", right=True)
def failing_poststart_hooks_are_warnings():
    """To 1.2.1: a poststart hook that fails is logged, the others run."""

    def run_poststart_hooks(_original, target):
        for entry in target.record["hooks"].get("poststart", []):
            try:
                hooks.run_all("poststart", [entry], target.document(container.RUNNING))
            except errors.HookError as error:
                report.warning(str(error))

    wrap(op_start, "run_poststart_hooks", run_poststart_hooks)


@mutant(
    "runtime.lifecycle.prestart.in-start",
    "config.hooks.prestart.timing.after-start",
    "config.hooks.prestart.stdin-status.in-start",
    right=True,
)
def prestart_hooks_belong_to_start():
    """To 1.0.2: prestart hooks run in start, before the program."""
    steps = op_create.STEPS
    del steps[position(steps, op_create.RuntimeHooks)]  # the first of them
    run_by_start("prestart")
