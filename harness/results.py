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
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, TypeVar, cast

from harness.faults import ResultsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT = "1.1"
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
    """In a merged run the lane that gave the verdict; else the header says it for all cases."""
    lanes: dict[str, str] = field(default_factory=dict)
    """In a run merged of several lanes: the verdict on each lane that has the case."""
    replay: dict[str, Any] | None = None
    """What repro.sh is made of (harness/replay.py); only where the case did not pass."""


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
    rootless: bool = False
    """Made by an ordinary user, whose ``uid`` it is, as root of a user namespace."""


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
    lane: str = ""
    """The kind of host, as ``--lane`` names it; empty for the host as it was."""


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

    def write(self, line: Header | Case | End, text: str = "") -> None:
        """Append one line and flush it; ``text`` is its JSON object if that was made already."""
        kind = next(kind for kind, cls in _LINES.items() if cls is type(line))
        members = (text or dumps(vars(line))).removeprefix("{")
        self._stream.write(f'{{"type":"{kind}",{members}\n')
        self._stream.flush()


def dumps(document: Mapping[str, Any]) -> str:
    """One line of JSON that any reader takes: ASCII, so lone surrogates survive as escapes."""
    return json.dumps(
        document, ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=_members
    )


def _members(value: object) -> dict[str, Any]:
    # dataclasses.asdict copies every value, which takes longer than all of the encoding.
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return vars(value)
    raise TypeError(f"a {type(value).__name__} is no JSON value")


def read(path: Path) -> Run:
    """Read a results.jsonl, or the one in the directory ``path``.

    Raises ResultsError naming file and line for anything that is not a run of this format. What a
    killed run leaves is taken as it is: no end line, or a last line without its newline.
    """
    file = path / "results.jsonl" if path.is_dir() else path
    try:
        text = file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{file}: cannot be read ({error}); give a results.jsonl or its directory"
        raise ResultsError(message) from error
    return parse(text, str(file))


def parse(text: str, name: str) -> Run:
    """Make a Run of the text of a results.jsonl; ``name`` is for messages."""
    lines = text.split("\n")  # and at nothing else: str.splitlines also ends lines at U+2028
    if not _whole(lines[-1]):
        lines.pop()
    run: Run | None = None
    for number, line in enumerate(lines, 1):
        where = f"{name}:{number}"
        part = _part(line, where)
        if run is None and isinstance(part, Header):
            run = Run(part, [], None)
        elif run is None or run.end is not None or isinstance(part, Header):
            raise ResultsError(f"{where}: out of place: a run line, then cases, then an end line")
        elif isinstance(part, Case):
            run.cases.append(part)
        else:
            run = dataclasses.replace(run, end=part)
    if run is None:
        raise ResultsError(f"{name}: has no run line; it is not a results.jsonl of this suite")
    return run


def _whole(last: str) -> bool:
    # No part of an object is JSON: what is lacks only its newline, all else was cut off.
    try:
        json.loads(last)
    except (ValueError, RecursionError):
        return False
    return True


def _part(line: str, where: str) -> Header | Case | End:
    try:
        document = json.loads(line, parse_constant=_refuse)
        kind = document.pop("type")
        if kind == "run" and (problem := _unreadable(document["format"])):
            raise ResultsError(f"{where}: {problem}")
        return _build(_LINES[kind], document)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ResultsError(f"{where}: not a line of format {FORMAT} ({error!r})") from error


def _unreadable(version: object) -> str:
    if isinstance(version, str) and version.split(".")[0] == FORMAT.split(".", maxsplit=1)[0]:
        return ""
    said = version if isinstance(version, str) and version.isprintable() else repr(version)
    return f"format {said}, this version reads {FORMAT}"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)  # Python's json reads NaN and Infinity, which are not JSON


def case_from(text: str) -> Case:
    """Make a Case of its line without a type: how it crosses from a worker to the controller."""
    return _build(Case, json.loads(text))


T = TypeVar("T")
_LINES: dict[str, type[Header | Case | End]] = {"run": Header, "case": Case, "end": End}
_NESTED: dict[str, type] = {"runtime": Runtime, "host": Host}
_NESTED_LISTS: dict[str, type] = {"operations": Operation, "timeline": Moment, "findings": Finding}


def _build(cls: type[T], document: dict[str, Any]) -> T:
    """A dataclass from its JSON form; members of a newer minor format are dropped."""
    known = {f.name for f in dataclasses.fields(cast("Any", cls))}
    values: dict[str, Any] = {k: v for k, v in document.items() if k in known}
    for name, value in values.items():
        if nested := _NESTED.get(name):
            values[name] = _build(nested, value)
        elif nested := _NESTED_LISTS.get(name):
            if not isinstance(value, list):
                raise TypeError(f"{name} is no array")
            values[name] = [_build(nested, entry) for entry in value]
    if cls is Case:
        values["verdict"] = Verdict(values["verdict"])
    return cls(**values)
