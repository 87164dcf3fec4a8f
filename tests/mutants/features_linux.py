"""Mutants of features-linux.md: what the runtime says of Linux, and what it then does."""

from __future__ import annotations

from reference_runtime import cgroup_v1, cgroup_v2, errors, init, op_features, seccomp
from reference_runtime.execution import LoadSeccompFilter
from tests.mutants.breaking import drop, mutant, reads, skip, wrap

LINUX = op_features.FEATURES["linux"]


def refusing(find, name):
    """Refuse a configuration in which ``find`` finds this name."""

    def check(config):
        if name in find(config):
            message = f"{name} is unknown"
            raise errors.OperationError(message)

    reads(check)


def says_of_seccomp(change):
    """Have it say something else of seccomp."""

    def features(original):
        said = original()
        change(said)
        return said

    wrap(seccomp, "features", features)


def without(section, name):
    """Take no notice of a property of a section: of linux, or of process."""
    reads(lambda config: config.get(section, {}).pop(name, None))


def rules(config):
    """Return the entries of syscalls."""
    return config["linux"].get("seccomp", {}).get("syscalls", [])


@mutant("features.linux.namespaces.recognized", also=["linux.namespaces.*"])
def a_listed_kind_of_namespace_is_refused():
    """time is listed, and create knows no such namespace."""
    refusing(lambda config: [one["type"] for one in config["linux"]["namespaces"]], "time")


@mutant("features.linux.namespaces.recognized")
def a_kind_of_namespace_is_listed_that_there_is_not():
    """A kind is listed that create does not know."""
    LINUX["namespaces"].append("syslog")


@mutant("features.linux.capabilities.recognized", also=["config.process.capabilities.*"])
def a_listed_capability_is_dropped():
    """CAP_CHECKPOINT_RESTORE is listed, and never granted."""

    def change(config):
        for names in config["process"].get("capabilities", {}).values():
            if "CAP_CHECKPOINT_RESTORE" in names:
                names.remove("CAP_CHECKPOINT_RESTORE")

    reads(change)


@mutant("features.linux.cgroup.v1", also=["linux.resources.*"], needs="cgroup v1")
def limits_of_cgroup_v1_are_not_set():
    """v1 is said to be supported, and its limits are not set."""
    skip(cgroup_v1, "settings", [])


@mutant("features.linux.cgroup.v2", also=["linux.resources.*"], needs="cgroup v2 alone")
def limits_of_cgroup_v2_are_not_set():
    """v2 is said to be supported, and its limits are not set."""
    skip(cgroup_v2, "settings", [])


@mutant("features.linux.cgroup.rdma", "config.valid-values.unsupported-errors")
def rdma_is_denied_and_ignored():
    """Limits of RDMA are said not to be supported, and ignored."""
    LINUX["cgroup"]["rdma"] = False
    reads(lambda config: config["linux"].get("resources", {}).pop("rdma", None))


@mutant("features.linux.seccomp.enabled", also=["linux.seccomp.*"])
def filters_are_claimed_and_ignored():
    """Filters of system calls are said to be supported, and not loaded."""
    drop(init.PROGRAM, LoadSeccompFilter)


@mutant("features.linux.seccomp.enabled", "config.valid-values.unsupported-errors")
def filters_are_denied_and_ignored():
    """Filters of system calls are said not to be supported, and ignored."""
    skip(seccomp, "features", {"enabled": False})
    without("linux", "seccomp")


@mutant("features.linux.seccomp.actions.recognized", also=["linux.seccomp.*"])
def a_listed_action_is_refused():
    """KILL_THREAD is listed, and refused."""
    refusing(lambda config: [one["action"] for one in rules(config)], "SCMP_ACT_KILL_THREAD")


@mutant("features.linux.seccomp.actions.recognized")
def an_action_is_listed_that_there_is_not():
    """An action is listed that create does not know."""
    says_of_seccomp(lambda said: said["actions"].append("SCMP_ACT_AUDIT"))


@mutant("features.linux.seccomp.operators.recognized", also=["linux.seccomp.*"])
def a_listed_operator_is_another_one():
    """GE is listed, and means GT."""

    def change(config):
        for one in rules(config):
            for condition in one.get("args", []):
                if condition["op"] == "SCMP_CMP_GE":
                    condition["op"] = "SCMP_CMP_GT"

    reads(change)


@mutant("features.linux.seccomp.operators.recognized")
def an_operator_is_listed_that_there_is_not():
    """An operator is listed that create does not know."""
    says_of_seccomp(lambda said: said["operators"].append("SCMP_CMP_IN"))


