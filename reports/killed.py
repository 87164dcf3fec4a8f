"""Which mutants each case is known to have killed: its proof that it can fail."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

KNOWN = Path(__file__).parent / "killed.json"
"""An object: names of mutants by id of the case. Optional; ``tools/killed.py`` writes it."""


@cache
def killed() -> dict[str, list[str]]:
    """Read ``KNOWN``; a file that is missing or no such object says nothing of any case."""
    try:
        document = json.loads(KNOWN.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(document, dict):
        return {}
    return {
        case: [str(name) for name in names]
        for case, names in document.items()
        if isinstance(names, list)
    }
