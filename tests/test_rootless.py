"""The suite's --rootless: run by an ordinary user, or by root, who becomes one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import expectations, host, needs, results, rootless
from tests.conftest import CONFTEST, INI, ROOT
from tests.reference_runtime import ordinary
from tests.reference_runtime.ordinary import UID

CASES = """
import os
import pytest
from harness import *
from harness import host

@clause("runtime.start.runs-program")
def test_runs(create):
    assert create("exits").start().stopped().facts
    assert os.geteuid() == 0 and host.in_user_namespace() and host.outside_uid() == {uid}

@clause("runtime.start.runs-program")
def test_needs_a_cgroup(create, foreign_cgroup):
    raise AssertionError

@clause("runtime.start.runs-program")
def test_asks_for_a_device(create):
    create("linux", linux={{"devices": [
        {{"path": "/dev/x", "type": "c", "major": 1, "minor": 5}}
    ]}})
    raise AssertionError

@clause("runtime.start.runs-program")
@requires(host.real_root)
def test_needs_root():
    raise AssertionError
"""


@pytest.fixture(scope="module")
def place():
    """The harness, what it imports, and the runtime: all readable by everybody."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become an ordinary user")
    python = ordinary.interpreter()
    if not ordinary.can_make_user_namespaces():
        pytest.skip("needs user namespaces of ordinary users")
    made = Path(tempfile.mkdtemp(prefix="conformance-tests-", dir="/var/tmp"))
    made.chmod(0o755)
    ignore = shutil.ignore_patterns("*.pyc", "pip", "mypy", "ruff*")
    for name in ("harness", "reports", "suites", "bundle_templates", "expectations"):
        shutil.copytree(ROOT / name, made / "modules" / name, ignore=ignore)
    shutil.copytree(Path(pytest.__file__).parents[1], made / "site", ignore=ignore, symlinks=True)
    ordinary.install(made, python)
    subprocess.run([python, "-m", "compileall", "-q", made], check=False)
    yield made
    shutil.rmtree(made)
    for uid in (UID, rootless.NOBODY):
        shutil.rmtree(Path("/", "tmp", f"oci-conformance-{uid}"), ignore_errors=True)


@pytest.fixture
def suite(place, tmp_path):
    """Run a suite with --rootless, as an ordinary user or as root."""
    python = ordinary.interpreter()
    mine = place / tmp_path.name
    mine.mkdir()

    def run(*arguments: str, uid: int = 0, plugin: str = "", seen: int = UID):
        directory = place / "suites" / "runtime"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "test_cases.py").write_text(CASES.format(uid=seen))
        (place / "conftest.py").write_text(plugin + CONFTEST)
        (place / "pytest.ini").write_text(INI)
        os.chown(mine, uid, uid)
        words = ["-p", "no:cacheprovider", "--rootless", f"--runtime={place}/reference-runtime"]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(mine),
            "PYTHONPATH": f"{place}/modules:{place}/site",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with (place / "output").open("w+b") as output:
            done = subprocess.run(
                [python, "-m", "pytest", *words, f"--results={mine}/results", *arguments],
                cwd=place,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=120,
                check=False,
                user=uid,
                group=uid,
                extra_groups=[],
            )
        return done.returncode, (place / "output").read_text(), mine / "results"

    return run


def verdicts(directory):
    run = results.read(directory)
    return {case.case.rpartition("::")[2]: case.verdict.value for case in run.cases}


@pytest.mark.parametrize("workers", ["-n0", "-n1"])
def test_run_by_an_ordinary_user(suite, workers):
    if workers == "-n1":
        pytest.importorskip("xdist")
    status, output, directory = suite(workers, uid=UID)

    assert f"rootless: uid {UID} of the host" in output
    assert status == 0, output
    assert verdicts(directory) == {
        "test_runs": "pass",
        "test_needs_a_cgroup": "skip",
        "test_asks_for_a_device": "skip",
        "test_needs_root": "skip",
    }
    reasons = {case.case.rpartition("::")[2]: case.reason for case in results.read(directory).cases}
    assert "no cgroup is delegated" in reasons["test_needs_a_cgroup"]
    assert "making device nodes" in reasons["test_asks_for_a_device"]
    header = results.read(directory).header
    assert (header.host.rootless, header.host.uid) == (True, UID)
    assert list(Path("/", "tmp", f"oci-conformance-{UID}").glob("*")) == []


