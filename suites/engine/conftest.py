"""What the cases of the engine profile share."""

import shutil

import pytest

from harness import control
from harness.engine import Engine


@pytest.fixture
def engine(session):
    """The runtime as an engine calls it."""
    made = Engine(session.workspace)
    yield made
    made.close()


@pytest.fixture
def waiting(create):
    """A running container whose program waits."""
    return create("waits").start().printed("ready")


@pytest.fixture
def shell_on_a_terminal(bundle, create):
    """A shell that is driven over the terminal of its container, at its first prompt."""
    prepared = bundle(
        "program",
        process={
            "terminal": True,
            "args": ["/bin/sh", "-i"],
            "env": ["PATH=/bin", "PS1=ready> ", "TERM=dumb"],
        },
    )
    (prepared.rootfs / "bin").mkdir()
    for name in ("busybox", "sh", "stty", "tty", "cat", "sleep"):
        shutil.copy(str(shutil.which("busybox")), prepared.rootfs / "bin" / name)
    dialogue = create(prepared).start().terminal.dialogue
    with control():
        assert dialogue.says("ready> ")
    return dialogue
