"""``evidence/CASE/``: the bundle of a case that did not pass, and a script that shows it again.

repro.sh needs the runtime, a POSIX shell with its ordinary tools, and the probe beside it. It does
what the case did and compares what it sees with what the case saw (harness/replay.py has the
steps): the same outcomes and observations make the same verdict.
"""

from __future__ import annotations

import math
import os
import re
import shutil
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Any

from harness.faults import UsageError
from harness.results import Verdict
from reports.expected import expected_and_seen
from reports.script import WRITERS, Script, quoted
from reports.text import line, slug

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from harness.results import Case, Run

CASES = 5000
"""Of a run that get a folder; those that gate come first."""

_ORDER = {
    verdict: number
    for number, verdict in enumerate(
        (Verdict.FAIL, Verdict.UNSTABLE, Verdict.ERROR, Verdict.BLOCKED, Verdict.ADVICE)
    )
}

SECONDS = 5
"""That the script waits for an operation, or for a sign of the container; where an operation hung,
as long as the case had waited for it: it may have ended later."""

USAGE = """\
# ./repro.sh [RUNTIME]  operates the runtime (as root; by default the one that was judged) as the
# case did, and prints what is seen. Exit status: 0 the deviation is seen, 1 it is not, 2 a shell
# cannot tell, 4 usage.
"""


def folder(case: Case) -> dict[str, bytes]:
    """Return the files of ``evidence/CASE/`` by name; none for a case that left no replay."""
    if case.repro:  # a script of its own: a search has made more than one bundle
        return {"repro.sh": case.repro.encode(errors="backslashreplace")}
    replay = case.replay
    if not isinstance(replay, dict) or not replay.get("work") or not replay.get("steps"):
        return {}
    script = Script(str(replay["work"]), replay["steps"])
    for number, step in enumerate(script.steps):
        # A step of a newer format says nothing to this version.
        if write := WRITERS.get(str(step.get("do"))):
            write(script, step, number)
    text = "\n".join([*_head(case, replay, script), *script.lines, "", "finish", ""])
    return {"repro.sh": text.encode("utf-8", "surrogateescape"), **script.configs}


def folders(run: Run) -> dict[str, dict[str, bytes]]:
    """Return the evidence of the cases of a run, by the name of their folders, worst first."""
    order = sorted(run.cases, key=lambda case: _ORDER.get(case.verdict, len(_ORDER)))
    made = ((slug(case.case), folder(case)) for case in order if case.replay or case.repro)
    return dict(islice(((name, files_) for name, files_ in made if files_), CASES))


def write_all(run: Run, directory: Path, probe: Path | None) -> None:
    """Make ``evidence`` in ``directory``, all of it anew, with the probe; none where none is due.

    Without a probe the scripts have to be given one. UsageError if it cannot be written.
    """
    made = folders(run)
    old, new = directory / "evidence", directory / f".evidence.{os.getpid()}"
    try:
        if made:
            new.mkdir()
        if made and probe is not None:
            shutil.copyfile(probe, new / "probe")
            (new / "probe").chmod(0o755)
        for name, content in made.items():
            (new / name).mkdir()
            for file, text in content.items():
                (new / name / file).write_bytes(text)
            (new / name / "repro.sh").chmod(0o755)
        shutil.rmtree(old, ignore_errors=True)
        if made:
            new.rename(old)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)
        message = f"{line(str(old), 1000)}: cannot be written ({error.strerror})"
        raise UsageError(message) from error


def probe_beside(sources: Iterable[Path]) -> Path | None:
    """Return the probe in the evidence of one of these results, files or their directories."""
    places = (s if s.is_dir() else s.parent for s in sources)
    found = (place / "evidence" / "probe" for place in places)
    return next((file for file in found if file.is_file()), None)


def shown(case: Case) -> str:
    """Return what is particular to the script of a case, for a page."""
    script = folder(case).get("repro.sh", b"").decode(errors="replace")
    head, functions, _ = script.partition(_functions())
    return f"{head}...\n{script.partition(_BODY)[2]}" if functions else script


_BODY = "# What the case did\n"


def _head(case: Case, replay: dict[str, Any], script: Script) -> Iterator[str]:
    expected, seen = expected_and_seen(case) or ("", case.reason or case.verdict.value)
    argv = next((step["argv"] for step in script.steps if step["do"] == "call"), [""])
    texts = "\n".join(text.decode(errors="replace") for text in script.configs.values())
    cgroups = sorted(set(re.findall(r'"cgroupsPath": "/?([\w.-]*case-\d+-[0-9a-f]{6})', texts)))
    yield "#!/bin/sh"
    yield f"# {line(case.case, 200)}"
    yield f"# {line(case.summary, 300)}"
    yield USAGE
    yield "set -u"
    yield "LC_ALL=C; export LC_ALL"
    yield f"recorded_runtime={quoted(argv[0])}"
    yield f"recorded_top={quoted(script.work)}"
    yield f"deadline={_seconds(case)}"
    yield f"lacks={quoted(line('; '.join(replay.get('lacks', [])), 400))}"
    yield f"beyond={quoted(line('; '.join(replay.get('beyond', [])), 400))}"
    yield f"earlier={quoted(line('; '.join(replay.get('earlier', [])), 400))}"
    yield f"cgroups={quoted(' '.join(cgroups))}"
    yield ""
    yield _functions()
    yield f"printf '%s\\n' {quoted(line(case.case, 200))} {quoted(line(case.summary, 300))}"
    if expected and case.verdict is not Verdict.ERROR:
        yield f"printf 'expected: %s\\n' {quoted(line(expected))}"
    yield f"printf 'recorded: %s\\n\\n' {quoted(line(seen))}"
    yield ""
    yield _BODY


def _seconds(case: Case) -> int:
    hung = (done.seconds for done in case.operations if done.fault == "RuntimeHung")
    return math.ceil(max(hung, default=SECONDS))


@cache
def _functions() -> str:
    return files("reports").joinpath("static", "repro.sh").read_text(encoding="utf-8")