def test_run_by_root_steps_down(suite):
    status, output, directory = suite(seen=rootless.NOBODY)

    assert f"rootless: uid {rootless.NOBODY} of the host, many IDs" in output
    assert status == 0, output
    assert verdicts(directory)["test_runs"] == "pass"


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ("linux.unshare = denied", "--rootless: cannot make a user namespace: "),
        ("linux.mount = denied", "--rootless: a user namespace cannot mount proc here"),
        ("rootless._map = lambda *_, **__: 'newuidmap: no'", "namespace: newuidmap: no"),
    ],
)
def test_a_host_that_does_not_let_us(suite, lacking, said):
    denied = "def denied(*_):\n    raise PermissionError(1, 'Operation not permitted')\n"

    status, output, directory = suite(
        uid=UID, plugin=f"from harness import linux, rootless\n{denied}\n{lacking}\n"
    )

    lines = [line for line in output.splitlines() if line.startswith("ERROR: ")]
    assert (status, len(lines)) == (4, 1), output
    assert said in lines[0]
    assert not (directory / "results.jsonl").exists()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("ordinary:100000:65536", [(100000, 65536)]),
        (f"{UID}:5:1", [(5, 1)]),
        ("other:100000:65536", []),
        ("ordinary:100000", []),
        ("ordinary:x:65536", []),
        ("::", []),
    ],
)
def test_subordinate_ids(tmp_path, line, found):
    (tmp_path / "subuid").write_text(line + "\n")

    user = rootless.User(UID, UID, "ordinary", "/")

    assert rootless.subordinate(tmp_path / "subuid", user) == found


@pytest.mark.parametrize(("held", "expected"), [(True, ["a", "b"]), (False, ["a", "c"])])
def test_an_expectation_may_hold_in_one_lane_only(tmp_path, held, expected):
    text = '[runtime]\nname = "x"\nversions = ">=1"\n'
    for name, lane in (("a", ""), ("b", "rootless = true"), ("c", "rootless = false")):
        text += f'[[known]]\nclause = "{name}"\nreason = "r"\ncases = ["{name}"]\n{lane}\n'
    (tmp_path / "x.toml").write_text(text)

    known = expectations.load(tmp_path / "x.toml", "1.0.0", rootless=held).known

    assert [entry.clause for entry in known] == expected


class TestNeeds:
    """What of a configuration is beyond an ordinary user."""

    @pytest.fixture(autouse=True)
    def lane(self, monkeypatch):
        monkeypatch.setattr(host, "in_user_namespace", lambda: True)
        monkeypatch.setattr(host, "cgroups", lambda: "no cgroup")
        monkeypatch.setattr(needs, "_mapped", lambda kind: 1000 if kind == "uid" else 500)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({}, ""),
            ({"linux": {"cgroupsPath": "/a"}}, "no cgroup"),
            ({"linux": {"resources": {"pids": {"limit": 1}}}}, "no cgroup"),
            ({"process": {"user": {"uid": 999, "gid": 0}}}, ""),
            ({"process": {"user": {"uid": 1000, "gid": 0}}}, "uid 1000"),
            ({"process": {"user": {"uid": 0, "gid": 0, "additionalGids": [500]}}}, "gid 500"),
            ({"mounts": [{"destination": "/proc", "type": "proc"}]}, "proc of the pid namespace"),
            ({"linux": {"devices": [{"path": "/dev/f", "type": "p"}]}}, ""),
            ({"process": {"scheduler": {"policy": "SCHED_BATCH"}}}, ""),
            ({"process": {"scheduler": {"policy": "SCHED_FIFO"}}}, "CAP_SYS_NICE"),
            ({"process": {"oomScoreAdj": -1000}}, "CAP_SYS_RESOURCE"),
        ],
    )
    def test_what_it_lacks(self, change, said):
        found = needs.lacking(change)

        assert said in found
        assert bool(said) == bool(found)
