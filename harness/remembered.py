"""A set of texts that outlives the process: what was checked once is not checked again."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LIMIT = 1 << 20
"""Bytes of the file beyond which it is begun anew."""


class Remembered:
    """Digests in a file, one a line; several processes may add at once.

    A file that cannot be read or written only costs time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._known = set(path.read_text("ascii").split())
            if path.stat().st_size > LIMIT:
                path.unlink()
        except (OSError, UnicodeDecodeError):
            self._known = set()

    def __contains__(self, text: str) -> bool:
        return digest([text]) in self._known

    def add(self, text: str) -> None:
        """Remember ``text``."""
        line = digest([text])
        self._known.add(line)
        try:
            with self._path.open("a", encoding="ascii") as file:
                file.write(f"{line}\n")  # one write of few bytes: appenders do not mix
        except OSError:
            return


def digest(texts: Iterable[str]) -> str:
    """SHA-256 of texts, told apart from their concatenation."""
    found = hashlib.sha256()
    for text in texts:
        encoded = text.encode("utf-8", "surrogateescape")
        found.update(b"%d " % len(encoded) + encoded)
    return found.hexdigest()
