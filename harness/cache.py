"""Where the suite keeps what is made once: the probe, compiled templates."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache(name: str = "") -> Path:
    """Make and return the user's cache directory of this project, or ``name`` below it.

    ``$XDG_CACHE_HOME/oci-conformance`` or ``~/.cache/oci-conformance``; OSError if it cannot be
    made.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # XDG Base Directory Specification: a relative path is invalid and to be ignored.
    if not base.is_absolute():
        base = Path.home() / ".cache"
    directory = base / "oci-conformance" / name
    directory.mkdir(parents=True, exist_ok=True)
    return directory
