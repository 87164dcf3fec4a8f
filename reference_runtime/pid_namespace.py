"""The processes of a container that has no cgroup to list them: those in its pid namespace."""

from __future__ import annotations

import os


def members(pid: int) -> list[int]:
    """Return the processes that share the pid namespace of a process, if it is not ours too."""
    own = name("self")
    wanted = name(str(pid))
    if wanted in {"", own}:
        return []
    return [int(each) for each in os.listdir("/proc") if each.isdigit() and name(each) == wanted]


def name(pid: str) -> str:
    """Return what tells the pid namespace of a process from others (namespaces(7))."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""  # gone, or somebody else's
