"""``evidence/CASE/``: the bundle of a case that did not pass, and a script that shows it again.

repro.sh needs the runtime, a POSIX shell with its ordinary tools, and the probe beside it. It does
what the case did and compares what it sees with what the case saw (harness/replay.py has the steps):
the same outcomes and observations make the same verdict.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Any

from harness.faults import UsageError
from harness.results import Verdict
from reports.expected import expected_and_seen
from reports.text import line, slug

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from harness.results import Case, Run

CASES = 400
"""Of a run that get a folder; those that gate come first."""

_ORDER = {
    verdict: number
    for number, verdict in enumerate(
        (Verdict.FAIL, Verdict.UNSTABLE, Verdict.ERROR, Verdict.BLOCKED, Verdict.ADVICE)
    )
}

SECONDS = 5
"""That the script waits for an operation, or for a sign of the container."""

NEEDS_PID = frozenset({"exit", "cgroup", "wait"})

USAGE = """\
# ./repro.sh [RUNTIME]  operates the runtime (as root; by default the one that was judged) as the
# case did, and prints what is seen. Exit status: 0 the deviation is seen, 1 it is not, 2 a shell
# cannot tell, 4 usage.
"""


@dataclass
class Script:
    """The script of one case while it is written."""

    work: str
    steps: list[dict[str, Any]]
    lines: list[str] = field(default_factory=list)
    configs: dict[str, bytes] = field(default_factory=dict)
    """config.json of the bundles by the name of the file beside the script."""
    gates: list[str] = field(default_factory=list)

    def word(self, text: str) -> str:
        """``text`` as one word of a shell, with the directory of the script in its place."""
        return '"$top"'.join(_quoted(part) for part in text.split(self.work)) if text else "''"

    def say(self, *words: object) -> None:
        """Add a command."""
        self.lines.append(" ".join(str(word) for word in words if word != ""))


def folder(case: Case) -> dict[str, bytes]:
    """Return the files of ``evidence/CASE/`` by name; none for a case that left no replay."""
    replay = case.replay
    if not isinstance(replay, dict) or not replay.get("work") or not replay.get("steps"):
        return {}
    script = Script(str(replay["work"]), replay["steps"])
    for number, step in enumerate(script.steps):
        # A step of a newer format says nothing to this version.
        if write := _WRITERS.get(str(step.get("do"))):
            write(script, step, number)
    text = "\n".join([*_head(case, replay, script), *script.lines, "", "finish", ""])
    return {"repro.sh": text.encode("utf-8", "surrogateescape"), **script.configs}


def folders(run: Run) -> dict[str, dict[str, bytes]]:
    """Return the evidence of the cases of a run, by the name of their folders, worst first."""
    order = sorted(run.cases, key=lambda case: _ORDER.get(case.verdict, len(_ORDER)))
    made = ((slug(case.case), folder(case)) for case in order if case.replay)
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
    head, _, _ = script.partition(_functions())
    return f"{head}...\n{script.partition(_BODY)[2]}" if script else ""


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
    yield f"recorded_runtime={_quoted(argv[0])}"
    yield f"recorded_top={_quoted(script.work)}"
    yield f"deadline={SECONDS}"
    yield f"lacks={_quoted(line('; '.join(replay.get('lacks', [])), 400))}"
    yield f"beyond={_quoted(line('; '.join(replay.get('beyond', [])), 400))}"
    yield f"cgroups={_quoted(' '.join(cgroups))}"
    yield ""
    yield _functions()
    yield f"printf '%s\\n' {_quoted(line(case.case, 200))} {_quoted(line(case.summary, 300))}"
    if expected and case.verdict is not Verdict.ERROR:
        yield f"printf 'expected: %s\\n' {_quoted(line(expected))}"
    yield f"printf 'recorded: %s\\n\\n' {_quoted(line(seen))}"
    yield ""
    yield _BODY


@cache
def _functions() -> str:
    return files("reports").joinpath("static", "repro.sh").read_text(encoding="utf-8")


def _quoted(text: str) -> str:
    if not text:
        return ""
    if re.fullmatch(r"[\w@%+=:,./-]+", text, re.ASCII):
        return text
    return "'" + text.replace("\0", "").replace("'", "'\"'\"'") + "'"


def _files(script: Script, step: dict[str, Any], _: int) -> None:
    mounts: list[tuple[str, str]] = []
    for below, kind, mode, uid, gid, text in step["entries"]:
        path = f"{step['at']}/{below}" if below else step["at"]
        to, mode_ = script.word(path), f"{mode:o}"
        if kind == "dir":
            script.say("directory", mode_, to)
        elif kind == "link":
            script.say("link", to, script.word(text))
        elif kind == "tmpfs":
            mounts.append((to, text))
            script.say("mounted", to)
        elif kind == "device":
            script.say("device", mode_, to, *map(_quoted, text.split()))
        elif kind in {"fifo", "probe"}:
            script.say("fifo" if kind == "fifo" else "program", mode_, to)
        elif below == "config.json" and "\0" not in text:
            script.say("config", _config(script, text), to)
        elif "\0" in text:
            octal = "".join(f"\\0{byte:03o}" for byte in text.encode("utf-8", "surrogateescape"))
            script.say("octal", mode_, to, _quoted(octal))
        else:
            script.say("file", mode_, to, script.word(text))
        if uid or gid:
            script.say("chown -h", f"{int(uid)}:{int(gid)}", to)
    for to, flags in mounts:
        named = set(flags.split(","))
        # A remount without any flag of access times leaves them as they are: relatime.
        named |= set() if named & {"relatime", "noatime"} else {"strictatime"}
        kept = ",".join(sorted(named - {"shared"}))
        script.say("mount -o", _quoted(f"remount,bind,{kept}"), to)
        if "shared" in named:
            script.say("mount --make-shared", to)


def _config(script: Script, text: str) -> str:
    content = text.encode("utf-8", "surrogateescape")
    for name, known in script.configs.items():
        if known == content:
            return name
    count = len(script.configs)
    name = f"config-{count + 1}.json" if count else "config.json"
    script.configs[name] = content
    return name


def _call(script: Script, step: dict[str, Any], number: int) -> None:
    argv = step["argv"]
    if "--root" in argv:
        script.say("mkdir -p -m 711", script.word(argv[argv.index("--root") + 1]))
    if step.get("clean"):
        clean = " ".join(map(script.word, step["clean"][1:]))
        script.say(f"containers=\"$containers\n$(cat <<'END'\nbegin clean / \"$top\"/clean.out {clean}; settle clean\nEND\n)\"")
    words = " ".join(map(script.word, argv[1:]))
    output = script.word(step["stdout"])
    script.say("begin", step["call"], script.word(step["cwd"]), output, words)
    del number


def _ended(script: Script, step: dict[str, Any], number: int) -> None:
    call = next((s for s in script.steps if s["do"] == "call" and s["call"] == step["call"]), None)
    if call is None:
        return
    script.say("end", step["call"], _quoted(call["name"]), _quoted(step["seen"]))
    later = {s["do"] for s in script.steps[number:]}
    if call.get("state") and later & NEEDS_PID:
        script.say("find_pid", *map(script.word, call["state"][1:]))


def _wait(script: Script, step: dict[str, Any], _: int) -> None:
    texts = [script.word(text) for text in step["select"]]
    script.say("await", script.word(step["file"]), step["count"], _yes(step["seen"]), *texts)


def _exit(script: Script, step: dict[str, Any], _: int) -> None:
    script.say("exited", _yes(step["seen"]))


def _settled(script: Script, step: dict[str, Any], _: int) -> None:
    words = map(script.word, step["argv"][1:])
    script.say("settled", _quoted(step["status"]), script.word(step["seen"]), *words)


def _field(script: Script, step: dict[str, Any], _: int) -> None:
    seen = "''" if step["seen"] is None else script.word(step["seen"])
    quoted = "quoted" if step.get("quoted") else "''"
    selects = map(script.word, step["select"])
    key, nth = script.word(step["key"]), step.get("nth", 1)
    script.say("field", script.word(step["file"]), nth, quoted, key, seen, *selects)


def _column(script: Script, step: dict[str, Any], _: int) -> None:
    like = _quoted(step["like"]) or "''"
    words = [_quoted(step["column"]), like, script.word(step["seen"])]
    script.say("column", script.word(step["file"]), *words, *map(script.word, step["select"]))


def _mounts(script: Script, step: dict[str, Any], _: int) -> None:
    point = script.word(step["point"])
    script.say("mounts", script.word(step["file"]), point, script.word(step["seen"]))


def _cgroup(script: Script, step: dict[str, Any], _: int) -> None:
    script.say("cgroup", _quoted(step["name"]), script.word(step["seen"]))


def _gate(script: Script, step: dict[str, Any], _: int) -> None:
    # A shell has the descriptors 3 to 9 for itself.
    script.gates.append(step["at"])
    number = len(script.gates) + 2
    script.say("fifo 666", script.word(step["at"]))
    script.say(f"exec {number}<>{script.word(step['at'])}; doors=\"$doors; exec {number}>&-\"")


def _open(script: Script, step: dict[str, Any], _: int) -> None:
    if step["at"] in script.gates:
        script.say(f"printf x >&{script.gates.index(step['at']) + 3}")


def _yes(seen: object) -> str:
    return "yes" if seen else "no"


_WRITERS = {
    "files": _files,
    "call": _call,
    "ended": _ended,
    "wait": _wait,
    "exit": _exit,
    "settled": _settled,
    "field": _field,
    "column": _column,
    "mounts": _mounts,
    "cgroup": _cgroup,
    "gate": _gate,
    "open": _open,
}
