"""Entries of mounts as cases write them, and the mount points that they need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.bundle import Bundle

Entry = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What one case asks of a container: what is mounted in it, and what its program tries."""

    mounts: Sequence[Entry]
    tries: Sequence[str] = ()

    @property
    def words(self) -> list[str]:
        """The script of the program: it shows its mounts, tries, and stays."""
        return ["facts=ids,root,mountinfo", *self.tries, "say=ready", "pause"]


def together(all_: Iterable[Asked]) -> Asked:
    """Return what all of them ask, in their order."""
    every = list(all_)
    mounts = [entry for asked in every for entry in asked.mounts]
    return Asked(mounts, [word for asked in every for word in asked.tries])


def tmpfs(point: str, *options: str, **members: object) -> Entry:
    """Return the entry of a new tmpfs; ``members`` are put over it."""
    entry = {"destination": point, "type": "tmpfs", "source": "tmpfs", "options": [*options]}
    return {**entry, **members}


def bind(source: Path, point: str, *options: str, **members: object) -> Entry:
    """Return the entry of a bind mount, recursive if ``rbind`` is among the options."""
    kind = [] if "rbind" in options else ["bind"]
    entry = {"destination": point, "type": "none", "source": str(source)}
    return {**entry, "options": [*kind, *options], **members}


def make_points(bundle: Bundle) -> None:
    """Make what entries of mounts are mounted on: no clause asks it of a runtime."""
    for entry in bundle.document["mounts"]:
        point = bundle.inside(entry["destination"])
        if Path(entry.get("source", "/")).is_file():
            point.parent.mkdir(parents=True, exist_ok=True)
            point.touch()
        else:
            point.mkdir(parents=True, exist_ok=True)
