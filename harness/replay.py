"""What a case did and looked at, in order, kept so that a shell can do it again (repro.sh).

The verdict of a case is a function of what it has looked at: where a second run comes to the same
outcomes and the same observations, it comes to the same verdict. So a replay is the list of
both, and says apart what a shell cannot make (``lacks``) or cannot look at (``beyond``), and what
earlier cases had done with a container that they share (``earlier``).

``steps`` are objects of JSON; ``do`` says what they are, paths are as the case had them:

- files: ``at``, ``entries`` of [path below, kind, mode, uid, gid, text]; kinds are dir,
  tmpfs (text: its flags), link, fifo, device (text: type, major, minor), probe, file, name
  (of the file at the path text); a bundle's config.json is among them
- call: ``call`` (its number), ``name``, ``argv``, ``cwd``, ``stdout``; of create ``state``
  and ``clean``, the command lines that ask for the state and that remove the container
- ended: ``call``, ``seen`` (exit 0, error, signal N, hung)
- running: ``call``, ``seen``: whether it has not ended yet
- status: ``call``, ``seen``: its exit status
- wait: ``file``, ``select``, ``count``, ``seen``: whether so many lines with these texts came
- exit: ``id`` of the container, ``seen``: whether its process ended in time
- settled: ``argv`` of state, ``status`` that was waited for, ``seen``, the last one
- mounts: ``file``, ``point`` (empty: all but the root), ``seen``: of the facts, a line each
- field: ``file``, ``select``, ``nth`` line with these texts, ``key``, ``seen`` (JSON as the probe
  writes it; null if absent)
- column: ``file``, ``select``, ``column``, ``like``, ``seen`` (the values, one a line),
  ``expected`` if they were compared with others
- text: ``file``, ``seen``: all that it says
- cgroup: ``name`` of a control file of the container's cgroups, ``seen``
- gate, open: ``at``, a fifo

A ``file`` is a path: of a log, or of the standard output of a call (``stdout``).
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from harness import mountinfo
from harness.looks import ABSENT, Column, lasting, literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FILE_LIMIT = 32768
"""Bytes of one file, and characters of one value, that are kept."""
STEPS_LIMIT = 400

CHANGING = frozenset({"cgroup", "dev", "ino", "root", "sender", "time"})
"""Members of facts and lines that tell of the host, of the moment, or of a number that the kernel
gave: of a process, of an inode."""

Step = dict[str, Any]


@dataclass
class Replay:
    """The replay of a case that runs. ``work`` is the directory below which all of it happens."""

    work: str = ""
    steps: list[Step] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)
    earlier: list[str] = field(default_factory=list)
    _kept: dict[str, tuple[int, int]] = field(default_factory=dict)
    _inodes: dict[int, str] = field(default_factory=dict)
    """First paths of files that have more than one name."""
    _taken: set[int] = field(default_factory=set)
    _calls: int = 0

    def note(self, do: str, **members: object) -> None:
        """Add a step; after the last one that there is room for nothing but the fact."""
        if len(self.steps) < STEPS_LIMIT:
            self.steps.append({"do": do, **members})
        else:
            self.beyond_it("more steps than are kept")

    def beyond_it(self, what: str) -> None:
        """Note that the case has looked at something that a shell does not see."""
        if what not in self.beyond:
            self.beyond.append(what)

    def lacking(self, what: str) -> None:
        """Note that the case builds on something that a shell cannot make."""
        if what not in self.lacks:
            self.lacks.append(what)

    def take(self, other: Replay) -> None:
        """Put what was done for several cases before what this one does."""
        if id(other) in self._taken:
            return
        self._taken.add(id(other))
        # Numbers of calls are names only: those of the other begin where nobody else's do.
        shift = self._calls
        moved = ({"call": s["call"] + shift} if "call" in s else {} for s in other.steps)
        self.steps += [step | call for step, call in zip(other.steps, moved, strict=True)]
        self._kept |= other._kept
        self._calls += other._calls
        self.work = other.work or self.work
        for what in other.lacks:
            self.lacking(what)
        for what in other.beyond:
            self.beyond_it(what)

    # What is done

    def call(  # noqa: PLR0913 - what an operation has
        self,
        name: str,
        argv: list[str],
        *,
        root: Path,
        stdout: Path,
        cwd: Path | None,
        further: dict[str, list[str]],
    ) -> int:
        """Note that an operation begins, after the files that it is given; return its number.

        ``further``: of create, the command lines that ask for the state and that clean up.
        """
        self.work = str(root.parents[1])
        base = cwd or Path("/")
        if cwd is not None:
            self.keep(cwd)
        for word in argv[1:]:
            path = base / word
            if str(path).startswith(f"{self.work}/") and path != root and os.path.lexists(path):
                self.keep(path)
        self._changed()
        number = self._calls
        self._calls += 1
        where = "" if cwd is None else str(cwd)
        self.note(
            "call", call=number, name=name, argv=argv, cwd=where, stdout=str(stdout), **further
        )
        return number

    def keep(self, path: Path) -> None:
        """Note the files at ``path``, once, and those that a config.json among them names."""
        if str(path) in self._kept:
            return
        self._kept[str(path)] = (0, 0)
        entries = []
        for each in _walk(path):
            entry = self._entry(each, path)
            if entry is not None:
                entries.append(entry)
        self.note("files", at=str(path), entries=entries)
        config = path / "config.json"
        if config.is_file():
            self._kept[str(config)] = _signature(config)
            self._named(config, path)

    def _named(self, config: Path, bundle: Path) -> None:
        text = config.read_bytes().decode(errors="replace")
        for found in sorted(set(re.findall(rf"{re.escape(self.work)}/[\w./-]+", text))):
            named = Path(found)
            if bundle not in named.parents and named != bundle and os.path.lexists(named):
                self.keep(named)

    def _changed(self) -> None:
        """Note a config.json that the case has changed since it was noted."""
        for name, seen in list(self._kept.items()):
            path = Path(name)
            if seen != (0, 0) and path.is_file() and _signature(path) != seen:
                self._kept[name] = _signature(path)
                entry = self._entry(path, path.parent)
                self.note("files", at=str(path.parent), entries=[entry] if entry else [])

    def _entry(self, path: Path, base: Path) -> list[Any] | None:
        found = path.lstat()
        text = ""
        if stat.S_ISDIR(found.st_mode):
            kind, text = _directory(path)
            if kind != "tmpfs" and path.is_mount():
                self.lacking(f"a mount at {path.name}")
        elif stat.S_ISLNK(found.st_mode):
            kind, text = "link", str(path.readlink())
        elif stat.S_ISFIFO(found.st_mode):
            kind = "fifo"
        elif stat.S_ISCHR(found.st_mode) and not _is_bound(path):
            kind = "device"
            text = f"c {os.major(found.st_rdev)} {os.minor(found.st_rdev)}"
        elif not stat.S_ISREG(found.st_mode) or _is_bound(path):
            self.lacking(f"{path.name}: neither a plain file nor a directory")
            return None
        elif found.st_size > FILE_LIMIT:
            self.lacking(f"{path.name}: a file of {found.st_size} bytes")
            return None
        else:
            kind, text = self._content(path, found)
        below = "" if path == base else str(path.relative_to(base))
        return [below, kind, found.st_mode & 0o7777, found.st_uid, found.st_gid, text]

    def _content(self, path: Path, found: os.stat_result) -> tuple[str, str]:
        content = path.read_bytes()
        if content.startswith(b"\x7fELF"):
            return "probe", ""
        first = self._inodes.setdefault(found.st_ino, str(path)) if found.st_nlink > 1 else ""
        if first and first != str(path):
            return "name", first
        return "file", content.decode("utf-8", "surrogateescape")

    # What is seen

    def used(self, path: Path) -> bool:
        """Whether an operation was given these files."""
        return str(path) in self._kept

    def field(  # noqa: PLR0913 - bound in parts
        self,
        file: Path,
        select: Sequence[str],
        key: str,
        value: object,
        *,
        quoted: bool = False,
        nth: int = 1,
    ) -> None:
        """Note the value of a member of the ``nth`` line with these texts, or that it is absent.

        ``quoted``: the member is in a JSON text that is a string of that line.
        """
        if key == "mountinfo" and isinstance(value, str):
            self.mounts(file, "", mountinfo.plain(mountinfo.parse(value)))
            return
        seen = None if value is ABSENT else literal(lasting(key, value))
        if seen is not None and (key in CHANGING or len(seen) > FILE_LIMIT):
            self.beyond_it(f"{key}, which another run has otherwise")
        elif key == "bundle" and isinstance(value, str) and not value.startswith("/"):
            self.beyond_it("a path from where the runtime is called")
        elif key == "names" and any(str(name).isdecimal() for name in cast("list[str]", value)):
            self.beyond_it("the processes in a /proc")
        else:
            step: Step = {"file": str(file), "select": list(select), "key": key, "seen": seen}
            step |= {"quoted": True} if quoted else {}
            step |= {"nth": nth} if nth > 1 else {}
            if {"do": "field", **step} not in self.steps[-20:]:
                self.note("field", **step)

    def column(
        self, file: Path, select: Sequence[str], column: str, seen: Sequence[str], like: str = ""
    ) -> list[str]:
        """Note the values that these members have in all lines with any of these texts.

        Return them; what they are compared with is noted as what is expected.
        """
        text = "\n".join(seen)
        if not self.steps or self.steps[-1].get("seen") != text:
            step = {"file": str(file), "select": list(select), "column": column, "like": like}
            self.note("column", **step, seen=text)
        last = self.steps[-1]
        return Column(seen, last if last.get("seen") == text else {})

    def waited(self, file: Path, select: Sequence[str], *, seen: bool, count: int = 1) -> None:
        """Note that lines with these texts were waited for, and whether they came."""
        step = {"file": str(file), "select": list(select), "count": count, "seen": seen}
        if {"do": "wait", **step} not in self.steps:
            self.note("wait", **step)

    def mounts(self, file: Path, point: str, seen: str) -> None:
        """Note the mounts at ``point``, or all, in the facts that a program has shown."""
        if self.work and f"{self.work} " in seen:
            self.beyond_it("the mount table of the host")
            return
        self.note("mounts", file=str(file), point=point, seen=seen)

    def text(self, file: Path, seen: str) -> None:
        """Note all that an operation has printed."""
        if len(seen) > FILE_LIMIT:
            self.beyond_it("a long text")
        else:
            self.note("text", file=str(file), seen=seen)

    def cgroup(self, name: str, seen: str) -> None:
        """Note the text of a control file of the container's cgroups."""
        self.note("cgroup", name=name, seen=seen)

    def settled(self, since: int, status: str, seen: str) -> None:
        """Put one step in the place of the queries since then: how often is a matter of time."""
        calls = [step for step in self.steps[since:] if step["do"] == "call"]
        if calls:
            del self.steps[since:]
            self.note("settled", argv=calls[0]["argv"], status=status, seen=seen)

    def document(self) -> dict[str, Any]:
        """Return what results.jsonl carries."""
        return {
            "work": self.work,
            "steps": self.steps,
            "lacks": self.lacks,
            "beyond": self.beyond,
            "earlier": self.earlier,
        }


def _is_bound(path: Path) -> bool:
    """Whether something of another file system is bound to a file: a namespace, a device."""
    return path.lstat().st_dev != path.parent.lstat().st_dev


def _directory(path: Path) -> tuple[str, str]:
    """Return what kind of directory it is: one that a shell can make, or the root of a tmpfs."""
    if not path.is_mount():
        return "dir", ""
    table = mountinfo.parse(Path("/proc/self/mountinfo").read_text(encoding="utf-8"))
    found = mountinfo.on_top(table, str(path))
    if found is None or found.type != "tmpfs" or found.root != "/":
        return "dir", ""
    return "tmpfs", ",".join(sorted(found.options | (found.tags & {"shared"})))


def _signature(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _walk(path: Path) -> Iterator[Path]:
    """Yield a path and all below it, a directory before what is in it."""
    yield path
    if path.is_dir() and not path.is_symlink():
        for below in sorted(path.iterdir()):
            yield from _walk(below)
