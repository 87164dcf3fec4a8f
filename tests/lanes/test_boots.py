"""Real guests: one runs cases on cgroup v2, one panics, one hangs. Skipped where none can boot."""

from __future__ import annotations

import shutil

import pytest

from harness import results
from harness.faults import UsageError
from harness.lanes import LANES, boot, kernel, machine
from harness.lanes import __main__ as lanes
from harness.results import Verdict

V2 = LANES["v2"]

CASES = [
    *("suites/config_linux/test_device_rules.py", "suites/config_linux/test_resources_pids.py"),
    *("-k", "not chooses and not chose and not may_let and not default_devices"),
]
COUNT = 20


@pytest.fixture(autouse=True, scope="module")
def _qemu():
    try:
        lanes.check()
        kernel.find(V2.kernel)
    except UsageError as error:
        pytest.skip(f"no lane can be had here: {error}")


def test_twenty_cases_run_on_cgroup_v2_alone(tmp_path):
    """What this host may not have: every file of v2, in under three minutes."""
    runtime = shutil.which("runc")
    if runtime is None:
        pytest.skip("no runc: make deps")

    status = lanes.main(["v2", f"--runtime={runtime}", f"--results={tmp_path}", "--", *CASES])

    run = results.read(tmp_path / "partial")
    assert (run.header.lane, run.header.host.cgroup) == ("v2", "v2")
    ran = [case.verdict for case in run.cases if case.verdict.ran]
    assert len(ran) >= COUNT
    assert set(ran) <= {Verdict.PASS, Verdict.KNOWN, Verdict.RECORDED}
    assert (status, run.end.leaks if run.end else None) == (0, [])


def test_a_guest_that_panics_ends_with_its_console():
    """The kernel's own words, and no exit status of the command."""
    panic = ["sh", "-c", "echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger; sleep 99"]

    with boot.place() as out:
        ended = boot.run(V2, panic, out, deadline=150, quiet=100)

        assert (ended.status, ended.why) == (None, "the guest ended before its command did")
        assert machine.console(out).splitlines()[0].count("Kernel panic") == 1


def test_a_guest_that_hangs_is_ended():
    """By us: its own timers may stand still."""
    with boot.place() as out:
        ended = boot.run(
            V2, ["sh", "-c", "echo hello; exec sleep 9999"], out, deadline=60, quiet=25
        )

        assert ended.status is None
        assert "no sign of life for 25 s" in ended.why or "not ended after 60 s" in ended.why
        assert ended.seconds < 90
