"""Loads the harness plugin; an installed suite has it loaded by its entry point."""

pytest_plugins = ["harness.plugin"]
