"""Looks at a container of an ordinary user, from the host."""

from __future__ import annotations

from pathlib import Path


def init_file(runtime, identifier, name):
    return Path(f"/proc/{runtime.state(identifier)['pid']}/{name}")


def rows(runtime, identifier, kind):
    text = init_file(runtime, identifier, f"{kind}_map").read_text()
    return [[int(word) for word in line.split()] for line in text.splitlines()]


def mounted(runtime, identifier, destination):
    """Fields of mountinfo(5) of what is on top at the destination."""
    lines = init_file(runtime, identifier, "mountinfo").read_text().splitlines()
    found = [line.split() for line in lines if line.split()[4] == destination]
    assert found, f"nothing is mounted at {destination}"
    return found[-1]


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def refused(runtime, bundle):
    """The error line of a create that leaves nothing behind."""
    result = runtime("create", "-b", str(bundle), runtime.new_id())
    assert result.status == 1
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert not runtime.root.exists() or list(runtime.root.iterdir()) == []
    return result.stderr
