"""Mutants of config-linux.md: memory policy."""

from __future__ import annotations

from reference_runtime import attributes
from tests.mutants.breaking import mutant, reads, wrap


def amending(change):
    """Have the policy changed before it is checked; None leaves it out."""

    def amend(config):
        linux = config.get("linux", {})
        if "memoryPolicy" in linux:
            linux["memoryPolicy"] = change(linux["memoryPolicy"])
            if linux["memoryPolicy"] is None:
                del linux["memoryPolicy"]

    reads(amend)


def inert(mode):
    """Take a policy of this mode and do not set it."""

    def run(original, step, creation):
        if creation.linux.get("memoryPolicy", {}).get("mode") != mode:
            original(step, creation)

    wrap(attributes.MemoryPolicy, "run", run)


@mutant("linux.memory-policy.mode-required")
def a_policy_without_a_mode_is_ignored():
    """Without a mode nothing is set."""
    amending(lambda policy: policy if "mode" in policy else None)


@mutant("linux.memory-policy.mode.default")
def the_default_policy_is_inherited():
    """MPOL_DEFAULT leaves the policy of the caller in force."""
    inert("MPOL_DEFAULT")


@mutant(
    "linux.memory-policy.mode.bind",
    also=[
        # Nodes and flags are seen of a policy that binds.
        "linux.memory-policy.nodes",
        "linux.memory-policy.flag.*",
        # Each mode is tried that features lists.
        "features.linux.memory-policy.*",
    ],
)
def memory_is_not_bound():
    """MPOL_BIND is taken and not set."""
    inert("MPOL_BIND")


@mutant("linux.memory-policy.mode.interleave")
def memory_is_not_interleaved():
    """MPOL_INTERLEAVE is taken and not set."""
    inert("MPOL_INTERLEAVE")


@mutant("linux.memory-policy.mode.weighted-interleave")
def memory_is_not_interleaved_by_weight():
    """MPOL_WEIGHTED_INTERLEAVE is taken and not set."""
    inert("MPOL_WEIGHTED_INTERLEAVE")


@mutant("linux.memory-policy.mode.preferred")
def no_node_is_preferred():
    """MPOL_PREFERRED is taken and not set."""
    inert("MPOL_PREFERRED")


@mutant("linux.memory-policy.mode.preferred-many")
def no_nodes_are_preferred():
    """MPOL_PREFERRED_MANY is taken and not set."""
    inert("MPOL_PREFERRED_MANY")


@mutant("linux.memory-policy.mode.local")
def memory_is_not_local():
    """MPOL_LOCAL is taken and not set."""
    inert("MPOL_LOCAL")


@mutant("linux.memory-policy.nodes")
def the_last_node_is_missing():
    """Of the nodes the last one is lost."""
    wrap(attributes, "nodes", lambda original, text: set(sorted(original(text))[:-1]))


@mutant("linux.memory-policy.nodes-presence-per-mode")
def nodes_that_do_not_fit_are_made_to_fit():
    """Nodes where the mode takes none are ignored."""

    def change(policy):
        if policy.get("mode") in {"MPOL_DEFAULT", "MPOL_LOCAL"}:
            policy.pop("nodes", None)
        return policy

    amending(change)


def without_flag(name):
    """Take a flag and do not set it."""

    def change(policy):
        flags = [flag for flag in policy.get("flags", []) if flag != name]
        return {**policy, "flags": flags}

    amending(change)


@mutant("linux.memory-policy.flag.numa-balancing")
def nothing_is_balanced():
    """MPOL_F_NUMA_BALANCING is taken and not set."""
    without_flag("MPOL_F_NUMA_BALANCING")


@mutant("linux.memory-policy.flag.relative-nodes")
def nodes_are_not_relative():
    """MPOL_F_RELATIVE_NODES is taken and not set."""
    without_flag("MPOL_F_RELATIVE_NODES")


@mutant("linux.memory-policy.flag.static-nodes")
def nodes_are_not_static():
    """MPOL_F_STATIC_NODES is taken and not set."""
    without_flag("MPOL_F_STATIC_NODES")


@mutant("linux.memory-policy.unknown-errors")
def unknown_values_are_ignored():
    """A policy with a mode or a flag that is not known is ignored."""

    def change(policy):
        flags = set(policy.get("flags", [])) <= set(attributes.MEMORY_FLAGS)
        return policy if flags and policy.get("mode") in attributes.MEMORY_MODES else None

    amending(change)