@mutant("features.linux.seccomp.archs.recognized")
def an_architecture_is_listed_that_there_is_not():
    """An architecture is listed that create does not know."""
    says_of_seccomp(lambda said: said["archs"].append("SCMP_ARCH_VAX"))


@mutant("features.linux.seccomp.archs.recognized", also=["linux.seccomp.*"])
def a_listed_architecture_is_refused():
    """RISCV64 is listed, and refused."""

    def find(config):
        return config["linux"].get("seccomp", {}).get("architectures", [])

    refusing(find, "SCMP_ARCH_RISCV64")


@mutant(
    "features.linux.seccomp.known-flags.recognized",
    "features.linux.seccomp.supported-flags.recognized",
    also=["linux.seccomp.*"],
)
def a_supported_flag_is_refused():
    """SPEC_ALLOW is said to be known and supported, and refused."""

    def find(config):
        return config["linux"].get("seccomp", {}).get("flags", [])

    refusing(find, "SECCOMP_FILTER_FLAG_SPEC_ALLOW")


@mutant("features.linux.seccomp.supported-flags.subset")
def a_supported_flag_is_not_known():
    """A flag is said to be supported and not said to be known."""
    says_of_seccomp(lambda said: said["knownFlags"].remove("SECCOMP_FILTER_FLAG_LOG"))


@mutant("features.linux.apparmor.enabled", "config.valid-values.unsupported-errors")
def profiles_are_denied_and_ignored():
    """AppArmor is said not to be supported, and profiles are ignored."""
    LINUX["apparmor"]["enabled"] = False
    without("process", "apparmorProfile")


@mutant("features.linux.selinux.enabled", "config.valid-values.unsupported-errors")
def labels_are_denied_and_ignored():
    """SELinux is said not to be supported, and labels are ignored."""
    LINUX["selinux"]["enabled"] = False
    without("process", "selinuxLabel")


@mutant("features.linux.intel-rdt.enabled", "config.valid-values.unsupported-errors")
def resctrl_is_denied_and_ignored():
    """Intel RDT is said not to be supported, and ignored."""
    LINUX["intelRdt"]["enabled"] = False
    without("linux", "intelRdt")


@mutant("features.linux.intel-rdt.schemata", also=["linux.intel-rdt.*"], needs="resctrl")
def schemata_are_claimed_and_ignored():
    """schemata is said to be supported, and ignored."""
    reads(lambda config: config["linux"].get("intelRdt", {}).pop("schemata", None))


@mutant("features.linux.intel-rdt.monitoring", also=["linux.intel-rdt.*"], needs="resctrl")
def monitoring_is_claimed_and_ignored():
    """enableMonitoring is said to be supported, and ignored."""
    reads(lambda config: config["linux"].get("intelRdt", {}).pop("enableMonitoring", None))


@mutant("features.linux.memory-policy.modes.recognized", also=["linux.memory-policy.*"])
def a_listed_memory_policy_is_refused():
    """MPOL_INTERLEAVE is listed, and refused."""
    refusing(lambda config: config["linux"].get("memoryPolicy", {}).values(), "MPOL_INTERLEAVE")


@mutant("features.linux.memory-policy.flags.recognized", also=["linux.memory-policy.*"])
def flags_of_memory_policies_are_claimed_and_ignored():
    """Flags of memory policies are listed, and ignored."""
    reads(lambda config: config["linux"].get("memoryPolicy", {}).pop("flags", None))


# What is not applied is not mapped.
@mutant("features.linux.mount-extensions.idmap.enabled", also=["config.mounts.*"])
def mappings_of_mounts_are_claimed_and_ignored():
    """Mappings of mounts are said to be used, and ignored."""

    def change(config):
        for entry in config["mounts"]:
            for name in ("uidMappings", "gidMappings"):
                entry.pop(name, None)

    reads(change)


@mutant("features.linux.mount-extensions.idmap.partial-still-true")
def mappings_of_mounts_are_denied_and_used():
    """Mappings of mounts are said not to be used, and are."""
    LINUX["mountExtensions"]["idmap"]["enabled"] = False


@mutant("features.linux.net-devices.enabled", also=["linux.net-devices.*"])
def network_devices_are_claimed_and_ignored():
    """Network devices are said to be moved, and are not."""
    without("linux", "netDevices")


@mutant(
    "features.linux.net-devices.enabled",
    "config.valid-values.unsupported-errors",
    also=["linux.net-devices.*"],
)
def network_devices_are_denied_and_ignored():
    """Network devices are said not to be moved, and ignored."""
    LINUX["netDevices"]["enabled"] = False
    without("linux", "netDevices")
