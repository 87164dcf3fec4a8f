"""The specification's table of contents: in which order a report goes, and where it links to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from harness.results import Case, Run

DOCUMENTS = (
    "spec.md",
    "glossary.md",
    "bundle.md",
    "runtime.md",
    "config.md",
    "config-linux.md",
    "runtime-linux.md",
    "features.md",
    "features-linux.md",
)
"""The documents in the order of this report; others (engine cases) follow as they come."""

HEADINGS = {
    "glossary.md": (
        "bundle",
        "configuration",
        "container",
        "container-namespace",
        "features-structure",
        "json",
        "runtime",
        "runtime-caller",
        "runtime-namespace",
    ),
    "runtime.md": (
        "scope-of-a-container",
        "state",
        "lifecycle",
        "errors",
        "warnings",
        "operations",
        "query-state",
        "create",
        "start",
        "kill",
        "delete",
    ),
    "config.md": (
        "specification-version",
        "root",
        "mounts",
        "linux-mount-options",
        "posix-platform-mounts",
        "process",
        "posix-process",
        "linux-process",
        "user",
        "posix-platform-user",
        "hostname",
        "domainname",
        "platform-specific-configuration",
        "posix-platform-hooks",
        "prestart",
        "createruntime-hooks",
        "createcontainer-hooks",
        "startcontainer-hooks",
        "poststart",
        "poststop",
        "annotations",
        "extensibility",
        "valid-values",
    ),
    "config-linux.md": (
        "default-filesystems",
        "namespaces",
        "user-namespace-mappings",
        "offset-for-time-namespace",
        "devices",
        "default-devices",
        "network-devices",
        "namespace-lifecycle-and-container-termination",
        "control-groups",
        "cgroups-path",
        "cgroup-ownership",
        "allowed-device-list",
        "memory",
        "cpu",
        "block-io",
        "huge-page-limits",
        "network",
        "pids",
        "rdma",
        "unified",
        "intelrdt",
        "memory-policy",
        "sysctl",
        "seccomp",
        "the-container-process-state",
        "rootfs-mount-propagation",
        "masked-paths",
        "readonly-paths",
        "mount-label",
        "personality",
    ),
    "runtime-linux.md": (
        "file-descriptors",
        "dev-symbolic-links",
    ),
    "features.md": (
        "features-structure",
        "specification-version",
        "hooks",
        "mount-options",
        "platform-specific-features",
        "annotations",
        "unsafe-annotations-in-configjson",
    ),
    "features-linux.md": (
        "namespaces",
        "capabilities",
        "cgroup",
        "seccomp",
        "apparmor",
        "selinux",
        "memorypolicy",
        "intel-rdt",
        "mountextensions",
        "netdevices",
    ),
}
"""Headings of each document in its order; ones that are not here follow as their cases come."""

_RELEASE = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})(-rc\.?\d{1,3})?", re.ASCII)
_BLOB = "https://github.com/opencontainers/runtime-spec/blob"


@dataclass(frozen=True)
class Section:
    """One heading of a document with the cases that check it."""

    document: str
    heading: str
    cases: list[Case] = field(default_factory=list)

    @property
    def name(self) -> str:
        """``runtime.md#kill``."""
        return f"{self.document}#{self.heading}" if self.heading else self.document

    @property
    def title(self) -> str:
        """The heading as a phrase: ``Query state``."""
        words = self.heading.replace("-", " ")
        return words[:1].upper() + words[1:] if words else "General"


def sections(run: Run) -> list[Section]:
    """Sort the run's cases into sections, in the specification's order."""
    found: dict[str, Section] = {}
    for case in run.cases:
        document, _, heading = case.section.partition("#")
        section = found.setdefault(case.section, Section(document, heading))
        section.cases.append(case)
    documents = list(DOCUMENTS)
    documents += [s.document for s in found.values() if s.document not in DOCUMENTS]
    return sorted(found.values(), key=lambda s: (documents.index(s.document), _rank(s)))


def _rank(section: Section) -> int:
    headings = HEADINGS.get(section.document, ())
    return headings.index(section.heading) if section.heading in headings else len(headings)


def link(case: Case, spec_version: str) -> str:
    """Return the address of the case's clause at the tag that judged it; empty if it has none.

    The tag is the run's release, or the clause's first where that is newer (``--spec-version``).
    """
    document, _, anchor = case.section.partition("#")
    tags = [version for version in (spec_version, case.since) if _RELEASE.fullmatch(version)]
    tag = max(tags, key=_key, default="")
    if document not in DOCUMENTS or not tag:
        return ""
    fragment = f"#{quote(anchor, safe='', errors='replace')}" if anchor else ""
    return f"{_BLOB}/v{tag}/{document}{fragment}"


def _key(version: str) -> tuple[int, int, int, bool]:
    match = _RELEASE.fullmatch(version)
    if match is None:
        return (0, 0, 0, False)
    major, minor, patch = (int(number) for number in match.groups()[:3])
    return (major, minor, patch, match[4] is None)
