"""Fixtures of cases."""

from __future__ import annotations

import shutil
import signal
import socket
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from harness import current, disposable, foreign, linux, procfs
from harness.caller import Caller
from harness.demands import control
from harness.faults import NotShown, OperationError, RuntimeCrashed, RuntimeFault
from harness.hooks import OPERATIONS
from harness.journal import Journal
from harness.state import Status
from harness.world import changes
from harness.world import survivors as survivors_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.bundle import Bundle
    from harness.configuration import Offence
    from harness.container import Container
    from harness.foreign import ForeignCgroup, ForeignNamespace
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
def shared(session: Session) -> Callable[..., Container]:
    """Return one container for all cases of the module that ask for the same template and values.

    It is created and started once; its operations are evidence of each of these cases. Where that
    fails, each of them is blocked by the same fault. ``prepare`` is called with its bundle first.
    """

    def make(
        template: str, *, prepare: Callable[[Bundle], object] | None = None, **values: object
    ) -> Container:
        key = (template, repr(values))  # after a module they are forgotten
        journal = session.workspace.runtime.journal
        first = key not in session.shared
        if first:
            session.evidence[key] = _share(session, key, template, values, prepare)
        evidence = session.evidence[key]
        if not first:
            journal.lent += len(evidence.operations)
            journal.borrowed += evidence.runtime_seconds
        journal.operations.extend(evidence.operations)
        journal.timeline.extend(evidence.timeline)
        journal.replay.take(evidence.replay)
        journal.config = evidence.config
        found = session.shared[key]
        if isinstance(found, BaseException):
            # Each case begins a traceback of its own: one exception would gather all of theirs.
            raise found.with_traceback(None)
        found.runtime.journal = journal
        if not first:
            found.lend()
        return found

    return make


def _share(
    session: Session,
    key: object,
    template: str,
    values: dict[str, Any],
    prepare: Callable[[Bundle], object] | None,
) -> Journal:
    evidence = session.lasting.runtime.journal = Journal()
    bundle: Bundle | str = template
    if prepare is not None:
        bundle = _maker(session.lasting)(template, **values)
        prepare(bundle)
    try:
        session.shared[key] = _creator(session.lasting)(bundle, **values).start()
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
def survivors(session: Session) -> Callable[[], list[str]]:
    """Wait until whatever the case has set going has ended; return the processes that do not."""
    workspace = session.workspace
    return lambda: survivors_of(workspace.baseline, workspace.runtime.deadline)


@pytest.fixture
def lifecycle(create: CreatesContainer) -> Callable[..., Bundle]:
    """Run a whole lifecycle, create to delete; what is left of it is the bundle.

    Takes what ``create`` takes; the program has to say ready and to wait.
    """

    def run(bundle: Bundle | str = "waits", **values: Any) -> Bundle:  # noqa: ANN401 - as create
        container = create(bundle, **values).start().printed("ready")
        container.kill(signal.SIGKILL).stopped().delete()
        return container.bundle

    return run


@pytest.fixture
def attempt(create: CreatesContainer) -> Callable[[Bundle], None]:
    """Run a lifecycle as far as it goes: operations may err or crash, but not hang."""

    def run(bundle: Bundle) -> None:
        with suppress(OperationError, RuntimeCrashed):
            container = create(bundle)
            with suppress(OperationError, RuntimeCrashed, NotShown):
                container.start().printed("ready")
            with suppress(OperationError, RuntimeCrashed, NotShown):
                container.kill(signal.SIGKILL)
            with suppress(OperationError, RuntimeCrashed, NotShown):
                container.stopped()
            container.delete()

    return run


@pytest.fixture
def calling(
    session: Session, in_background: Callable[[Call], Call]
) -> Callable[[str, Bundle], Call]:
    """Begin the operation that runs hooks of a kind, and do not wait for its end."""
    workspace = session.workspace

    def begin(kind: str, bundle: Bundle) -> Call:
        id_ = workspace.new_id()
        if OPERATIONS[kind] == "create":
            return in_background(workspace.runtime.creating(id_, str(bundle.path)))
        container = workspace.create(bundle, id_)
        if OPERATIONS[kind] == "start":
            return in_background(container.starting())
        container.start().kill(signal.SIGKILL).stopped()
        return in_background(workspace.runtime.deleting(id_))

    return begin


@pytest.fixture
def caller(session: Session) -> Iterator[Callable[..., None]]:
    """Call the runtime, until the case ends, as a process with these members of ``Caller``."""
    runtime = session.workspace.runtime

    def be(**members: Any) -> None:  # noqa: ANN401 - as Caller has them
        runtime.caller = Caller(**members)

    yield be
    runtime.caller = Caller()


@pytest.fixture
def watch_world(session: Session) -> Callable[[], Callable[[], list[str]]]:
    """Look at the world; what this returns says what is new in it or gone from it since then.

    New processes are given time to end first.
    """
    workspace = session.workspace

    def watch() -> Callable[[], list[str]]:
        earlier = workspace.look()
        return lambda: changes(workspace.look, earlier, workspace.runtime.deadline)

    return watch


@pytest.fixture
def container_in(create: CreatesContainer) -> Callable[..., Container]:
    """Bring a container to a status, created, running or stopped, as a control.

    Takes what ``create`` takes; the program has to say ready and to wait.
    """

    def bring(status: str, bundle: Bundle | str = "waits", **values: Any) -> Container:  # noqa: ANN401 - as create
        with control():
            container = create(bundle, **values)
            if status == Status.CREATED:
                return container
            container.start().printed("ready")
            if status == Status.RUNNING:
                return container
            return container.kill(signal.SIGKILL).stopped()

    return bring


@pytest.fixture
def foreign_cgroup(session: Session) -> Iterator[ForeignCgroup]:
    """A cgroup of the harness in every hierarchy, to put a container's below it."""
    workspace = session.workspace
    name = f"foreign-{workspace.new_id()}"
    with foreign.cgroup(workspace.cgroup_roots, name, workspace.runtime.deadline) as made:
        yield made


@pytest.fixture
def foreign_network(session: Session) -> Iterator[ForeignNamespace]:
    """A network namespace of the harness, kept by a file that a container can join by path."""
    workspace = session.workspace
    with foreign.network(workspace.directory / f"network-{workspace.new_id()}") as made:
        yield made


@pytest.fixture
def foreign_directory(session: Session) -> Iterator[Path]:
    """A directory of the host, to be mounted into a container."""
    made = session.workspace.directory / f"directory-{session.workspace.new_id()}"
    made.mkdir()
    made.chmod(0o777)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def own_uts() -> Iterator[str]:
    """Run the case, and the runtime, in a uts namespace of its own: no case gives its names."""
    with disposable.namespace("uts") as name:
        socket.sethostname("harness-host")
        linux.setdomainname("harness-domain")
        yield name


@pytest.fixture
def own_namespaces() -> dict[str, str]:
    """The namespaces in which the runtime is started, by kind: the runtime namespace."""
    return procfs.own_namespaces()
