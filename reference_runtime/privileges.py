"""Whose rights the runtime has: those of root of the host, or those of an ordinary user (rootless).

Root of a user namespace is an ordinary user to the host: user_namespaces(7) says what it may do.
"""

from __future__ import annotations

import os
import stat

from reference_runtime import errors

ROOT = "/run/reference-runtime"
_ALL_IDS = ["0", "0", "4294967295"]  # uid_map of the initial user namespace


def is_root_of_host() -> bool:
    """Say whether this process is root in the initial user namespace."""
    return os.geteuid() == 0 and _rows("uid") == [_ALL_IDS]


def state_root() -> str:
    """Return where the state is kept without --root.

    Of an ordinary user: below XDG_RUNTIME_DIR, of which the XDG Base Directory Specification says
    that a relative path is as good as none, else in a directory that only the user can write.
    """
    if is_root_of_host():
        return ROOT
    directory = os.environ.get("XDG_RUNTIME_DIR", "")
    if directory.startswith("/"):
        return f"{directory}/reference-runtime"
    path = f"/tmp/reference-runtime-{_outside_uid()}"  # noqa: S108 (looked at below)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        message = f"{path} is not this user's own directory: remove it, or give --root"
        raise errors.OperationError(message)
    return path


def is_mapped(kind: str, number: int) -> bool:
    """Say whether a user or group ID exists in this user namespace; kind is uid or gid."""
    return any(int(first) <= number < int(first) + int(count) for first, _, count in _rows(kind))


def _outside_uid() -> int:
    uid = os.geteuid()
    for first, outside, count in _rows("uid"):
        if int(first) <= uid < int(first) + int(count):
            return int(outside) + uid - int(first)
    return uid


def _rows(kind: str) -> list[list[str]]:
    with open(f"/proc/self/{kind}_map", encoding="utf-8") as file:
        return [line.split() for line in file]
