"""Descriptors of the caller: which the program has, and which not."""

import fcntl
import os
from pathlib import Path

import pytest

from harness import clause, door

STANDARD = {"0", "1", "2"}


@pytest.fixture
def pipes():
    """Three pipes of the caller; their ends to write to, at numbers that nobody has."""
    made = [os.pipe() for _ in range(3)]
    ends = [fcntl.fcntl(write, fcntl.F_DUPFD_CLOEXEC, 100) for _, write in made]
    yield ends
    for fd in (*ends, *(fd for pair in made for fd in pair)):
        os.close(fd)


def names(fds):
    """What links of /proc say of them: ``pipe:[1234]``."""
    return [str(Path(f"/proc/self/fd/{fd}").readlink()) for fd in fds]


def beside_standard(facts):
    """Return the descriptors of a program beside the standard ones, lowest first."""
    return [facts["fds"][number] for number in sorted(set(facts["fds"]) - STANDARD, key=int)]


@clause("engine.descriptors.none-inherited")
def test_leaves_the_callers_descriptors_outside(create, engine, pipes):
    with engine.called(places=dict(enumerate(pipes, 3))):
        container = create("waits").start().printed("ready")

    assert beside_standard(container.facts) == []


@clause("engine.descriptors.exec-none-inherited")
def test_leaves_the_callers_descriptors_out_of_exec(waiting, engine, pipes):
    with engine.called(places=dict(enumerate(pipes, 3))):
        execution = engine.exec(waiting, "facts")

    assert beside_standard(execution.facts) == []


@clause("engine.descriptors.preserved")
def test_passes_what_is_to_be_preserved(engine, pipes):
    with engine.called(places=dict(enumerate(pipes, 3))):
        container = engine.create("waits", "--preserve-fds", "3").start().printed("ready")

    assert beside_standard(container.facts) == names(pipes)


@clause("engine.descriptors.beyond-preserved")
def test_passes_nothing_beyond_what_is_to_be_preserved(engine, pipes):
    with engine.called(places=dict(enumerate(pipes, 3))):
        container = engine.create("waits", "--preserve-fds", "1").start().printed("ready")

    assert beside_standard(container.facts) == names(pipes[:1])


@clause("engine.descriptors.exec-preserved")
def test_passes_what_is_to_be_preserved_to_exec(waiting, engine, pipes):
    with engine.called(places=dict(enumerate(pipes, 3))):
        execution = engine.exec(waiting, "facts", options=["--preserve-fds", "3"])

    assert beside_standard(execution.facts) == names(pipes)


@clause("engine.descriptors.exec-beyond-preserved")
def test_passes_nothing_beyond_that_to_exec(waiting, engine, pipes):
    with engine.called(places=dict(enumerate(pipes, 3))):
        execution = engine.exec(waiting, "facts", options=["--preserve-fds", "1"])

    assert beside_standard(execution.facts) == names(pipes[:1])


@clause("engine.descriptors.released")
def test_holds_no_pipe_of_its_caller_open(create, engine):
    read, write = os.pipe()
    with engine.called(descriptors=[write]):
        container = create("waits").start().printed("ready")
    os.close(write)

    # Only at its end can it be read: nobody has written to it.
    assert (door.readable(read, 1.0), container.status()) == (True, "running")
    os.close(read)
