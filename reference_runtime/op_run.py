"""The run operation, which engines know and the specification does not: create, start, delete."""

from __future__ import annotations

from reference_runtime import container, op_create, op_delete, op_start, supervision

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.command_line import Arguments


def run(arguments: Arguments) -> int:
    """Run a container; unless --detach wait for its program, then delete it unless --keep."""
    if not arguments.detach:
        supervision.adopt_orphans()
    op_create.run(arguments)
    try:
        pid = container.load(arguments.root, arguments.id).record["pid"]
        op_start.run(arguments)
        status = 0 if arguments.detach else supervision.wait_for(pid, arguments.preserve_fds)
    except BaseException:
        delete(arguments)
        raise
    if not arguments.detach and not arguments.keep:
        delete(arguments)
    return status


def delete(arguments: Arguments) -> None:
    """Delete the container, whatever its status."""
    arguments.force = True
    op_delete.run(arguments)
