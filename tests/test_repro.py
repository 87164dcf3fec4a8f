"""repro.sh shows what the suite has seen, without the suite: on mutants of every section."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness import options

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tools import repros  # noqa: E402 - programs, no package

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
bundle.the_root_is_always_called_rootfs
runtime_state.empty_annotations_are_dropped
features_linux.a_listed_kind_of_namespace_is_refused
engine_exec.everybody_is_root
engine_update.the_signal_is_the_status
config_hooks.args_name_the_program
config_hooks_timing.start_does_not_wait_for_hooks
runtime_create.create_container_hooks_come_first
"""
"""Mutants of which a shell can show the case that they fail."""

BEYOND = {
    "linux_cgroups.a_frozen_cgroup_is_only_warned_of": "a cgroup of the harness",
    "linux_namespaces.paths_are_ignored": "a namespace, cgroup or mount of the harness",
    "linux_user_namespaces.clocks_are_mixed_up": "time, which another run has otherwise",
    "config_process_scheduling.the_scheduler_is_ignored": "a caller with other attributes",
    "linux_seccomp_listener.the_descriptor_comes_last": "a socket that somebody listens at",
    "runtime_hooks.all_poststart_hooks_run": "processes, mounts and cgroups of the host",
    "runtime_state.the_state_is_a_list": "the syntax of what the runtime prints",
    "runtime_state.the_bundle_is_relative": "a path from where the runtime is called",
    "runtime_state.the_pid_is_a_string": "a JSON Schema",
    "lifecycles.a_signal_is_sent_only_once": "kills of the same container by other cases",
}
"""Mutants whose cases need what a shell has not got, and what that is."""


@pytest.fixture
def failed(tmp_path):
    """Run the cases of a mutant up to the first that fails; give the mutant and the script."""
    tmp_path.chmod(0o711)

    def of(name):
        (task,) = (one for one in repros.chosen([name]) if one.mutant.id == name)
        script = repros.evidence(task, tmp_path)
        assert script is not None
        return tmp_path / task.mutant.name, script

    return of


@pytest.mark.parametrize("name", SHOWN.split())
def test_shows_the_deviation_of_a_mutant_and_none_of_the_reference(name, failed):
    launcher, script = failed(name)

    status, said = repros.run_again(script, launcher)
    assert status == repros.SEEN, said
    assert said.rstrip().endswith("the deviation is seen: all is as recorded")

    status, said = repros.run(script, options.bundled_runtime())
    assert status == repros.NOT_SEEN, said


def test_takes_all_but_what_the_case_expects_for_the_deviation_of_a_race(failed):
    launcher, script = failed("config_hooks.hooks_are_called_at_once")
    recorded = script.read_text().replace("prestart 3 begin", "prestart 4 begin", 1)
    script.write_text(recorded)

    status, said = repros.run(script, launcher)
    assert status == repros.SEEN, said
    assert said.rstrip().endswith("the deviation is seen: neither as expected nor as recorded")

    status, said = repros.run(script, options.bundled_runtime())
    assert status == repros.NOT_SEEN, said


@pytest.mark.parametrize("name", BEYOND)
def test_says_what_a_shell_has_not_got(name, failed):
    launcher, script = failed(name)

    status, said = repros.run(script, launcher)

    assert (status, BEYOND[name] in said.splitlines()[-1]) == (repros.CANNOT_TELL, True), said


def test_shows_who_lost_a_race_with_the_end_of_an_operation_or_cannot_tell(failed):
    # The hook begins as delete ends: which of them the suite has seen first is chance.
    launcher, script = failed("config_hooks_timing.delete_does_not_wait_for_hooks")
    says = {
        repros.SEEN: "the deviation is seen: all is as recorded",
        repros.CANNOT_TELL: "the moment at which an operation ends",
    }

    status, said = repros.run(script, launcher)
    assert status in says, said
    assert says[status] in said.splitlines()[-1]

    status, said = repros.run(script, options.bundled_runtime())
    assert status in {repros.NOT_SEEN, repros.CANNOT_TELL}, said


def test_a_runtime_that_is_not_there_is_a_usage_error(failed, tmp_path):
    _, script = failed("bundle.a_bundle_without_configuration_is_nothing_to_do")

    status, said = repros.run(script, tmp_path / "no-such-runtime")

    assert (status, "no-such-runtime: no such program" in said) == (repros.USAGE, True)


def test_the_tool_counts_what_came_of_each():
    words = [sys.executable, str(ROOT / "tools" / "repros.py"), "runtime_state.the_state_is_a_list"]
    words += ["bundle.a_bundle_without_configuration_is_nothing_to_do"]

    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    last = "2 mutants: 1 shown, 1 beyond a shell, 0 not run here, 0 wrong"
    assert done.stdout.splitlines()[-1] == last
