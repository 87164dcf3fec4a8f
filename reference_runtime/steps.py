"""A container is made by lists of small steps; a step can say what it does, and do it.

The lists are at module level (op_create.STEPS, init.ENVIRONMENT, ...): a mutant of the test suite
drops, reorders or wraps one entry, and `create --plan` can print them.
"""

from __future__ import annotations

from reference_runtime import report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_runtime.creation import Creation


class Step:
    """One step; `lifecycle` is its number in runtime.md#lifecycle."""

    describe = ""
    lifecycle = 2

    def run(self, creation: Creation) -> None:
        """Do it."""
        raise NotImplementedError


def run_all(steps: Sequence[Step], creation: Creation) -> None:
    """Run the steps in their order; the first error ends it."""
    for step in steps:
        if report.Options.debug:
            report.debug(f"step {step.lifecycle}: {step.describe}")
        step.run(creation)
