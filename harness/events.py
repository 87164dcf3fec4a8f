"""Waiting for what a container shows: lines that appear in a file, with a deadline."""

from __future__ import annotations

import os
import select
import time
from collections import Counter
from dataclasses import replace
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING

from harness import linux
from harness.looks import Seen, literal
from harness.probe import Line, parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.replay import Replay


LIMIT = 2 << 20
"""Bytes of a file that are looked at: programs of cases show far less, a runtime may print more."""


def lines(path: Path, nonce: str) -> list[Line]:
    """Return the probe's lines with ``nonce`` in ``path`` so far."""
    try:
        with path.open("rb") as file:
            return list(_parsed(file.read(LIMIT), nonce))
    except FileNotFoundError:
        return []


@lru_cache(maxsize=8)
def _parsed(text: bytes, nonce: str) -> tuple[Line, ...]:
    # Cases that share a container read the same lines again and again.
    return tuple(parse(text, nonce))


def watched(current: Callable[[], Replay], file: Path, found: list[Line]) -> list[Line]:
    """Return the lines with members that note, in the replay by then, when they are looked at."""
    counts: Counter[tuple[str, ...]] = Counter()
    lines = []
    for line in found:
        counts[_texts(line)] += 1
        lines.append(_watched(current, file, line, counts[_texts(line)]))
    return lines


def first(
    current: Callable[[], Replay], file: Path, found: list[Line], wanted: Callable[[Line], bool]
) -> Line | None:
    """Return the first line that is wanted, as ``watched`` has it; None if there is none."""
    for number, line in enumerate(found):
        if wanted(line):
            alike = 1 + sum(_tells(one) == _tells(line) for one in found[:number])
            return _watched(current, file, line, alike)
    return None


def _tells(line: Line) -> tuple[object, ...]:
    return line.as_, line.event, line.data.get("call"), line.data.get("path")


def _texts(line: Line) -> tuple[str, ...]:
    """Return what tells a line from most others: by this a shell finds it."""
    members = [(name, line.data.get(name)) for name in ("call", "path")]
    select = [f'"{name}":{literal(text)}' for name, text in members if isinstance(text, str)]
    return f'"as":{literal(line.as_)},"event":"{line.event}"', *select


def _watched(current: Callable[[], Replay], file: Path, line: Line, nth: int) -> Line:
    note = partial(_note, current, file, _texts(line), nth)
    return replace(line, data=Seen(dict(line.data), note))


def _note(  # noqa: PLR0913, PLR0917 - bound in parts
    current: Callable[[], Replay],
    file: Path,
    select: tuple[str, ...],
    nth: int,
    key: str,
    value: object,
    *,
    quoted: bool = False,
) -> None:
    current().field(file, select, key, value, quoted=quoted, nth=nth)


def noted(replay: Replay, file: Path, found: list[Line]) -> None:
    """Note that somebody has looked which lines there are."""
    events = [f"{line.as_} {line.event}".strip() for line in found]
    replay.column(file, ['"nonce":"'], "as event", events)


def wait(
    path: Path,
    nonce: str,
    ready: Callable[[list[Line]], bool],
    seconds: float,
    process: int | None = None,
) -> list[Line]:
    """Wait until ``ready`` holds of the probe's lines in ``path``; return them either way.

    Ends early when the process behind the pidfd ``process`` has ended: then no line can follow.
    Wakes by inotify(7) on the inode, which containers share as long as it is not behind an overlay.
    """
    found = lines(path, nonce)
    if ready(found):
        return found
    deadline = time.monotonic() + seconds
    inotify = _inotify()
    watch = linux.inotify_add_watch(inotify, str(path), linux.IN_MODIFY)
    try:
        poller = select.poll()
        poller.register(inotify, select.POLLIN)
        if process is not None:
            poller.register(process, select.POLLIN)
        ended = False
        while True:
            found = lines(path, nonce)
            remaining = deadline - time.monotonic()
            if ready(found) or ended or remaining <= 0:
                return found
            woken = [fd for fd, _ in poller.poll(remaining * 1000)]
            if inotify in woken:
                os.read(inotify, 65536)
            # What was written before the end is read once more after it.
            ended = process in woken
    finally:
        linux.inotify_rm_watch(inotify, watch)


@cache
def _inotify() -> int:
    # One for the life of the process: closing one waits for a grace period of the kernel, 15 ms.
    return linux.inotify_init1()
