"""The runner of mutants tells a case that can fail from one that cannot."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import clauses, resources
from harness.clauses import mutants
from harness.faults import CatalogueError
from tools import launchers

ROOT = Path(__file__).parent.parent

MUTANTS = '''
from reference_runtime import op_kill, processes
from tests.mutants.breaking import mutant, replace, skip


@mutant("runtime.kill.created-container")
def signals_are_swallowed():
    """Kill sends nothing."""
    skip(processes, "send_signal")


@mutant("runtime.kill.created-container")
def nothing_is_broken():
    """It is the reference runtime."""


@mutant("linux.intel-rdt.unset-untouched", needs="a processor with RDT")
def what_this_host_cannot_show():
    """It is the reference runtime."""


@mutant("linux.intel-rdt.unset-untouched")
def what_no_host_is_said_to_lack():
    """It is the reference runtime."""


@mutant("runtime.kill.created-container", right=True)
def what_is_right_passes():
    """It is the reference runtime."""


@mutant("runtime.kill.created-container", right=True)
def what_is_said_to_be_right_is_not():
    """Kill sends nothing."""
    skip(processes, "send_signal")


@mutant("runtime.kill.created-container")
def what_is_not_there_is_replaced():
    """It names a function that the runtime has not got."""
    replace(op_kill, "no_such_function", None)
'''


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """What the runner says of these mutants: its output and exit status, its results by name.

    Workers of xdist have one run of it in common.
    """
    base = tmp_path_factory.getbasetemp()
    directory = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "judged"
    directory.mkdir(exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "done").exists():
            (directory / "own_mutants.py").write_text(MUTANTS)
            words = [sys.executable, str(ROOT / "tools" / "mutants.py")]
            words += [f"--directory={directory}", f"--build={directory}"]
            done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
            (directory / "done").write_text(f"{done.stdout}{done.returncode}")
    *output, status = (directory / "done").read_text().splitlines()
    found = json.loads((directory / "mutants.json").read_text())
    return output, int(status), {kill["mutant"].partition(".")[2]: kill for kill in found}


def test_a_mutant_that_a_case_notices_is_killed(judged):
    case = "runtime/test_kill.py::test_reaches_a_created_container"

    assert judged[2]["signals_are_swallowed"]["killed_by"] == {
        "runtime.kill.created-container": case
    }


def test_a_mutant_that_no_case_notices_survives(judged):
    kill = judged[2]["nothing_is_broken"]

    assert (kill["killed_by"], set(kill["seen"].values())) == ({}, {"pass"})
    assert judged[0][-1] == "7 mutants, 2 killed, 4 survived, 1 not run here"
    assert judged[1] == 1


def test_a_variant_that_has_to_be_right_passes_all_cases(judged):
    kill = judged[2]["what_is_said_to_be_right_is_not"]

    assert "right    own_mutants.what_is_right_passes" in "\n".join(judged[0])
    assert "SURVIVED own_mutants.what_is_said_to_be_right_is_not" in "\n".join(judged[0])
    assert kill["problem"].startswith("fail: runtime/test_kill.py::test_reaches_a_created")


def test_a_mutant_that_cannot_be_applied_is_no_kill(judged):
    kill = judged[2]["what_is_not_there_is_replaced"]

    assert kill["killed_by"] == {}
    assert "no_such_function" in kill["problem"]


@pytest.mark.skipif(not resources.resctrl(), reason="the cases run here")
def test_a_mutant_whose_cases_the_host_skips_is_not_run_if_it_says_what_it_needs(judged):
    names = ("what_this_host_cannot_show", "what_no_host_is_said_to_lack")

    assert [judged[2][name]["seen"] != {} for name in names] == [True, True]
    assert "not run  own_mutants.what_this_host_cannot_show" in "\n".join(judged[0])
    assert "a processor with RDT" in "\n".join(judged[0])
    assert "SURVIVED own_mutants.what_no_host_is_said_to_lack" in "\n".join(judged[0])


def test_every_mutant_violates_clauses_that_are_there():
    named = {id_ for mutant in mutants.listed() for id_ in mutant.clauses}

    assert named - set(clauses.catalogue()) == set()


def test_no_two_mutants_have_one_name():
    names = [mutant.id for mutant in mutants.listed()]

    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        (
            '@mutant("a", level="must")',
            "has clauses, `also`, .*, and a docstring",
        ),
        ("@mutant()", "has clauses"),
        ("@mutant(CLAUSE)", "are literals"),
    ],
)
def test_a_mutant_that_says_it_wrongly_is_named(mark, said, tmp_path):
    (tmp_path / "own.py").write_text(f'{mark}\ndef breaks():\n    """It breaks."""\n')

    with pytest.raises(CatalogueError, match=said) as caught:
        mutants.listed(tmp_path)

    assert "tests/mutants/own.py:" in str(caught.value)


def test_what_several_mutants_come_to_has_a_name(tmp_path):
    mutant = '@mutant("a", also=HOOKS)\ndef breaks():\n    """It breaks."""\n'
    (tmp_path / "own.py").write_text(f'HOOKS = ["config.hooks.*"]\n\n{mutant}')

    assert [mutant.also for mutant in mutants.listed(tmp_path)] == [("config.hooks.*",)]


def test_a_mutant_is_run_without_what_the_others_of_its_file_use(tmp_path, monkeypatch):
    monkeypatch.setattr(mutants, "DIRECTORY", tmp_path)
    text = '''
import os
import signal
from reference_runtime import op_kill, processes
from tests.mutants.breaking import mutant, skip

NUMBERS = {"all": signal.SIGKILL}

def silent(name):
    skip(processes, name)

@mutant("runtime.kill.created-container")
def signals_are_swallowed():
    """Kill sends nothing."""
    silent("send_signal", NUMBERS)

@mutant("runtime.kill.created-container")
def another():
    """It ends."""
    os._exit(1)
'''
    (tmp_path / "own.py").write_text(text)
    (one,) = [mutant for mutant in mutants.listed() if mutant.name == "signals_are_swallowed"]

    assert launchers.alone(one).split("\n") == [
        "import signal",
        "from reference_runtime import processes",
        "from tests.mutants.breaking import skip",
        "NUMBERS = {'all': signal.SIGKILL}",
        "",
        "def silent(name):",
        "    skip(processes, name)",
        "",
        "def signals_are_swallowed():",
        '    """Kill sends nothing."""',
        "    silent('send_signal', NUMBERS)",
        "",
    ]
