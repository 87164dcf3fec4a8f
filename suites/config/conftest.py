"""What several sections of config.md share."""

import json

import pytest

from harness import foreign, may_be_unsupported
from harness.clauses import release
from harness.faults import NotClaimed


@pytest.fixture
def facts_with(create, shared):
    """Facts of a program with these members of process, of which it may support a subset."""

    def run(linux=None, **process):
        shared("program").printed("ready")
        with may_be_unsupported(f"process with {json.dumps(process)}"):
            container = create("program", process=process, linux=linux or {}).start()
        return container.facts

    return run


@pytest.fixture
def realtime_budget(session):
    """Members of linux that give a container time for real-time policies."""
    with foreign.realtime_budget(session.workspace.cgroup_roots) as members:
        yield members


@pytest.fixture
def declared(session):
    """Go on only if the runtime declares this release of the specification, or a later one."""

    def check(version):
        newest = session.workspace.oci_version
        if release(version) > release(newest):
            raise NotClaimed(f"{version} is newer than {newest}, by which it is judged")

    return check
