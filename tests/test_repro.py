"""repro.sh shows what the suite has seen, without the suite: on mutants of every section."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import door, options
from harness.clauses import mutants
from harness.clauses.__main__ import measure
from harness.results import Verdict
from harness.sandbox import Sandbox
from tests.conftest import run_suite

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tools import mutants as runner  # noqa: E402 - programs, no package

SEEN, NOT_SEEN, CANNOT_TELL, USAGE = 0, 1, 2, 4

SHOWN = """
bundle.a_bundle_without_configuration_is_nothing_to_do
config_annotations.values_are_printable
config_general.any_text_is_a_version
config_hooks.prestart_hooks_are_not_called
config_hooks_namespaces.paths_are_looked_up_in_the_container
config_hooks_timing.the_program_runs_without_prestart_hooks
config_mounts.no_mounts_crash_it
config_mounts_idmap.the_option_is_ignored
config_mounts_options.names_without_a_flag_are_unknown
config_mounts_trees.recursive_options_reach_the_top_only
config_process.a_missing_process_crashes_create
config_process_capabilities.capabilities_are_ignored
config_process_limits.a_limit_without_a_type_is_of_processor_time
config_process_user.only_the_effective_user_changes
config_root.the_bundle_is_the_root
linux_cgroups_devices.what_allows_comes_last
linux_cgroups_io.the_weight_is_not_written
linux_devices.listed_devices_are_ignored
linux_intel_rdt.it_is_ignored_without_the_file_system
linux_memory_policy.the_last_node_is_missing
linux_paths.read_only_files_lose_their_permissions
linux_seccomp.an_entry_without_an_action_has_the_default_one
linux_seccomp_rules.values_are_floating_point_numbers
runtime_create.a_failed_create_leaves_its_record
runtime_linux.standard_input_is_closed
runtime_operations.delete_kills_what_is_running
runtime_state.running_after_its_end

"""
"""Mutants of which a shell can show the case that they fail."""

BEYOND = {
    "linux_cgroups.a_frozen_cgroup_is_only_warned_of": "a cgroup of the harness",
    "linux_namespaces.paths_are_ignored": "a namespace, cgroup or mount of the harness",
    "linux_user_namespaces.clocks_are_mixed_up": "time, which another run has otherwise",
    "config_process_scheduling.the_scheduler_is_ignored": "a caller with other attributes",
    "linux_seccomp_listener.the_descriptor_comes_last": "a socket that somebody listens at",
    "runtime_hooks.all_poststart_hooks_run": "processes, mounts and cgroups of the host",
    "features_linux.a_listed_kind_of_namespace_is_refused": "what the runtime lists",
}
"""Mutants whose cases need what a shell has not got, and what that is."""


@pytest.fixture(scope="session")
def cases() -> dict[str, list[str]]:
    """Give the cases of each clause."""
    return measure().tested


def failed(name: str, cases: dict[str, list[str]], directory: Path) -> tuple[Path, Path]:
    """Run the cases of a mutant up to the first that fails; return launcher and evidence."""
    (mutant,) = (one for one in mutants.listed() if one.id == name)
    launcher = directory / mutant.name
    runner.write_launcher(launcher, mutant)
    (task,) = runner.tasks([mutant], cases)
    ids = [str(ROOT / "suites" / case) for id_ in mutant.clauses for case in cases[id_]]
    # Of whole lifecycles the script is another one: it shows the sequence that was found.
    ids = [id_ for id_ in ids if "/suites/lifecycle/" not in id_] or ids
    outcome = run_suite(
        *ids, "-x", "-q", "--tb=no", f"--runtime={launcher}", "--expectations=none",
        f"--spec-version={task.spec}", "--deadline=3", "--profile=core", "--profile=linux",
        "--profile=engine", results=directory / "results",
    )  # fmt: skip
    bad = [c for c in outcome.run.cases if c.verdict in {Verdict.FAIL, Verdict.ADVICE}]
    assert bad, outcome.output
    found = list((directory / "results" / "partial" / "evidence").glob("*/repro.sh"))
    assert len(found) == len(bad)
    return launcher, found[0].parent


def shown(script: Path, runtime: Path) -> tuple[int, str]:
    """Run a script in a sandbox, in which nothing stays; return its exit status and what it says.

    TMPDIR is where every user may walk.
    """
    output = script.with_name("said")

    def run() -> int:
        sandbox = Sandbox.enter()
        with output.open("wb") as file:
            done = subprocess.run(
                ["sh", script, runtime],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ["PATH"], "TMPDIR": "/tmp"},  # noqa: S108 - it makes its own in it
                timeout=120,
                check=False,
            )
        left = sandbox.leave()
        return 200 if left else done.returncode

    pid = door.fork(run)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status, output.read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize("name", SHOWN.split())
def test_shows_the_deviation_of_a_mutant_and_none_of_the_reference(name, cases, tmp_path):
    launcher, evidence = failed(name, cases, tmp_path)
    tmp_path.chmod(0o711)

    status, said = shown(evidence / "repro.sh", launcher)
    assert status == SEEN, said
    assert said.rstrip().endswith("the deviation is seen: all is as recorded")

    status, said = shown(evidence / "repro.sh", options.bundled_runtime())
    assert status == NOT_SEEN, said


@pytest.mark.parametrize("name", BEYOND)
def test_says_what_a_shell_has_not_got(name, cases, tmp_path):
    launcher, evidence = failed(name, cases, tmp_path)
    tmp_path.chmod(0o711)

    status, said = shown(evidence / "repro.sh", launcher)

    assert (status, BEYOND[name] in said.splitlines()[-1]) == (CANNOT_TELL, True), said


def test_a_runtime_that_is_not_there_is_a_usage_error(cases, tmp_path):
    _, evidence = failed("bundle.a_bundle_without_configuration_is_nothing_to_do", cases, tmp_path)

    status, said = shown(evidence / "repro.sh", tmp_path / "no-such-runtime")

    assert (status, "no-such-runtime: no such program" in said) == (USAGE, True)
