"""Every clause has a case or an argued reason, and every must a mutant that shows it can fail."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness import clauses

ROOT = Path(__file__).parent.parent

NOT_HERE = {
    "config.process.apparmor.applied": "a host with AppArmor",
    "config.process.apparmor.unknown-errors": "a host with AppArmor",
    "config.process.selinux-label.applied": "a host with SELinux",
    "linux.mount-label.applied": "a host with SELinux",
    "linux.seccomp.flag.spec-allow": "a kernel that can be told to mitigate by seccomp",
}
"""Clauses without a mutant, by what one would need to be tried at all."""


@pytest.fixture(scope="module")
def coverage():
    """What ``python -m harness.clauses`` says."""
    words = [sys.executable, "-m", "harness.clauses", "--json"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return json.loads(done.stdout)


def test_every_clause_has_a_case_or_a_reason(coverage):
    assert coverage["pending"] == []
    assert all(why.strip() for why in coverage["untestable"].values())


def test_every_must_has_a_mutant_or_needs_another_host(coverage):
    assert sorted(coverage["without_mutant"]) == sorted(NOT_HERE)


def test_what_engines_need_is_apart_and_enough(coverage):
    known = clauses.catalogue()

    assert len(coverage["engine"]) >= 90
    assert all(
        not known[id_].census and known[id_].profile == "engine" for id_ in coverage["engine"]
    )


def test_the_census_is_covered(coverage):
    assert coverage["census"] >= 881


def test_the_documentation_names_clauses_that_there_are(coverage):
    sections = {id_.partition(".")[0] for id_ in coverage["tested"]}
    for page in (ROOT / "docs").glob("*.md"):
        for name in re.findall(r"`([a-z]+(?:\.[a-z0-9-]+){2,})`", page.read_text("utf-8")):
            if name.partition(".")[0] in sections:
                assert name in {**coverage["tested"], **coverage["untestable"]}, page.name
