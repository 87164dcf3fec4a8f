"""Fixtures for Linux security modules: what several sections demand of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.session import Session


@pytest.fixture
def apparmor_profile(session: Session) -> Iterator[str]:
    """Name of an AppArmor profile that is loaded, and allows all but reading /denied."""
    workspace = session.workspace
    with labels.apparmor_profile(workspace.directory, f"conformance-{workspace.new_id()}") as name:
        yield name


@pytest.fixture
def selinux_label() -> str:
    """A valid SELinux label of a process that is not the harness's own."""
    return labels.selinux_label()
