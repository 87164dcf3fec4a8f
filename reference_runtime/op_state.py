"""The state operation (runtime.md#query-state)."""

from __future__ import annotations

import os

from reference_runtime import container, jsonlite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.command_line import Arguments


def run(arguments: Arguments) -> None:
    """Print the state of a container as one JSON object."""
    queried = container.load(arguments.root, arguments.id)
    document = queried.document(queried.status())
    os.write(1, jsonlite.dumps(document).encode() + b"\n")
