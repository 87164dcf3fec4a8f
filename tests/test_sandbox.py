"""The sandbox: nothing survives a run, however it ends."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from harness import host, procfs
from harness.results import Verdict

WAITS = """
    @clause("runtime.start.runs-program")
    def test_waits(create, session):
        container = create("waits").start().printed("ready")
        note(session, container)
        {end}
"""

NOTE = """
from pathlib import Path
import builtins


def note(session, container):
    pid = container.process.pid
    Path(__file__).with_name("noted").write_text(f"{session.sandbox.directory.name} {pid}")


builtins.note = note
"""

PASSES = """
    @clause("runtime.start.runs-program")
    def test_passes(create):
        assert create("exits").start().stopped().facts
"""


VIEW = """
    from pathlib import Path

    def kinds():
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        return {line.split(" - ")[1].split()[0] for line in lines} & {"cgroup", "cgroup2"}

    @clause("runtime.start.runs-program")
    def test_shows_one_version_of_cgroups(create, record):
        record("cgroups", [sorted(kinds()), host.layout()])
        assert create("waits").start().printed("ready").process.cgroups
"""


def left(name, pid):
    """What a run with this name has left on the host: directories, cgroups, its container."""
    directories = [path for path in Path("/run/oci-conformance").glob("*") if path.name == name]
    groups = [
        path
        for hierarchy in host.hierarchies()
        for path in hierarchy.directory.glob(f"oci-conformance-{name}")
    ]
    alive = [] if procfs.zombie(pid) else [procfs.describe(pid)]
    return [*map(str, directories), *map(str, groups), *alive]


def noted(tmp_path):
    name, pid = (tmp_path / "noted").read_text().split()
    return name, int(pid)


def test_a_run_leaves_nothing(suite, tmp_path):
    outcome = suite(WAITS.format(end="pass"), plugin=NOTE)

    assert outcome.verdicts == {"test_waits": "pass"}
    assert left(*noted(tmp_path)) == []


def test_the_next_run_clears_what_a_killed_one_left(suite, tmp_path):
    suite(WAITS.format(end="os.kill(os.getpid(), signal.SIGKILL)"), plugin=NOTE)
    killed = noted(tmp_path)
    assert left(*killed) != []

    outcome = suite(PASSES)

    assert outcome.verdicts == {"test_passes": "pass"}
    assert left(*killed) == []


def test_an_interrupted_run_leaves_nothing_and_says_so(suite, tmp_path):
    outcome = suite(WAITS.format(end="os.kill(os.getpid(), signal.SIGINT)"), plugin=NOTE)

    assert left(*noted(tmp_path)) == []
    assert outcome.status == 2
    assert outcome.run.end is not None
    assert outcome.run.end.interrupted


def test_a_case_that_changes_the_cases_devices_does_not_change_the_hosts(suite):
    before = Path("/dev/null").stat()

    outcome = suite("""
        @clause("runtime.start.runs-program")
        def test_case(create):
            os.chown("/dev/null", 1000, 1000)
            assert create("exits").start().stopped().facts
    """)

    after = Path("/dev/null").stat()
    assert (after.st_uid, after.st_mode) == (before.st_uid, before.st_mode)
    (case,) = outcome.run.cases
    assert case.verdict is Verdict.PASS
    assert [finding.text for finding in case.findings if "/dev/null" in finding.text] != []


def test_the_host_keeps_its_name(suite):
    before = os.uname()

    try:
        outcome = suite("""
            import socket

            @clause("runtime.start.runs-program")
            def test_case(create):
                socket.sethostname("renamed")
                assert create("exits").start().stopped().facts
        """)
        after = os.uname()
    finally:
        socket.sethostname(before.nodename)

    assert outcome.verdicts == {"test_case": "pass"}
    assert after == before


def test_what_a_runtime_leaves_after_delete_is_a_finding_and_is_cleared(suite):
    outcome = suite("""
        @clause("runtime.start.runs-program")
        def test_leaves(create, session):
            container = create("exits").start().stopped()
            container.delete()
            (session.sandbox.cgroup_roots[0] / "left").mkdir()
            assert container.facts

        @clause("runtime.start.runs-program")
        def test_next(create):
            assert create("exits").start().stopped().facts
    """)

    first, second = outcome.run.cases
    assert [f.clause for f in first.findings] == ["runtime.delete.removes-created-resources.cgroup"]
    assert (second.findings, outcome.status) == ([], 0)


def test_what_forks_while_it_is_ended_is_cleared(suite):
    outcome = suite("""
        import subprocess, sys

        FORKS = "import os, time; any(os.fork() for _ in range(400)); time.sleep(0.02)"

        @clause("runtime.start.runs-program")
        def test_leaves(create):
            assert create("exits").start().stopped().facts
            started = subprocess.Popen([sys.executable, "-c", FORKS])
            assert started.wait() == 0

        @clause("runtime.start.runs-program")
        def test_next(create):
            assert create("exits").start().stopped().facts
    """)

    assert [(case.verdict.value, case.reason) for case in outcome.run.cases] == [("pass", "")] * 2


def test_a_run_that_is_killed_is_seen_as_cut_off(suite):
    outcome = suite(PASSES + WAITS.format(end="os.kill(os.getpid(), signal.SIGKILL)"), plugin=NOTE)

    assert outcome.run.end is None
    assert len(outcome.run.cases) == 1
    suite(PASSES)


@pytest.mark.skipif(host.layout() != "hybrid", reason="needs a hybrid cgroup layout")
@pytest.mark.parametrize(("view", "kinds"), [("v1", ["cgroup"]), ("v2", ["cgroup2"])])
def test_one_version_of_cgroups_is_seen_alone(suite, view, kinds):
    outcome = suite(
        VIEW,
        f"--cgroup-view={view}",
        plugin="import builtins\nfrom harness import host\nbuiltins.host = host\n",
    )

    assert outcome.status == 0, outcome.output
    (case,) = outcome.run.cases
    assert case.recorded == {"cgroups": [kinds, view]}
    assert outcome.run.header.host.cgroup == f"{view} (on hybrid)"
