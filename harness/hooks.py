"""Hooks of a case: described by the case, put into config.json, and what they showed.

Every hook is the probe. It appends its lines to one log in the root file system, which is the same
file before pivot_root(2), by the host's path, and after it, as ``/log``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from harness import state
from harness.looks import Seen, peek
from harness.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from harness.probe import Line

KINDS = (
    "prestart",
    "createRuntime",
    "createContainer",
    "startContainer",
    "poststart",
    "poststop",
)
"""All kinds, in the order in which the lifecycle comes to them."""

IN_CREATE = ("prestart", "createRuntime", "createContainer")
"""Kinds that the create operation runs."""

OPERATIONS: Mapping[str, str] = {
    "prestart": "create",
    "createRuntime": "create",
    "createContainer": "create",
    "startContainer": "start",
    "poststart": "start",
    "poststop": "delete",
}
"""The operation that runs each kind."""


@dataclass(frozen=True)
class Hook:
    """One entry of a kind's list, as a case describes it.

    ``words`` go to the probe after it has shown its state and facts; ``{root}`` in them stands for
    the root file system as the hook sees it, ``{host}`` for it as the host sees it. ``members``
    are put over the entry as it is written, their texts filled in likewise: ``{"timeout": 1}``;
    None removes one.
    """

    label: str = "1"
    exit: int = 0
    words: Sequence[str] = ()
    members: Mapping[str, Any] = field(default_factory=dict)
    reads_stdin: bool = True
    env: Sequence[str] = ("HOOK=1",)
    script_in: Literal["args", "env"] = "args"
    """What carries the probe's script; the other one is then free to be what a case is about."""


@dataclass(frozen=True)
class HookRun:
    """What one hook showed while it ran."""

    label: str
    """Kind and label: ``createRuntime 1``."""
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """All that it read from its standard input."""
        return next(
            (str(peek(line.data, "text")) for line in self.lines if line.event == "stdin"), ""
        )

    @property
    def state(self) -> state.State:
        """The state on its standard input; without members if that is no JSON object."""
        for line in self.lines:
            if line.event == "stdin":
                try:
                    document = state.parse(str(peek(line.data, "text"))).document
                except (ValueError, RecursionError):
                    break
                inside = line.data.inside(document) if isinstance(line.data, Seen) else document
                return state.State(inside)
        return state.State({})

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the probe found: ids, argv, env, cwd, ns, root, mountinfo; NotShown of others."""
        facts: Mapping[str, Any] = {}
        for line in self.lines:
            if line.event == "facts" and isinstance(peek(line.data, "facts"), dict) and not facts:
                facts = line.data["facts"]  # type: ignore[assignment]
        operation = OPERATIONS[self.label.partition(" ")[0]]
        return Shown(facts, f"the facts of the hook {self.label}", operation)

    @property
    def ended(self) -> bool:
        """Whether it came to its end, so it was neither aborted nor is it still running."""
        return any(line.event == "end" for line in self.lines)

    def tried(self, path: str) -> Mapping[str, Any]:
        """The outcome of the try on ``path``; empty if there was none."""
        found = (line.data for line in self.lines if peek(line.data, "path") == path)
        return next(found, {})


FACTS = "facts=ids,argv,env,cwd,ns,root,uts,cgroup,mountinfo"


def entry(kind: str, hook: Hook, nonce: str, probe: Path, rootfs: Path) -> dict[str, Any]:
    """Write the entry for config.json. ``probe`` and ``rootfs`` are paths of the host."""
    inside = kind == "startContainer"
    places = {"{root}": "" if inside else str(rootfs), "{host}": str(rootfs)}
    script = [
        f"nonce={nonce}",
        f"as={kind} {hook.label}",
        "to={root}/log",
        "say=begin",
        *(["stdin"] if hook.reads_stdin else []),
        FACTS,
        *hook.words,
        "say=end",
        f"exit={hook.exit}",
    ]
    in_args = hook.script_in == "args"
    carried = [] if in_args else ["CONFORMANCE_PROBE=" + "\n".join(script)]
    document: dict[str, Any] = {
        "path": "/probe" if inside else str(probe),
        "args": ["hook", *(script if in_args else [])],
        "env": [*hook.env, *carried],
        **hook.members,
    }
    return {name: _filled(value, places) for name, value in document.items() if value is not None}


def _filled(value: Any, places: Mapping[str, str]) -> Any:  # noqa: ANN401 - a value of JSON
    if isinstance(value, list):
        return [_filled(item, places) for item in value]
    if isinstance(value, str):
        for name, place in places.items():
            value = value.replace(name, place)
    return value


def runs(lines: Iterable[Line]) -> list[HookRun]:
    """Group a log's lines by hook, in order of each one's first line."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        if line.as_.partition(" ")[0] in KINDS:
            found.setdefault(line.as_, []).append(line)
    return [HookRun(label, tuple(of)) for label, of in found.items()]


def kebab(kind: str) -> str:
    """``createRuntime`` as clause ids spell it: ``create-runtime``."""
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in kind)
