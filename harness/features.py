"""The features structure: what a runtime says that it implements (features.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from harness import current, state
from harness.faults import MalformedOutput, NotClaimed, OperationError, RuntimeFault
from harness.journal import Journal, cut

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.runtime import Runtime

SINCE = {
    "1.1.0": """
        ociVersionMin ociVersionMax hooks mountOptions annotations linux
        linux.namespaces linux.capabilities linux.cgroup linux.cgroup.v1 linux.cgroup.v2
        linux.cgroup.systemd linux.cgroup.systemdUser linux.cgroup.rdma linux.seccomp
        linux.seccomp.enabled linux.seccomp.actions linux.seccomp.operators linux.seccomp.archs
        linux.seccomp.knownFlags linux.seccomp.supportedFlags linux.apparmor linux.apparmor.enabled
        linux.selinux linux.selinux.enabled linux.intelRdt linux.intelRdt.enabled
    """,
    "1.2.0": """
        potentiallyUnsafeConfigAnnotations linux.mountExtensions linux.mountExtensions.idmap
        linux.mountExtensions.idmap.enabled
    """,
    "1.3.0": """
        linux.netDevices linux.netDevices.enabled linux.memoryPolicy linux.memoryPolicy.modes
        linux.memoryPolicy.flags linux.intelRdt.schemata linux.intelRdt.monitoring
    """,
}
"""Properties, by the release that has defined them."""

SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?",
    re.ASCII,
)
"""SemVer 2.0.0: three numbers, pre-release, build."""


def precedence(version: str) -> tuple[object, ...]:
    """Return what orders versions as SemVer does; ValueError if this is none."""
    found = SEMVER.fullmatch(version)
    if found is None:
        raise ValueError(f"{version!r} is no SemVer 2.0.0 version")
    *numbers, before = found.groups()
    parts = [
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in (before.split(".") if before else [])
    ]
    return (*map(int, numbers), not before, parts)


def defined(version: str) -> set[str]:
    """Return the properties that a release defines; all there are for what is no plain release."""
    plain = re.fullmatch(r"\d+\.\d+\.\d+", version, re.ASCII)
    until = precedence(version) if plain else (float("inf"),)
    return {
        name
        for since, names in SINCE.items()
        if precedence(since) <= until
        for name in names.split()
    }


@dataclass(frozen=True)
class Features:
    """A features structure.

    ``document`` is what was printed, without members that are null, which say nothing, and with
    its lists sorted, whose order says nothing.
    """

    document: dict[str, Any]

    @classmethod
    def parse(cls, text: str) -> Features:
        """Read one JSON object; ValueError for anything else."""
        return cls(_plain(state.parse(text).document))

    def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON value
        """Return the property at ``linux.cgroup.v1``; None where nothing is said of it."""
        found: Any = self.document
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def said(self, path: str) -> Any:  # noqa: ANN401 - any JSON value
        """Return the property at ``path``; NotClaimed where nothing is said of it."""
        found = self.get(path)
        if found is None:
            raise NotClaimed(f"its features say nothing of {path}")
        return found

    def claimed(self, path: str, name: str = "") -> None:
        """Go on only if ``path`` is true, or lists ``name``; NotClaimed otherwise."""
        found = self.said(path)
        if (name not in found) if name else (found is not True):
            raise NotClaimed(f"its features do not claim {path} {name}".rstrip())

    def denied(self, path: str) -> None:
        """Go on only if ``path`` is false; NotClaimed otherwise."""
        if self.said(path) is not False:
            raise NotClaimed(f"its features do not deny {path}")

    def others(self, path: str, known: object) -> list[str]:
        """Return what ``path`` lists beyond what is ``known``; NotClaimed if that is nothing."""
        found = [name for name in self.said(path) if name not in known]  # type: ignore[operator]
        if not found:
            raise NotClaimed(f"its features list nothing else under {path}")
        return found

    @property
    def properties(self) -> set[str]:
        """Paths of all properties; the names of annotations are none."""
        return set(_paths(self.document))


def _paths(document: dict[str, Any], above: str = "") -> list[str]:
    found = []
    for name, value in document.items():
        path = f"{above}{name}"
        found.append(path)
        if isinstance(value, dict) and path != "annotations":
            found += _paths(value, f"{path}.")
    return found


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if one is not None}
    return sorted(value, key=str) if isinstance(value, list) else value


def ask(runtime: Runtime) -> Features | None:
    """Call the runtime for its features; None if it offers none.

    That is an error, or nothing on the standard output. MalformedOutput if it prints anything but
    one JSON object.
    """
    try:
        text = runtime.print("features", runtime.adapter.features())
    except OperationError:
        return None
    if not text.strip():
        return None
    try:
        return Features.parse(text)
    except (ValueError, RecursionError) as error:
        message = f"features printed no JSON object: {error}: {cut(text, 200)!r}"
        raise MalformedOutput(message, runtime.journal.operations[-1]) from error


@dataclass
class Asked:
    """What one call of features came to, for all cases of a module."""

    found: Features | RuntimeFault | None
    evidence: Journal
    lent: bool = False
    """Whether the evidence is an earlier case's as well."""


@pytest.fixture(scope="module")
def asked_for_features() -> Asked:
    """Call the runtime for its features, once for all cases of the module."""
    runtime = current.session().lasting.runtime
    evidence = runtime.journal = Journal()
    try:
        return Asked(ask(runtime), evidence)
    except RuntimeFault as fault:
        return Asked(fault, evidence)


@pytest.fixture
def offered(asked_for_features: Asked) -> Features | None:
    """The features that the runtime has printed, None if it offers none."""
    journal = current.session().workspace.runtime.journal
    evidence = asked_for_features.evidence
    if asked_for_features.lent:
        journal.lent += len(evidence.operations)
        journal.borrowed += evidence.runtime_seconds
    asked_for_features.lent = True
    journal.operations.extend(evidence.operations)
    journal.timeline.extend(evidence.timeline)
    journal.replay.take(evidence.replay)
    if isinstance(asked_for_features.found, RuntimeFault):
        raise asked_for_features.found.with_traceback(None)
    return asked_for_features.found


@pytest.fixture
def features(offered: Features | None) -> Features:
    """The features that the runtime has printed; NotClaimed if it offers none."""
    if offered is None:
        raise NotClaimed("it prints no features")
    return offered


@pytest.fixture
def features_of(runtime: Runtime, caller: Callable[..., None]) -> Callable[..., Features]:
    """Ask again, as a caller with these members of ``Caller``; NotClaimed if nothing is printed."""

    def again(**members: Any) -> Features:  # noqa: ANN401 - as Caller has them
        caller(**members)
        found = ask(runtime)
        if found is None:
            raise NotClaimed("it prints no features to such a caller")
        return found

    return again
