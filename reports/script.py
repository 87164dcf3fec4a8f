"""Steps of a replay (harness/replay.py) written as commands of a POSIX shell."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

NEEDS_PID = frozenset({"exit", "cgroup", "wait"})


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
        return '"$top"'.join(quoted(part) for part in text.split(self.work)) if text else "''"

    def say(self, *words: object) -> None:
        """Add a command."""
        self.lines.append(" ".join(str(word) for word in words if word != ""))


def quoted(text: str) -> str:
    """``text`` as a word that a shell takes as it is; nothing for an empty one."""
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
        if kind == "tmpfs":
            mounts.append((to, text))
            script.say("mounted", to)
        elif kind in {"link", "name"}:
            script.say(kind, to, script.word(text))
        elif kind == "device":
            script.say("device", mode_, to, *map(quoted, text.split()))
        elif kind in _MAKERS:
            script.say(_MAKERS[kind], mode_, to)
        else:
            _file(script, to, mode_, text, config=below == "config.json")
        if uid or gid:
            script.say("chown -h", f"{int(uid)}:{int(gid)}", to)
    for to, flags in mounts:
        _remount(script, to, flags)


def _remount(script: Script, to: str, flags: str) -> None:
    named = set(flags.split(","))
    # A remount without any flag of access times leaves them as they are: relatime.
    named |= set() if named & {"relatime", "noatime"} else {"strictatime"}
    kept = ",".join(sorted(named - {"shared"}))
    script.say("mount -o", quoted(f"remount,bind,{kept}"), to)
    if "shared" in named:
        script.say("mount --make-shared", to)


_MAKERS = {"dir": "directory", "fifo": "fifo", "probe": "program"}


def _file(script: Script, to: str, mode: str, text: str, *, config: bool) -> None:
    if "\0" in text:
        octal = "".join(f"\\0{byte:03o}" for byte in text.encode("utf-8", "surrogateescape"))
        script.say("octal", mode, to, quoted(octal))
    elif config:
        script.say("config", _config(script, text), to)
    else:
        script.say("file", mode, to, script.word(text))


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
        words = " ".join(map(script.word, step["clean"][1:]))
        name = f"clean_{number}"
        script.say(f'{name}() {{ begin clean / "$top"/clean.out {words}; settle clean; }}')
        script.say(f'containers="$containers {name};"')
    words = " ".join(map(script.word, argv[1:]))
    output = script.word(step["stdout"])
    script.say("begin", step["call"], script.word(step["cwd"]), output, words)


def _ended(script: Script, step: dict[str, Any], number: int) -> None:
    call = next((s for s in script.steps if s["do"] == "call" and s["call"] == step["call"]), None)
    if call is None:
        return
    script.say("end", step["call"], quoted(call["name"]), quoted(step["seen"]))
    later = {s["do"] for s in script.steps[number:]}
    if call.get("state") and later & NEEDS_PID:
        script.say("find_pid", step["call"], *map(script.word, call["state"][1:]))


def _running(script: Script, step: dict[str, Any], _: int) -> None:
    script.say("running", step["call"], _yes(step["seen"]))


def _status(script: Script, step: dict[str, Any], _: int) -> None:
    script.say("status", step["call"], step["seen"])


def _wait(script: Script, step: dict[str, Any], _: int) -> None:
    texts = [script.word(text) for text in step["select"]]
    script.say("await", script.word(step["file"]), step["count"], _yes(step["seen"]), *texts)


def _exit(script: Script, step: dict[str, Any], number: int) -> None:
    made = [
        earlier["call"]
        for earlier in script.steps[:number]
        if earlier["do"] == "call" and earlier.get("state", [""])[-1] == step.get("id")
    ]
    script.say("exited", _yes(step["seen"]), *made[-1:])


def _settled(script: Script, step: dict[str, Any], _: int) -> None:
    words = map(script.word, step["argv"][1:])
    script.say("settled", quoted(step["status"]), script.word(step["seen"]), *words)


def _field(script: Script, step: dict[str, Any], _: int) -> None:
    seen = "''" if step["seen"] is None else script.word(step["seen"])
    quoted = "quoted" if step.get("quoted") else "''"
    selects = map(script.word, step["select"])
    key, nth = script.word(step["key"]), step.get("nth", 1)
    script.say("field", script.word(step["file"]), nth, quoted, key, seen, *selects)


def _column(script: Script, step: dict[str, Any], _: int) -> None:
    like = quoted(step["like"]) or "''"
    texts = [script.word(text) for text in (step["seen"], step.get("expected", ""))]
    words = [quoted(step["column"]), like, *texts]
    script.say("column", script.word(step["file"]), *words, *map(script.word, step["select"]))


def _mounts(script: Script, step: dict[str, Any], _: int) -> None:
    point = script.word(step["point"])
    script.say("mounts", script.word(step["file"]), point, script.word(step["seen"]))


def _text(script: Script, step: dict[str, Any], _: int) -> None:
    script.say("text", script.word(step["file"]), script.word(step["seen"]))


def _cgroup(script: Script, step: dict[str, Any], _: int) -> None:
    script.say("cgroup", quoted(step["name"]), script.word(step["seen"]))


def _gate(script: Script, step: dict[str, Any], _: int) -> None:
    # A shell has the descriptors 3 to 9 for itself.
    script.gates.append(step["at"])
    number = len(script.gates) + 2
    script.say("fifo 666", script.word(step["at"]))
    script.say(f'exec {number}<>{script.word(step["at"])}; doors="$doors; exec {number}>&-"')


def _open(script: Script, step: dict[str, Any], _: int) -> None:
    if step["at"] in script.gates:
        script.say(f"printf x >&{script.gates.index(step['at']) + 3}")


def _yes(seen: object) -> str:
    return "yes" if seen else "no"


WRITERS = {
    "files": _files,
    "call": _call,
    "ended": _ended,
    "running": _running,
    "status": _status,
    "wait": _wait,
    "exit": _exit,
    "settled": _settled,
    "field": _field,
    "column": _column,
    "mounts": _mounts,
    "text": _text,
    "cgroup": _cgroup,
    "gate": _gate,
    "open": _open,
}
