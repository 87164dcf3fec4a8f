"""An environment as config.json gives it: a list of name=value, in its order, doubles included.

Python's exec functions want a mapping, and a dict would lose both.
"""

from __future__ import annotations


class Environment:
    """The methods of a mapping that posix_spawn and execve call."""

    def __init__(self, entries: list[str]) -> None:
        """Split each entry at its first equals sign."""
        self.entries = [entry.partition("=")[::2] for entry in entries]

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.entries)

    def keys(self) -> list[str]:
        """Return the names."""
        return [name for name, _ in self.entries]

    def values(self) -> list[str]:
        """Return the values, in the order of the names."""
        return [value for _, value in self.entries]

    def __getitem__(self, name: str) -> str:
        """Return the first value of a name, as getenv(3) does."""
        for key, value in self.entries:
            if key == name:
                return value
        raise KeyError(name)
