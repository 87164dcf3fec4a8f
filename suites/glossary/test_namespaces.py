"""Runtime namespace."""

import os
from pathlib import Path

import pytest

from harness import clause, linux

FLAGS = {"net": linux.CLONE_NEWNET, "ipc": linux.CLONE_NEWIPC}
NAMES = {"net": "network", "ipc": "ipc"}


@pytest.fixture
def entered(kind):
    """A fresh namespace of this kind, in which the runtime is started; its ``net:[...]``."""
    path = f"/proc/thread-self/ns/{kind}"
    before = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    linux.unshare(FLAGS[kind])
    yield str(Path(path).readlink())
    linux.setns(before)
    os.close(before)


@clause("glossary.runtime-namespace")
@pytest.mark.parametrize("kind", FLAGS)
def test_takes_namespaces_that_it_does_not_make_from_its_caller(create, kind, entered):
    made = ["pid", "mount", "uts", *({"network", "ipc"} - {NAMES[kind]})]

    container = create("waits", namespaces=made).start().printed("ready")

    assert container.facts["ns"][kind] == entered
