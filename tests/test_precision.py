"""What a mutant fails beyond what it breaks is told apart."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.clauses.mutants import Mutant
from tools import precision

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent

MUTANTS = '''
from reference_runtime import container
from tests.mutants.breaking import mutant, wrap


def elsewhere():
    def document(original, self, status, pid=None):
        return {**original(self, status, pid), "bundle": "/"}

    wrap(container.Container, "document", document)


@mutant("runtime.state.id.present", also=["runtime.state.bundle.*"])
def another_bundle():
    """The state tells another bundle, and the mutant what it comes to."""
    elsewhere()


@mutant("runtime.state.id.present")
def another_bundle_unsaid():
    """The state tells another bundle, and the mutant says less than it comes to."""
    elsewhere()
'''


@pytest.mark.parametrize(
    ("of_case", "is_implied"),
    [
        (["runtime.kill.running"], True),
        (["runtime.state.pid", "runtime.kill.running"], True),
        (["runtime.delete.hooks"], True),
        (["runtime.delete"], False),
        (["runtime.kill.running.twice"], False),
    ],
)
def test_a_mutant_implies_its_clauses_and_those_that_it_mentions(of_case, is_implied):
    mutant = Mutant("file", "name", "It.", ("runtime.kill.running",), ("runtime.delete.*",))
    assert precision.implied(mutant, of_case) == is_implied


@pytest.mark.parametrize(
    ("of_case", "is_superseded"),
    [
        (["runtime.state.id.present"], False),
        (["runtime.lifecycle.poststart.failure-warns"], True),
        (["runtime.state.id.present", "config.mounts.destination.absolute.must"], True),
    ],
)
def test_the_reference_runtime_fails_what_a_later_release_has_turned_round(of_case, is_superseded):
    assert precision.superseded(of_case) == is_superseded


def test_the_sample_is_spread_and_the_same_each_time():
    found = precision.sample(30, 1, [])
    assert len({mutant.file for mutant in found}) == 30
    assert found == precision.sample(30, 1, [])
    assert found != precision.sample(30, 2, [])


def test_a_case_that_fails_beyond_is_listed(tmp_path):
    (tmp_path / "some_states.py").write_text(MUTANTS)
    words = [
        sys.executable,
        ROOT / "tools" / "precision.py",
        "--directory",
        tmp_path,
        "--jobs",
        "2",
    ]
    words += ["--suites", "suites/runtime/test_state.py"]
    first = [*words, "--afresh"]
    done = subprocess.run(first, capture_output=True, text=True, check=False, cwd=tmp_path)
    said = done.stdout.splitlines()
    assert done.returncode == 1, done.stderr
    (broad,) = [line for line in said if line.startswith("ok     some_states.another_bundle:")]
    assert " 0 of its own" not in broad
    assert any(line.startswith("strays some_states.another_bundle_unsaid:") for line in said)
    assert any("runtime.state.bundle" in line and line.startswith("    runtime/") for line in said)
    assert said[-1] == "2 mutants, 1 of them fail beyond what they break"

    again = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    said = again.stdout.splitlines()
    assert said[0].startswith("1 of 2 have held before")
    assert [line.split()[1] for line in said[1:2]] == ["some_states.another_bundle_unsaid:"]
    assert (again.returncode, said[-1]) == (1, "2 mutants, 1 of them fail beyond what they break")

    argued = MUTANTS.replace('present")\n', 'present", also=["runtime.state.*"])\n')
    (tmp_path / "some_states.py").write_text(argued)
    last = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    said = last.stdout.splitlines()
    assert said[0].startswith("2 of 2 have held before")
    assert (last.returncode, said[-1]) == (0, "2 mutants, 0 of them fail beyond what they break")
