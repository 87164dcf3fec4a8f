"""The resume operation, which engines know and the specification does not: see freezer.py."""

from __future__ import annotations

from reference_runtime import container, errors, freezer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.command_line import Arguments


def run(arguments: Arguments) -> None:
    """Thaw the processes of a paused container."""
    target = container.load(arguments.root, arguments.id)
    target.take_joining_lock()
    if target.status() != container.PAUSED:
        message = f"cannot resume {target.id!r}: container not paused"
        raise errors.OperationError(message)
    freezer.thaw(target.record["cgroups"])
