"""Which runtime this is, and which release of the specification it declares.

Asked in this order: ``features`` (the release part of ociVersionMax), ``--version`` (what follows
``spec:``), the newest ociVersion that a create accepts. Never guessed upwards.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness import clauses, door, linux, procfs, results
from harness.caller import Caller
from harness.faults import (
    HarnessError,
    NotShown,
    OperationError,
    RuntimeFault,
    RuntimeHung,
    UsageError,
)
from harness.runtime import Runtime
from harness.runtimes import adapter

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_FILE = 256 << 20
"""Bytes that may be printed while nothing else bounds it: youki copies itself to a memfd first."""

VERSION = re.compile(r"^(\d+)\.(\d+)\.(\d+)")


def program(path: str) -> str:
    """Return the absolute path of the runtime; UsageError if it is no program."""
    found = shutil.which(path)
    if found is not None:
        return str(Path(found).absolute())
    given = Path(path)
    if not given.exists():
        raise UsageError(f"--runtime {path}: no such file; give the path of a runtime")
    if given.is_dir():
        raise UsageError(f"--runtime {path}: a directory; give the program in it")
    raise UsageError(f"--runtime {path}: not executable; chmod +x it or give another")


def identify(path: str, deadline: float, spec_version: str = "") -> results.Runtime:
    """Ask the runtime at ``path`` who it is. ``spec_version`` overrides what it declares.

    Raises UsageError where it cannot be executed at all. A runtime that answers nothing is judged
    by the oldest release.
    """
    with contained(deadline), tempfile.TemporaryDirectory(prefix="oci-conformance-") as scratch:
        runtime = Runtime(path, adapter(""), Path(scratch), Path(scratch), deadline)
        runtime.caller = Caller(largest_file=LARGEST_FILE)
        declared, source, said = "", "", ""
        try:
            said = runtime.print("version", runtime.adapter.version())
            if not spec_version:
                declared, source = _features(runtime), "features"
        except RuntimeHung:
            declared, source = "", "default"  # it would hang in every further question as well
        except RuntimeFault:
            declared = "" if spec_version else _features(runtime)
            source = "features"
    if not declared and (found := re.search(r"^spec:\s*(\S+)", said, re.MULTILINE)):
        declared, source = _release(found[1]), "--version"
    if not declared and not spec_version and source != "default":
        declared, source = _accepted(path, deadline), "create"
    name, version = _name(said, path)
    return results.Runtime(
        path=path,
        name=name,
        version=version,
        spec_version=spec_version or declared or clauses.RELEASES[0],
        spec_version_from="option" if spec_version else source if declared else "default",
        oci_version=_carried(spec_version, declared),
        sha256=_sha256(path),
        version_output=said[:1000],
    )


@contextmanager
def contained(seconds: float) -> Iterator[None]:
    """End what a runtime leaves running that is only asked who it is: there is no sandbox yet."""
    own = set(procfs.descendants())
    linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        while left := [pid for pid in procfs.descendants() if pid not in own]:
            for pid in left:
                procfs.end(pid, seconds)
                procfs.reap(pid)
                own.add(pid)
        linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 0)


def _features(runtime: Runtime) -> str:
    try:
        text = runtime.print("features", runtime.adapter.features())
        return _release(str(json.loads(text).get("ociVersionMax", "")))
    except RuntimeHung:
        raise
    except (RuntimeFault, ValueError, AttributeError, RecursionError):
        return ""


def _release(text: str) -> str:
    found = VERSION.match(text)
    return found[0] if found else ""


def _name(said: str, path: str) -> tuple[str, str]:
    """``runc version 1.1.5+ds1`` and ``youki version: 0.7.0`` are what runtimes say."""
    found = re.match(r"(\S+) version:? (\S+)", said)
    return (found[1], found[2]) if found else (Path(path).name, "unknown")


def _carried(spec_version: str, declared: str) -> str:
    """The ociVersion of bundles: one that the runtime accepts, so never above what it declares."""
    known = [v for v in (spec_version, declared) if v]
    return min(known, key=clauses.release) if known else clauses.RELEASES[0]


def _sha256(path: str) -> str:
    with open(path, "rb") as file:  # noqa: PTH123 - file_digest wants the raw file
        return hashlib.file_digest(file, "sha256").hexdigest()


def _accepted(path: str, deadline: float) -> str:
    """Try creates in a process with a sandbox of its own: the controller of xdist has none."""
    words = [sys.executable, "-m", "harness.identify", path, str(deadline)]
    try:
        return door.output(words, deadline=len(clauses.RELEASES) * deadline + 30).strip()
    except HarnessError:
        return ""


def newest_accepted(path: str, deadline: float) -> str:
    """Return the newest release with which a plain bundle can be created; empty if with none."""
    from harness.session import Session  # noqa: PLC0415 - session imports what is here

    session = Session.enter(path, deadline, oci_version=clauses.RELEASES[-1])
    try:
        for release in reversed(clauses.RELEASES):
            session.workspace.oci_version = release
            try:
                bundle = session.workspace.bundle("base", {})
                container = session.workspace.create(bundle, session.workspace.new_id())
                found = container.process  # a success without a process accepts nothing
            except OperationError:
                continue
            except (RuntimeFault, NotShown):
                return ""
            return release if found.alive else ""
        return ""
    finally:
        session.leave()


if __name__ == "__main__":
    sys.stdout.write(newest_accepted(sys.argv[1], float(sys.argv[2])) + "\n")
