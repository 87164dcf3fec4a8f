"""Fixtures of cases about mounts."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness import current, foreign, loop
from harness.faults import NotShown, OperationError, RuntimeCrashed
from harness.mounts import make_points, together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from harness.container import Container
    from harness.fixtures import CreatesContainer, MakesBundle
    from harness.mounts import Asked


@pytest.fixture
def mounted(bundle: MakesBundle, create: CreatesContainer) -> Callable[..., Container]:
    """Start a container with mounts whose mount points are there; its program has shown them."""

    def make(asked: Asked, **values: Any) -> Container:  # noqa: ANN401 - as create
        made = bundle("program", mounts=asked.mounts, words=asked.words, **values)
        make_points(made)
        return create(made).start().printed("ready")

    return make


@pytest.fixture
def among(
    shared: Callable[..., Container], mounted: Callable[..., Container]
) -> Callable[..., Container]:
    """Give one container with the mounts of all, or with those of ``name`` where that fails.

    So an entry that a runtime refuses is held against its own case only.
    """

    def give(everything: Mapping[Any, Asked], name: object, **values: Any) -> Container:  # noqa: ANN401
        of_all = together(everything.values())
        given = {"mounts": of_all.mounts, "words": of_all.words, **values}
        try:
            return shared("program", prepare=make_points, **given).printed("ready")
        except (OperationError, RuntimeCrashed, NotShown):
            return mounted(everything[name], **values)

    return give


@pytest.fixture
def foreign_device(foreign_directory: Path) -> Iterator[Path]:
    """A block device of the host with a file system: its file marker says ``on the device``."""
    with loop.device(foreign_directory, "on the device") as made:
        yield made


@pytest.fixture(scope="module")
def foreign_tree() -> Iterator[Callable[..., Path]]:
    """Make a tree of mounts of the host, as ``foreign.tree`` has it, kept for the module's cases.

    The same flags give the same tree, another ``name`` another one.
    """
    session = current.session()
    made: dict[object, Path] = {}
    with ExitStack() as until_the_end:

        def make(flags: int = 0, *, name: str = "", shared: bool = False) -> Path:
            key = (flags, name, shared)
            if key not in made:
                path = session.lasting.directory / f"tree-{name}{len(made)}"
                tree = foreign.tree(path, session.lasting.probe, flags, shared=shared)
                made[key] = until_the_end.enter_context(tree)
                for workspace in (session.workspace, session.lasting):
                    mounts = workspace.look().mounts
                    workspace.baseline = replace(workspace.baseline, mounts=mounts)
            return made[key]

        yield make
