"""A folder such as a certification programme takes: results, environment, command, versions.

Everything in it is made from results.jsonl; SHA256SUMS lets who receives it check each file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shlex
from typing import TYPE_CHECKING

from harness.faults import ResultsError
from reports import html, junit, summary
from reports.fenced import cell, phrase
from reports.text import clip, line, plural, visible
from reports.verdict import judge, release

if TYPE_CHECKING:
    from harness.results import Run

CONTENTS = {
    "results.jsonl": "every case with its evidence, as the run wrote it",
    "environment.json": "runtime, host, suite version, options, and how the run ended",
    "command.txt": "the exact command; of a merged run one line for each run",
    "report.html": "the same to be read",
    "junit.xml": "the same for tools",
    "summary.txt": "counts by section and level, and the verdict",
    "SHA256SUMS": "checksums of the other files: sha256sum --check SHA256SUMS",
}


def files(run: Run, results: bytes, name: str) -> dict[str, bytes]:
    """Make the files of the folder, names to contents.

    ``results`` is the results.jsonl as it is on disk. ResultsError, naming ``name``, for a run that
    shows only a part: cut off, interrupted, of chosen cases, or with results missing.
    """
    if short := _short(run):
        raise ResultsError(f"{name}: {short}; a submission needs a whole run")
    texts = {
        "README.md": _readme(run),
        "environment.json": _environment(run),
        "command.txt": _commands(run),
        "report.html": html.render(run),
        "junit.xml": junit.render(run),
        "summary.txt": summary.render(run),
    }
    out = {"results.jsonl": results} | {n: text.encode() for n, text in texts.items()}
    sums = [f"{hashlib.sha256(content).hexdigest()}  {n}\n" for n, content in sorted(out.items())]
    return out | {"SHA256SUMS": "".join(sums).encode()}


def _short(run: Run) -> str:
    count = plural(len(run.cases), "case")
    if run.end is None:
        return f"was cut off after {count}"
    if run.end.interrupted:
        return f"was interrupted after {count}"
    if run.header.partial:
        return "is a partial run"
    missing = run.end.collected - len(run.cases)
    return f"{plural(missing, 'collected case')} without a result" if missing > 0 else ""


def _environment(run: Run) -> str:
    header = dataclasses.asdict(run.header)
    end = dataclasses.asdict(run.end) if run.end else None
    judgement = judge(run)
    document = {
        "suite": {"name": "OCI runtime conformance", "version": header.pop("suite_version")},
        "results_format": header.pop("format"),
        **header,
        "end": end,
        "verdict": {"outcome": judgement.outcome.value, "sentence": judgement.sentences},
    }
    try:
        return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
    except ValueError as error:  # 1e999 can be read and cannot be written
        raise ResultsError("submission: a number in the run is too large to be written") from error


def _commands(run: Run) -> str:
    merged = run.header.options.get("merged")
    several = merged if isinstance(merged, list) else [run.header.options]
    return "".join(_command(options) + "\n" for options in several)


def _command(options: object) -> str:
    """Write the command line for a shell; one line, whatever the arguments hold."""
    given = options.get("args") if isinstance(options, dict) else None
    words = [str(word) for word in given] if isinstance(given, list) else []
    return visible(shlex.join(["pytest", *words])).replace("\n", "␊").replace("\t", "␉")


def _readme(run: Run) -> str:
    header, runtime, host = run.header, run.header.runtime, run.header.host
    facts = {
        "runtime": f"{runtime.name} {runtime.version}",
        "sha256 of the runtime": runtime.sha256,
        "judged by": release(run),
        "suite": f"OCI runtime conformance {header.suite_version}",
        "started": header.started,
        "host": f"{host.kernel} {host.machine}, cgroups {host.cgroup}",
        "expectations": header.expectations or "none",
    }
    out = ["# OCI runtime conformance", "", phrase(judge(run).sentences), "", "| | |", "|---|---|"]
    out += [f"| {name} | {cell(line(value))} |" for name, value in facts.items()]
    out += ["", "Command:", "", *(f"    {clip(c, 2000)}" for c in _commands(run).splitlines()), ""]
    out += [
        "| file | |",
        "|---|---|",
        *(f"| `{name}` | {text} |" for name, text in CONTENTS.items()),
    ]
    return "\n".join([*out, ""])
