"""The process that begins the kernel's wait: asked, in its own session, gone at the end."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from harness import door, host, procfs
from harness.grace import Grace
from harness.session import Session


@pytest.fixture
def moves(tmp_path):
    """The end of a fifo in place of cgroup.procs at which its moves come out."""
    os.mkfifo(tmp_path / "cgroup.procs")
    fd = os.open(tmp_path / "cgroup.procs", os.O_RDONLY | os.O_NONBLOCK)
    yield fd
    os.close(fd)


@pytest.fixture
def helper(tmp_path, moves):  # noqa: ARG001 - the fifo has to be there
    """A Grace that moves into the fifo, and the number of its process."""
    before = set(procfs.children(os.getpid()))
    grace = Grace(tmp_path)
    (pid,) = set(procfs.children(os.getpid())) - before
    yield grace, pid
    grace.end()


def test_asked_it_moves_to_where_it_is(helper, moves):
    grace, _ = helper
    grace.ahead()
    assert door.readable(moves, 10)
    assert os.read(moves, 100) == b"0"


def test_it_keeps_nothing_open_of_ours(helper, moves):
    grace, pid = helper
    grace.ahead()
    assert door.readable(moves, 10)  # by now it has closed them
    targets = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
    assert [Path(target).name.partition(":")[0] for target in targets] == ["pipe", "cgroup.procs"]


def test_it_is_in_no_group_of_ours(helper, moves):
    grace, pid = helper
    grace.ahead()
    assert door.readable(moves, 10)
    assert (os.getpgid(pid), os.getsid(pid)) == (pid, pid)


def test_its_end_leaves_no_process(helper):
    grace, pid = helper
    grace.end()
    assert pid not in procfs.children(os.getpid())


def test_a_runtime_that_ends_it_ends_nothing_else(helper):
    grace, pid = helper
    procfs.end(pid, 10)
    procfs.reap(pid)
    grace.ahead()
    grace.end()


def test_requests_that_it_cannot_take_are_not_waited_for(helper):
    grace, pid = helper
    os.kill(pid, signal.SIGSTOP)
    for _ in range(70_000):  # more than a pipe holds
        grace.ahead()
    assert not procfs.zombie(pid)


def test_it_ends_with_the_process_that_asks(tmp_path, moves):
    told, tell = os.pipe()

    def killed() -> int:
        before = set(procfs.children(os.getpid()))
        grace = Grace(tmp_path)
        (pid,) = set(procfs.children(os.getpid())) - before
        grace.ahead()
        door.readable(moves, 10)
        os.write(tell, str(pid).encode())
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    os.waitpid(door.fork(killed), 0)
    process = procfs.Process.of(int(os.read(told, 100)))
    assert process is None or process.ends(10)


def test_without_cgroups_there_is_nothing_to_wait_for():
    before = set(procfs.children(os.getpid()))
    grace = Grace(None)
    grace.ahead()
    assert set(procfs.children(os.getpid())) == before
    grace.end()


@pytest.mark.parametrize("view", ["", "v2"])
def test_it_stays_in_the_cgroup_of_the_harness(view):
    """Also where that is one below the root of v2, which takes no process."""
    if reason := host.cgroups() or (view and host.lacking_view(view)):
        pytest.skip(reason)

    def moved() -> int:
        session = Session.enter("/bin/true", 10.0, "1.0.0", view=view)
        try:
            (pid,) = procfs.children(os.getpid())
            session.grace.ahead()
            # A second request is taken only when the first has been served.
            os.set_blocking(session.grace._open[0], True)
            for _ in range(70_000):
                session.grace.ahead()
            own, its = (Path(f"/proc/{name}/cgroup").read_text() for name in ("self", pid))
            return 0 if own == its else 1
        finally:
            session.leave()

    _, status = os.waitpid(door.fork(moved), 0)
    assert status == 0
