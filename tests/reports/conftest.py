"""Runs to report on, built in the test that needs them."""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from harness.results import (
    Case,
    End,
    Finding,
    Header,
    Host,
    Moment,
    Operation,
    Run,
    Runtime,
    Verdict,
    Writer,
)

if TYPE_CHECKING:
    from pathlib import Path

RUNTIME = Runtime(
    path="/usr/sbin/runc",
    name="runc",
    version="1.1.5",
    spec_version="1.0.2",
    spec_version_from="--version",
    oci_version="1.0.2",
    sha256="9f" * 32,
    version_output="runc version 1.1.5\nspec: 1.0.2-dev\n",
)
HOST = Host(
    "5.10.0", "x86_64", "hybrid", ["capability", "yama"], "000001ffffffffff", 0, 8, "3.11.7"
)


class Runs:
    """Makes cases and runs; whatever a test does not say is ordinary."""

    def case(self, name: str, verdict: str = "pass", **members: Any) -> Case:
        """Make a case called ``name`` of runtime.md#kill."""
        values: dict[str, Any] = {
            "case": f"runtime/test_kill.py::test_{name}",
            "clauses": [f"runtime.kill.{name}"],
            "verdict": Verdict(verdict),
            "level": "must",
            "section": "runtime.md#kill",
            "since": "1.0.0",
            "summary": f"Kill does {name}.",
        }
        return Case(**values | members)

    def evidence(self) -> dict[str, Any]:
        """Make the members of a case that has everything."""
        argv = ["/usr/sbin/runc", "kill", "c 1", "TERM"]
        return {
            "reason": "assert 'KILL' == 'TERM'",
            "seconds": 0.5,
            "runtime_seconds": 0.25,
            "operations": [
                Operation("kill", argv, 0.125, 0.012, 1, None, "printed", "said", "OperationError"),
                Operation(
                    "delete", ["runc", "delete"], 0.2, 0.03, None, 11, fault="RuntimeCrashed"
                ),
            ],
            "timeline": [Moment(0.1, "status", "running")],
            "recorded": {"choice": {"status": 3}},
            "findings": [Finding("runtime.delete.cgroups", "cgroup c-1 is still there")],
            "blocked_by": "create",
            "config": '{"ociVersion":"1.0.2"}',
            "details": "E   AssertionError",
            "worker": "gw0",
            "lane": "v1-root",
        }

    def header(self, **members: Any) -> Header:
        """Make the header of a whole run of the profiles core and linux."""
        values: dict[str, Any] = {
            "format": "1.0",
            "suite_version": "0.1.0",
            "started": "2026-11-22T15:20:00Z",
            "runtime": RUNTIME,
            "host": HOST,
            "profiles": ["core", "linux"],
            "options": {"deadline": 5},
            "partial": False,
            "expectations": "runc.toml",
        }
        return Header(**values | members)

    def end(self, *cases: Case, **members: Any) -> End:
        """Make the end mark of a run of ``cases``."""
        values: dict[str, Any] = {
            "collected": len(cases),
            "recorded": len(cases),
            "counts": dict(Counter(case.verdict.value for case in cases)),
            "exit_status": 0,
            "interrupted": False,
            "seconds": 2.0,
            "runtime_seconds": 1.0,
            "overhead_seconds": 0.5,
            "leaks": [],
        }
        return End(**values | members)

    def run(self, *cases: Case, header: Header | None = None, **end: Any) -> Run:
        """Make a run that came to its end."""
        return Run(header or self.header(), list(cases), self.end(*cases, **end))

    def cut_off(self, *cases: Case) -> Run:
        """Make a run without an end mark."""
        return Run(self.header(), list(cases), None)

    def unpacked(self, page: str) -> dict[str, Any]:
        """Give the evidence that a page carries, by the number of the case."""
        coded = page.split('id="evidence">')[1].partition("<")[0]
        found: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(coded)))
        return found

    def save(self, run: Run, path: Path) -> Path:
        """Write ``run`` as the harness does."""
        with path.open("w", encoding="utf-8") as stream:
            writer = Writer(stream)
            writer.write(run.header)
            for case in run.cases:
                writer.write(case)
            if run.end:
                writer.write(run.end)
        return path


@pytest.fixture
def runs() -> Runs:
    """Give the maker of runs."""
    return Runs()
