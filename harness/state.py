"""The state of a container, runtime.md#state: what the state operation and hooks are given."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from harness.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping


class Status(StrEnum):
    """The four values of ``status`` that the specification defines."""

    CREATING = "creating"
    CREATED = "created"
    RUNNING = "running"
    STOPPED = "stopped"


DEFINED = ("ociVersion", "id", "status", "pid", "bundle", "annotations")
"""The members that the specification defines; a runtime may add others, which may vary."""


@dataclass(frozen=True)
class State:
    """One state document. ``document`` is what was given, untouched: a case may look at types."""

    document: dict[str, Any]

    @property
    def status(self) -> str:
        """``created``; compares with Status; empty if it is missing or no string."""
        return self._string("status")

    @property
    def id(self) -> str:
        """The container's ID; empty if it is missing or no string."""
        return self._string("id")

    @property
    def oci_version(self) -> str:
        """The release that the state follows; empty if it is missing or no string."""
        return self._string("ociVersion")

    @property
    def bundle(self) -> str:
        """Path of the bundle; empty if it is missing or no string."""
        return self._string("bundle")

    @property
    def pid(self) -> int | None:
        """The container process; None if it is missing, no integer or not above zero."""
        pid = self.document.get("pid")
        valid = isinstance(pid, int) and not isinstance(pid, bool) and pid > 0
        return pid if valid else None

    @property
    def annotations(self) -> Mapping[str, Any]:
        """Annotations; empty if they are missing or no map, NotShown to ask for a missing one."""
        annotations = self.document.get("annotations")
        given = annotations if isinstance(annotations, dict) else {}
        return Shown(given, "the annotations of the state", "state")

    @property
    def defined(self) -> dict[str, Any]:
        """The members that the specification defines: what must not change by itself."""
        return {name: self.document[name] for name in DEFINED if name in self.document}

    def _string(self, name: str) -> str:
        value = self.document.get(name)
        return value if isinstance(value, str) else ""


def parse(text: str) -> State:
    """Read one JSON object; ValueError for anything else, NaN and repeated names included."""
    document = json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)
    if not isinstance(document, dict):
        raise ValueError(f"a JSON {type(document).__name__}, not an object")
    return State(document)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON (RFC 8259)")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a name is given twice in one object")
    return document
