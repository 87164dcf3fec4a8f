"""Mutants of runtime.md: kill."""

from __future__ import annotations

from reference_runtime import container, op_kill, processes
from tests.mutants.breaking import mutant, skip, wrap


@mutant("runtime.kill.stopped-errors")
def a_stopped_container_takes_signals():
    """Kill of a stopped container succeeds."""
    skip(op_kill, "not_running", SystemExit(0))


@mutant("runtime.kill.created-container")
def a_created_container_is_refused():
    """Only a running container can be sent a signal."""

    def run(original, arguments):
        target = container.load(arguments.root, arguments.id)
        if target.status() == container.CREATED:
            raise op_kill.not_running(target)
        original(arguments)

    wrap(op_kill, "run", run)


@mutant("runtime.kill.sends-specified-signal")
def signals_are_swallowed():
    """Kill reports success and sends nothing."""
    skip(processes, "send_signal")
