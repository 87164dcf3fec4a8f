"""What a program or a runtime said, member by member: what is missing is theirs, not ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.faults import NotShown

if TYPE_CHECKING:
    from collections.abc import Iterator


class Shown(dict[str, Any]):
    """Members as they were said; to ask for one that is not there, or is null, is NotShown.

    The probe says null of what it could not read: /proc/self/mountinfo where proc is not mounted.
    """

    def __init__(self, members: dict[str, Any], whose: str, operation: str) -> None:
        """``whose`` are they, for the message; after ``operation`` they were due."""
        # Without looking at them: who asks for one looks.
        super().__init__(dict.items(members))
        self._members = members
        self._whose = whose
        self._operation = operation

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - what was said
        """Return the member."""
        value = self._members.get(name)
        if value is None:
            raise NotShown(f"{self._whose} show no {name}", self._operation)
        return value

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as dict
        """Return the member, or the default where it is not there."""
        return self._members.get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __eq__(self, other: object) -> bool:
        return self._members == other

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None
