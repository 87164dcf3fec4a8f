"""Namespaces and attributes that the harness enters for a while, so that a runtime finds them.

What a runtime does to its caller's namespaces then happens in ones that nobody else is in. Each is
a context manager of the main thread, which starts the runtime.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from harness import foreign, linux, procfs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


@contextmanager
def namespace(kind: str) -> Iterator[str]:
    """Be in a new network, ipc or uts namespace; its ``net:[...]``."""
    path = f"/proc/thread-self/ns/{procfs.FILES[kind]}"
    before = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    linux.unshare(foreign.FLAGS[kind])
    try:
        yield str(Path(path).readlink())
    finally:
        linux.setns(before)
        os.close(before)


def in_new_mounts(call: Callable[[], T]) -> tuple[T, str]:
    """Call in a new mount namespace; what it returns, and the ``mnt:[...]``.

    A thread enters it: pivot_root(2) there changes the root of every process in the namespace, and
    ours must stay.
    """
    returned: list[T] = []
    raised: list[BaseException] = []
    names: list[str] = []

    def enter() -> None:
        linux.unshare(linux.CLONE_NEWNS)
        names.append(str(Path("/proc/thread-self/ns/mnt").readlink()))
        try:
            returned.append(call())
        except BaseException as error:  # noqa: BLE001 - raised again, in the caller's thread
            raised.append(error)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    for error in raised:
        raise error
    return returned[0], names[0]


@contextmanager
def personality(domain: int) -> Iterator[None]:
    """Have this execution domain, which what is started inherits (personality(2))."""
    before = linux.personality(domain)
    try:
        yield
    finally:
        linux.personality(before)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Have this umask, which what is started inherits."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
