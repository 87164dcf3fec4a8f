"""Mutants of features.md: what the runtime says of itself, and what it then does."""

from __future__ import annotations

import os

from reference_runtime import errors, init, mount_options, op_features
from tests.mutants.breaking import drop, mutant, reads, wrap

SAID = op_features.FEATURES


def refuse(problem):
    """Refuse a configuration."""
    raise errors.OperationError(problem)


def claims(**versions):
    """Claim other versions of the specification."""
    SAID.update({f"ociVersion{end.capitalize()}": text for end, text in versions.items()})


# Nothing else can be judged of what cannot be read.
@mutant("features.json-object", also=["features.*", "config.valid-values.unsupported-errors"])
def a_message_is_mixed_in():
    """Features prints a message before the structure."""

    def run(original, arguments):
        os.write(1, b'time="2026-01-02T03:04:05Z" level=info msg="asked for features"\n')
        original(arguments)

    wrap(op_features, "run", run)


@mutant("features.json-object")
def flags_are_texts():
    """What is true or false is a string."""
    SAID["linux"]["cgroup"]["rdma"] = "true"


@mutant("features.version-min.present", also=["features.version-*"])
def there_is_no_oldest_release():
    """The oldest release is null."""
    SAID["ociVersionMin"] = None


@mutant("features.version-max.present", also=["features.version-*"])
def there_is_half_a_newest_release():
    """The newest release is named without its third number."""
    claims(max="1.3")


@mutant("features.version-min.accepted", "features.version-max.accepted")
def pre_releases_are_listed_and_refused():
    """The oldest and the newest release are pre-releases, which create refuses."""
    claims(min="1.0.0-rc.5", max="1.3.0-dev")
    reads(lambda config: refuse("ociVersion") if "-" in config["ociVersion"] else None)


@mutant("features.version-max.not-below-min")
def the_newest_release_precedes_the_oldest():
    """The newest release is the pre-release of the oldest one."""
    claims(min="1.0.2", max="1.0.2-dev")


@mutant("features.no-undefined-properties")
def there_is_a_property_of_its_own():
    """The structure says where the runtime comes from."""
    SAID["linux"]["vendor"] = {"name": "reference"}


@mutant("features.no-undefined-properties")
def newer_properties_are_in_an_older_structure():
    """The structure follows release 1.1.0, and has what came later."""
    claims(max="1.1.0")


# A kind of hooks that is never called.
@mutant("features.hooks.supported", also=["config.hooks.*", "runtime.lifecycle.*"])
def a_listed_kind_of_hooks_is_not_called():
    """startContainer is listed, and its hooks are not called."""
    drop(init.PROGRAM, init.StartContainerHooks)


@mutant("features.hooks.names")
def a_kind_of_hooks_is_misspelt():
    """A kind of hooks that there is not is listed."""
    SAID["hooks"].append("preStart")


@mutant("features.mount-options.recognized", also=["config.mounts.options.*"])
def a_listed_option_is_passed_to_the_file_system():
    """nosymfollow is listed, and left to the file system."""
    del mount_options.FLAGS["nosymfollow"]


@mutant("features.mount-options.recognized", also=["config.mounts.options.*"])
def a_listed_recursive_option_is_passed_to_the_file_system():
    """rro is listed, and left to the file system."""
    del mount_options.RECURSIVE["rro"]


@mutant("features.mount-options.no-fs-specific")
def options_of_a_tmpfs_are_listed():
    """Options that only some file systems know are listed."""
    SAID["mountOptions"] += ["mode", "size"]


@mutant("features.annotations.map")
def annotations_have_flags():
    """A value of annotations is a boolean."""
    SAID["annotations"]["reference-runtime.checkpoint"] = True


@mutant("features.annotations.map")
def annotations_have_an_empty_key():
    """A key of annotations is empty."""
    SAID["annotations"][""] = "nothing"


@mutant("features.compile-time")
def what_the_caller_may_not_do_is_left_out():
    """The features are those that the caller has the capabilities for."""

    def run(original, arguments):
        with open("/proc/self/status", encoding="ascii") as file:
            held = next(int(line.split()[1], 16) for line in file if line.startswith("CapEff"))
        names = SAID["linux"]["capabilities"]
        SAID["linux"]["capabilities"] = [n for i, n in enumerate(names) if held >> i & 1]
        original(arguments)

    wrap(op_features, "run", run)


# What depends on the host depends on when it is asked.
@mutant(
    "features.linux.cgroup.host-independent",
    "features.linux.seccomp.host-independent",
    "features.linux.apparmor.host-independent",
    "features.linux.selinux.host-independent",
    "features.linux.intel-rdt.host-independent",
    "features.linux.mount-extensions.host-independent",
    also=["features.compile-time"],
)
def what_the_host_lacks_is_left_out():
    """The features are those that sysfs says the host has."""

    def dumps(original, said):
        if "ociVersionMin" in said and not os.listdir("/sys"):
            names = ("namespaces", "capabilities")
            said["linux"] = {name: said["linux"][name] for name in names}
        return original(said)

    wrap(op_features.jsonlite, "dumps", dumps)
