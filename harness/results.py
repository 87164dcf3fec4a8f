"""What a run found, as plain data, and results.jsonl, the file that carries it.

One JSON object a line: ``run`` first, one ``case`` for each case as it ends, ``end`` last. A file
without an ``end`` line was cut off, and every reader says so. The JSON Schema of the lines is
``reports/results.schema.json``. Nothing here knows pytest: reports read runs made elsewhere.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TextIO, TypeVar, cast

from harness.faults import ResultsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FORMAT = "1.0"
"""Version of the file format: the major number changes when a reader has to."""


class Verdict(StrEnum):
    """What a case came to; docs/verdicts.md has the table."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    BLOCKED = "blocked"
    ERROR = "error"
    UNSTABLE = "unstable"
    ADVICE = "advice"
    KNOWN = "known"
    RECORDED = "recorded"
    SKIP = "skip"
    NOT_APPLICABLE = "not-applicable"

    @property
    def gates(self) -> bool:
        """Whether a case of level must with this verdict turns the run red."""
        return self in _GATES

    @property
    def ran(self) -> bool:
        """Whether the case operated the runtime at all."""
        return self not in {Verdict.SKIP, Verdict.NOT_APPLICABLE}

    @property
    def severity(self) -> int:
        """Higher is worse: of several phases of a case the worst one counts."""
        return _SEVERITY.index(self)


_GATES = frozenset({Verdict.FAIL, Verdict.BLOCKED, Verdict.ERROR, Verdict.UNSTABLE})
_SEVERITY = (
    Verdict.PASS,
    Verdict.RECORDED,
    Verdict.NOT_APPLICABLE,
    Verdict.SKIP,
    Verdict.KNOWN,
    Verdict.ADVICE,
    Verdict.UNSTABLE,
    Verdict.FAIL,
    Verdict.BLOCKED,
    Verdict.ERROR,
)


@dataclass(frozen=True)
class Operation:
    """One call of the runtime through the harness's one door."""

    name: str
    """state, create, start, kill, delete, features, version, or cleanup (the harness's own)."""
    argv: list[str]
    at: float
    """Seconds from the start of the case."""
    seconds: float
    """Wall time from start to exit."""
    exit_status: int | None = None
    """None when it died by a signal or was ended at the deadline."""
    signal: int | None = None
    stdout: str = ""
    stderr: str = ""
    """Both cut to OUTPUT_LIMIT characters, with a note in the text where something is missing."""
    fault: str = ""
    """Class name of the RuntimeFault that the call ended in; empty when it succeeded."""


@dataclass(frozen=True)
class Moment:
    """One entry of a case's timeline: what was seen when."""

    at: float
    kind: str
    """operation, status, hook or program."""
    text: str


@dataclass(frozen=True)
class Finding:
    """Something the inventory saw beyond what the case itself asserts."""

    clause: str
    """The clause that speaks of it; empty where none does (then it is ours)."""
    text: str


@dataclass(frozen=True)
class Case:
    """The outcome of one case: one line of results.jsonl."""

    case: str
    """Id relative to suites/: ``runtime/test_kill.py::test_sends[TERM]``."""
    clauses: list[str]
    verdict: Verdict
    level: str
    """must, should or may: what the gate does with it."""
    section: str
    """Document and heading, ``runtime.md#kill``: the anchor of the first clause."""
    since: str
    summary: str
    """The first clause in one sentence, in the catalogue's words."""
    reason: str = ""
    """Why it is no pass: the assertion, the fault, the missing need, the expectation's reason."""
    seconds: float = 0.0
    runtime_seconds: float = 0.0
    """Of these, seconds inside the runtime's processes."""
    operations: list[Operation] = field(default_factory=list)
    timeline: list[Moment] = field(default_factory=list)
    recorded: dict[str, Any] = field(default_factory=dict)
    """What ``record(name, value)`` kept: the choice of a runtime where the text leaves one."""
    findings: list[Finding] = field(default_factory=list)
    blocked_by: str = ""
    """For blocked: the operation that failed, ``create``."""
    config: str | None = None
    """The bundle's config.json as it was written; only where the case did not pass."""
    details: str = ""
    """The traceback or assertion as pytest shows it, cut at a stated length."""
    worker: str = ""
    lane: str = ""


@dataclass(frozen=True)
class Runtime:
    """The program under test."""

    path: str
    name: str
    version: str
    spec_version: str
    """The release whose clauses apply."""
    spec_version_from: str
    """features, --version, create (newest that it accepted), option, or default."""
    oci_version: str
    """What the bundles carry."""
    sha256: str
    version_output: str = ""


@dataclass(frozen=True)
class Host:
    """The machine that the run was made on."""

    kernel: str
    machine: str
    cgroup: str
    """v1, v2, hybrid or none."""
    lsms: list[str]
    capabilities: str
    """The bounding set as 16 hexadecimal digits."""
    uid: int
    cpus: int
    python: str


