"""What a program or a runtime said, member by member: what is missing is theirs, not ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.faults import NotShown

if TYPE_CHECKING:
    from collections.abc import Mapping


class Shown(dict[str, Any]):
    """Members as they were said; to ask for one that is not there, or is null, is NotShown.

    The probe says null of what it could not read: /proc/self/mountinfo where proc is not mounted.
    """

    def __init__(self, members: Mapping[str, Any], whose: str, operation: str) -> None:
        """``whose`` are they, for the message; after ``operation`` they were due."""
        super().__init__(members)
        self._whose = whose
        self._operation = operation

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - what was said
        """Return the member."""
        value = self.get(name)
        if value is None:
            raise NotShown(f"{self._whose} show no {name}", self._operation)
        return value
