"""Fixtures of cases."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from harness import current, procfs
from harness.faults import NotShown, RuntimeFault
from harness.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.bundle import Bundle
    from harness.configuration import Offence
    from harness.container import Container
    from harness.procfs import Process
    from harness.runtime import Call, Runtime
    from harness.session import Session
    from harness.workspace import Workspace
    from harness.world import World


class MakesBundle(Protocol):
    """Render a template of bundle_templates/ into a bundle; keywords are the template's values.

    ``offence`` is what a negative case does to the valid configuration, ``name`` the name of the
    bundle's directory.
    """

    def __call__(
        self,
        template: str = "base",
        *,
        offence: Offence = None,
        name: str = "",
        **values: object,
    ) -> Bundle:
        """Make it."""


class CreatesContainer(Protocol):
    """Create a container from a bundle, or from a template as ``bundle`` takes it.

    ``id`` defaults to a fresh one; ``cwd`` is where the runtime is called, and the path to the
    bundle is then relative to it. Raises the RuntimeFault that create ends in.
    """

    def __call__(
        self,
        bundle: Bundle | str = "base",
        *,
        id: str = "",  # noqa: A002 - the specification's word
        cwd: Path | None = None,
        offence: Offence = None,
        **values: object,
    ) -> Container:
        """Create it."""


class Records(Protocol):
    """Keep what a runtime chose where the specification leaves it open; never a failure."""

    def __call__(self, name: str, value: object) -> None:
        """Keep ``value``, anything that JSON has."""


@pytest.fixture
def session() -> Session:
    """The session of this process."""
    return current.session()


@pytest.fixture
def runtime(session: Session) -> Runtime:
    """The runtime, for operations that no container of the case stands for."""
    return session.workspace.runtime


@pytest.fixture
def bundle(session: Session) -> MakesBundle:
    """Make bundles without operating the runtime."""
    return _maker(session.workspace)


def _maker(workspace: Workspace) -> MakesBundle:
    def make(
        template: str = "base", *, offence: Offence = None, name: str = "", **values: object
    ) -> Bundle:
        return workspace.bundle(template, values, offence=offence, name=name)

    return make


@pytest.fixture
def new_id(session: Session) -> Callable[[], str]:
    """IDs that no container has or had."""
    return session.workspace.new_id


@pytest.fixture
def create(session: Session) -> CreatesContainer:
    """Create containers; what is still there after the case is removed."""
    return _creator(session.workspace)


def _creator(workspace: Workspace) -> CreatesContainer:
    def make(
        bundle: Bundle | str = "base",
        *,
        id: str = "",  # noqa: A002 - the specification's word
        cwd: Path | None = None,
        offence: Offence = None,
        **values: object,
    ) -> Container:
        if isinstance(bundle, str):
            bundle = workspace.bundle(bundle, values, offence=offence)
        return workspace.create(bundle, id or workspace.new_id(), cwd)

    return make


@pytest.fixture
def in_background(session: Session) -> Callable[[Call], Call]:
    """Remember a call that was not waited for; one that the case does not finish is ended."""
    return session.workspace.pending


@pytest.fixture
def shared(session: Session, request: pytest.FixtureRequest) -> Callable[..., Container]:
    """Return one container for all cases of the module that ask for the same template and values.

    It is created and started once; its operations are evidence of each of these cases. Where that
    fails, each of them is blocked by the same fault.
    """

    def make(template: str, **values: object) -> Container:
        key = (request.module.__name__, template, repr(values))
        journal = session.workspace.runtime.journal
        first = key not in session.shared
        if first:
            session.evidence[key] = _share(session, key, template, values)
        evidence = session.evidence[key]
        journal.borrowed += 0.0 if first else evidence.runtime_seconds
        journal.operations.extend(evidence.operations)
        journal.timeline.extend(evidence.timeline)
        journal.config = evidence.config
        found = session.shared[key]
        if isinstance(found, BaseException):
            raise found
        found.runtime.journal = journal
        return found

    return make


def _share(session: Session, key: object, template: str, values: dict[str, Any]) -> Journal:
    evidence = session.lasting.runtime.journal = Journal()
    try:
        session.shared[key] = _creator(session.lasting)(template, **values).start()
    except (RuntimeFault, NotShown) as fault:
        session.shared[key] = fault
    session.workspace.baseline = session.workspace.look()
    return evidence


@pytest.fixture
def record(session: Session) -> Records:
    """Keep what the runtime chose where the specification leaves it open."""
    journal = session.workspace.runtime.journal

    def keep(name: str, value: object) -> None:
        journal.recorded[name] = value

    return keep


@pytest.fixture
def world(session: Session) -> Callable[[], World]:
    """Look at what of the host a runtime could have changed: processes, mounts, cgroups."""
    return session.workspace.look


@pytest.fixture
def reuse(session: Session) -> Iterator[Callable[[int], Process]]:
    """Start a process of ours under a number that has become free; it ends with the case."""
    with ExitStack() as until_the_end:

        def start(pid: int) -> Process:
            words = [str(session.workspace.host_probe), "pause"]
            return until_the_end.enter_context(procfs.numbered(pid, words))

        yield start


@pytest.fixture
def own_namespaces() -> dict[str, str]:
    """The namespaces in which the runtime is started, by kind: the runtime namespace."""
    return procfs.own_namespaces()
