"""Adapters: how a given runtime spells the operations. The default speaks the OCI command line.

The specification leaves the command line open (glossary.md#runtime-caller), so nothing outside
this package knows how an operation is spelt. A runtime that spells them differently gets one file
here with a subclass of ``CommandLine`` and its program's name in ``ADAPTERS``.
"""

from __future__ import annotations

from harness.runtimes.command_line import CommandLine

ADAPTERS: dict[str, type[CommandLine]] = {}
"""Name of the program, as ``--version`` says it, to the adapter that it needs."""


def adapter(name: str) -> CommandLine:
    """Return the adapter of the runtime that calls itself ``name``."""
    return ADAPTERS.get(name, CommandLine)()


__all__ = ["ADAPTERS", "CommandLine", "adapter"]
