"""File descriptors."""

import os
from pathlib import Path

import pytest

from harness import clause


@pytest.fixture
def leaked(caller):
    """Have the runtime's caller leave descriptors open; where they lead to."""
    path = Path("/proc/self/ns/uts")
    opened = [os.open(path, os.O_RDONLY) for _ in range(18)]
    caller(descriptors=opened)
    yield {str(path.readlink())}
    for fd in opened:
        os.close(fd)


def of_program(container):
    """Return the descriptors of its program beside the standard ones."""
    return sorted(set(container.facts["fds"]) - {"0", "1", "2"})


@clause("runtime-linux.fds.only-std")
def test_leaves_no_descriptor_of_its_own_open(shared):
    assert of_program(shared("waits")) == []


@clause("runtime-linux.fds.only-std")
@pytest.mark.usefixtures("leaked")
def test_leaves_no_descriptor_of_its_caller_open(create):
    assert of_program(create("waits").start()) == []


@clause("runtime-linux.fds.std-open")
def test_keeps_the_standard_descriptors_open(shared):
    assert {"0", "1", "2"} <= set(shared("waits").facts["fds"])


@clause("runtime-linux.fds.additional")
def test_may_pass_on_descriptors_of_its_caller(create, leaked, record):
    fds = create("waits").start().facts["fds"]

    record("descriptors of the caller", sum(target in leaked for target in fds.values()))


@clause("runtime-linux.fds.dev-null-redirect")
def test_may_redirect_standard_descriptors(shared, record):
    fds = shared("waits").facts["fds"]

    record("standard descriptors", {number: fds.get(number) for number in "012"})