@dataclass(frozen=True)
class Header:
    """The first line: what was run, where, with what."""

    format: str
    suite_version: str
    started: str
    """UTC, ISO 8601."""
    runtime: Runtime
    host: Host
    profiles: list[str]
    options: dict[str, Any]
    partial: bool
    """Made with -k, -m, --lf or paths: not the whole suite."""
    expectations: str
    """Name of the expectation file that was used; empty if none."""


@dataclass(frozen=True)
class End:
    """The last line: closes the run."""

    collected: int
    recorded: int
    counts: dict[str, int]
    exit_status: int
    interrupted: bool
    seconds: float
    runtime_seconds: float
    overhead_seconds: float
    """Seconds from the first case to the last that were not spent inside the runtime."""
    leaks: list[str]
    """What was left on the host and could not be cleared."""
    problems: list[str] = field(default_factory=list)
    """Why the gate is red beyond verdicts: an expectation that passed, a case without a result."""


@dataclass(frozen=True)
class Run:
    """One execution of the suite against one runtime."""

    header: Header
    cases: list[Case]
    end: End | None
    """None: the run was cut off."""

    @property
    def counts(self) -> Counter[Verdict]:
        """Number of cases by verdict."""
        return Counter(case.verdict for case in self.cases)


OUTPUT_LIMIT = 4096
"""Characters of stdout and of stderr kept of one operation."""


class Writer:
    """results.jsonl as it grows: a line is on disk before the next case starts."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: Header | Case | End) -> None:
        """Append one line and flush it."""
        kind = {Header: "run", Case: "case", End: "end"}[type(line)]
        document = {"type": kind, **dataclasses.asdict(line)}
        self._stream.write(dumps(document) + "\n")
        self._stream.flush()


def dumps(document: Mapping[str, Any]) -> str:
    """One line of JSON that any reader takes: ASCII, so lone surrogates survive as escapes."""
    return json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def read(path: Path) -> Run:
    """Read a results.jsonl, or the one in the directory ``path``.

    Raises ResultsError naming the line for anything that is not a run of this format; a last line
    that was cut off is what a killed run leaves and is taken as such.
    """
    file = path / "results.jsonl" if path.is_dir() else path
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"{file}: cannot be read ({error}); give a results.jsonl or its directory"
        raise ResultsError(message) from error
    return parse(lines, str(file))


def parse(lines: Iterable[str], name: str) -> Run:
    """Make a Run of the lines of a results.jsonl; ``name`` is for messages."""
    header: Header | None = None
    cases: list[Case] = []
    end: End | None = None
    numbered = [(n, line) for n, line in enumerate(lines, 1) if line.strip()]
    for number, line in numbered:
        try:
            document = json.loads(line)
            kind = document.pop("type")
            if kind == "run":
                header = _build(Header, document)
            elif kind == "case":
                cases.append(_build(Case, document))
            elif kind == "end":
                end = _build(End, document)
            else:
                end = _build(End, {"type": kind})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if number == numbered[-1][0] and header is not None:
                break  # a killed run ends in the middle of a line
            message = f"{name}:{number}: not a line of format {FORMAT} ({error!r})"
            raise ResultsError(message) from error
    if header is None:
        message = f"{name}: has no run line; it is not a results.jsonl of this suite"
        raise ResultsError(message)
    if header.format.split(".")[0] != FORMAT.split(".", maxsplit=1)[0]:
        message = f"{name}: format {header.format}, this version reads {FORMAT}"
        raise ResultsError(message)
    return Run(header, cases, end)


def case_from(text: str) -> Case:
    """Make a Case of its line without a type: how it crosses from a worker to the controller."""
    return _build(Case, json.loads(text))


T = TypeVar("T")
_NESTED: dict[tuple[str, str], type] = {
    ("Header", "runtime"): Runtime,
    ("Header", "host"): Host,
}
_NESTED_LISTS: dict[tuple[str, str], type] = {
    ("Case", "operations"): Operation,
    ("Case", "timeline"): Moment,
    ("Case", "findings"): Finding,
}


def _build(cls: type[T], document: dict[str, Any]) -> T:
    """A dataclass from its JSON form; members of a newer minor format are dropped."""
    known = {f.name for f in dataclasses.fields(cast("Any", cls))}
    values: dict[str, Any] = {k: v for k, v in document.items() if k in known}
    for name, value in values.items():
        if nested := _NESTED.get((cls.__name__, name)):
            values[name] = _build(nested, value)
        elif nested := _NESTED_LISTS.get((cls.__name__, name)):
            values[name] = [_build(nested, entry) for entry in value]
    if cls is Case:
        values["verdict"] = Verdict(values["verdict"])
    return cls(**values)
