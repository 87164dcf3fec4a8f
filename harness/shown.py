"""What a program or a runtime said, member by member: what is missing is theirs, not ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness import looks
from harness.faults import NotShown


class Shown(Mapping[str, Any]):
    """Members as they were said; to ask for one that is not there, or is null, is NotShown.

    The probe says null of what it could not read: /proc/self/mountinfo where proc is not mounted.
    """

    def __init__(self, members: Mapping[str, Any], whose: str, operation: str) -> None:
        """``whose`` are they, for the message; after ``operation`` they were due."""
        self._members = members
        self._whose = whose
        self._operation = operation

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - what was said
        """Return the member."""
        return self._there(name, self._members.get(name))

    def peek(self, name: str) -> Any:  # noqa: ANN401 - what was said
        """Return the member, without that a case has looked at it."""
        return self._there(name, looks.peek(self._members, name))

    def _there(self, name: str, value: Any) -> Any:  # noqa: ANN401 - what was said
        if value is None:
            raise NotShown(f"{self._whose} show no {name}", self._operation)
        return value

    def __contains__(self, name: object) -> bool:
        """Whether it was said, be it null."""
        return name in self._members

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as dict
        """Return the member, or ``default`` where none was said."""
        return self._members.get(name, default)

    def __iter__(self) -> Iterator[str]:
        """Names of all that were said."""
        return iter(self._members)

    def __len__(self) -> int:
        """Count them."""
        return len(self._members)

    def __eq__(self, other: object) -> bool:
        """Compare what was said."""
        return self._members == (other._members if isinstance(other, Shown) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """What was said."""
        return repr(self._members)
