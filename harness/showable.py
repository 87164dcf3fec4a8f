"""What of a case a shell cannot do again: told from its fixtures and from what its code names."""

from __future__ import annotations

import inspect
import json
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from harness.faults import MalformedOutput, NotShown, RuntimeFault

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from harness.replay import Replay

MADE = {
    "own_uts": "a uts namespace of the harness",
    "foreign_cgroup": "a cgroup of the harness",
    "foreign_network": "a network namespace of the harness",
    "host_node": "a device on the host",
    "foreign_device": "a block device of the harness",
    "reuse": "a process of the harness under a chosen number",
    "apparmor_profile": "a profile of AppArmor",
    "selinux_label": "a label of SELinux",
    "harness.agent": "a socket that somebody listens at",
    "harness.audit": "the log of the kernel's audit",
    "harness.disposable": "a namespace of the harness",
    "harness.foreign": "a namespace, cgroup or mount of the harness",
    "harness.loop": "a block device of the harness",
    "harness.network_controllers": "a cgroup hierarchy of the harness",
    "harness.terminal": "a socket for the terminal",
    "harness.tracer": "a tracer",
    "socket": "a socket that somebody listens at",
}
"""What a case builds on and a shell cannot make, by the fixture or module that makes it."""

SEEN = {
    "world": "processes, mounts and cgroups of the host before and after",
    "watch_world": "processes, mounts and cgroups of the host before and after",
    "survivors": "processes that do not end",
    "harness.cgroups": "cgroups of the host",
    "harness.labels": "labels of files",
    "harness.netlink": "network devices of the host",
    "harness.procfs": "processes of the host",
    "harness.resctrl": "the resctrl file system",
    "harness.schemas": "a JSON Schema",
    "signal": "",
    "termios": "a terminal",
}
"""What a case looks at and a shell does not, by the fixture or module that looks."""

TELLING = 6
"""Characters of a value that is not by chance in the text of an assertion."""

LOOKS = {"exists", "iterdir", "lstat", "read_bytes", "read_text", "readlink", "samefile", "stat"}
"""Methods of paths, which a case calls on files of the host."""


def limit(replay: Replay, item: pytest.Item, error: BaseException) -> None:
    """Note what of a case that ended in ``error`` a shell cannot make or see.

    Where it ended in a fault of an operation, or in a sign that did not come, or should have ended
    in one, what else it looks at was not the reason.
    """
    names = set(getattr(item, "fixturenames", ()))
    info = getattr(item, "_fixtureinfo", None)
    functions = [getattr(item, "function", None)]
    functions += [d.func for all_ in getattr(info, "name2fixturedefs", {}).values() for d in all_]
    own = [
        f for f in functions if isinstance(f, FunctionType) and "suites" in f.__code__.co_filename
    ]
    named = {name for function in own for name in _named(function)}
    for name in sorted((names | named) & MADE.keys()):
        replay.lacking(MADE[name])
    if "--console-socket" in str(replay.steps):
        replay.lacking("a socket for the terminal")
    said = str(error)
    if isinstance(error, MalformedOutput):
        replay.beyond_it("the syntax of what the runtime prints")
        return
    if isinstance(error, RuntimeFault | NotShown) or "demanded: an error" in said:
        replay.beyond.clear()
        return
    if any(value in said.partition("\n")[0] for value in _shown(replay)):
        replay.beyond.clear()
        return
    for name in sorted((names | named) & SEEN.keys()):
        if SEEN[name]:
            replay.beyond_it(SEEN[name])
    if named & LOOKS:
        replay.beyond_it("files of the host")


def _shown(replay: Replay) -> Iterator[str]:
    """Yield what was seen last, as an assertion that does not hold would write it."""
    ended = [number for number, step in enumerate(replay.steps) if step["do"] == "ended"]
    for step in replay.steps[max(0, len(replay.steps) - 3, *ended) :]:
        text = step.get("seen")
        if isinstance(text, str) and step["do"] in {"field", "settled", "cgroup"}:
            try:
                value = json.loads(text) if step["do"] == "field" else text
            except ValueError:
                continue
            if len(repr(value)) >= TELLING:
                yield repr(value)


def _named(function: FunctionType) -> Iterator[str]:
    """Yield the modules, and the attributes, that a function and those that it calls name."""
    seen: set[FunctionType] = set()
    waiting = [function]
    while waiting:
        one = inspect.unwrap(waiting.pop())
        if not isinstance(one, FunctionType) or one in seen:
            continue
        seen.add(one)
        for name in _names(one.__code__):
            yield name
            found = one.__globals__.get(name)
            if isinstance(found, ModuleType):
                yield found.__name__
            elif isinstance(found, FunctionType):
                yield found.__module__
                if found.__module__ == one.__module__:
                    waiting.append(found)
            elif isinstance(found, type):
                yield found.__module__


def _names(code: Any) -> Iterator[str]:  # noqa: ANN401 - a code object
    yield from code.co_names
    for constant in code.co_consts:
        if hasattr(constant, "co_names"):
            yield from _names(constant)
