"""What outlives the process: texts that were checked once, texts that were parsed once."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from harness import cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
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


def parsed(name: str, text: str, parse: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """Return ``parse(text)``, which JSON can carry, from the user's cache if the text is the same.

    tomllib takes 0.2 s for the catalogue, json 5 ms. ``name`` is the file below the cache.
    """
    known = digest([text])
    try:
        path = cache.user_cache("parsed") / f"{name}.json"
    except OSError:
        return parse(text)  # no cache: it only costs time
    try:
        kept: dict[str, Any] = json.loads(path.read_bytes())
        if kept["digest"] == known:
            found: dict[str, Any] = kept["content"]
            return found
    except (OSError, ValueError, LookupError, TypeError):
        pass
    found = parse(text)
    with suppress(OSError):
        new = path.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps({"digest": known, "content": found}), encoding="utf-8")
        new.rename(path)
    return found


def digest(texts: Iterable[str]) -> str:
    """SHA-256 of texts, told apart from their concatenation."""
    found = hashlib.sha256()
    for text in texts:
        encoded = text.encode("utf-8", "surrogateescape")
        found.update(b"%d " % len(encoded) + encoded)
    return found.hexdigest()
