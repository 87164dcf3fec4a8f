"""Mutants of config.md: mount options for trees, their propagation, and options as a whole."""

from __future__ import annotations

from reference_runtime import copy_up, mount_options, mounts, syscalls
from tests.mutants.breaking import mutant, skip, wrap


@mutant(
    "config.mounts.options.ratime",
    "config.mounts.options.rdev",
    "config.mounts.options.rdiratime",
    "config.mounts.options.rexec",
    "config.mounts.options.rnoatime",
    "config.mounts.options.rnodiratime",
    "config.mounts.options.rnoexec",
    "config.mounts.options.rnostrictatime",
    "config.mounts.options.rnosuid",
    "config.mounts.options.rnosymfollow",
    "config.mounts.options.rrelatime",
    "config.mounts.options.rro",
    "config.mounts.options.rrw",
    "config.mounts.options.rstrictatime",
    "config.mounts.options.rsuid",
    "config.mounts.options.rsymfollow",
)
def recursive_options_reach_the_top_only():
    """An option for a tree of mounts changes the first of them."""
    wrap(mounts, "set_attributes", lambda original, tree, _flags, change: original(tree, 0, change))


@mutant("config.mounts.options.rnorelatime")
def rnorelatime_is_refused():
    """The runtime asks the kernel for what is no access time."""
    mount_options.RECURSIVE["rnorelatime"] = (0x30, 0)


@mutant(
    "config.mounts.options.private",
    "config.mounts.options.shared",
    "config.mounts.options.slave",
    "config.mounts.options.unbindable",
)
def propagation_is_always_recursive():
    """Propagation is changed for the mounts below as well."""
    for name in ("private", "shared", "slave", "unbindable"):
        mount_options.PROPAGATION[name] |= syscalls.MS_REC


@mutant(
    "config.mounts.options.rprivate",
    "config.mounts.options.rshared",
    "config.mounts.options.rslave",
    "config.mounts.options.runbindable",
)
def propagation_is_never_recursive():
    """Propagation is changed for the first mount of a tree only."""
    for name in ("private", "shared", "slave", "unbindable"):
        mount_options.PROPAGATION[f"r{name}"] &= ~syscalls.MS_REC


@mutant(
    "config.mounts.options.private",
    "config.mounts.options.shared",
    "config.mounts.options.unbindable",
)
def propagation_is_ignored():
    """Bind mounts propagate as their source does."""
    skip(mounts, "set_propagation")


@mutant("config.mounts.options.slave", "config.mounts.options.rslave")
def slaves_are_cut_off():
    """A slave is private: nothing propagates to it."""
    mount_options.PROPAGATION["slave"] = syscalls.MS_PRIVATE
    mount_options.PROPAGATION["rslave"] = syscalls.MS_PRIVATE | syscalls.MS_REC


@mutant("config.mounts.options.must-set-complete")
def an_option_of_the_table_is_forgotten():
    """One option of the table is unknown, so the file system gets and refuses it."""
    del mount_options.FLAGS["iversion"]


@mutant("config.mounts.options.tmpcopyup")
def nothing_is_copied():
    """The option tmpcopyup is taken, and the tmpfs is empty."""
    skip(copy_up, "copy_to_mount")


@mutant("config.mounts.options.custom-follow-mount8")
def user_is_no_restriction():
    """The option user is listed and known, and does not imply nosuid, nodev and noexec."""
    mount_options.FLAGS["user"] = (0, 0)
    mount_options.KNOWN = (*mount_options.KNOWN, "user")


def with_data(change):
    """Have file systems get what ``change`` makes of the options that are unknown."""

    def filesystem(original, creation, entry, options):
        options.data = change(options.data)
        original(creation, entry, options)

    wrap(mounts, "filesystem", filesystem)


@mutant("config.mounts.options.unknown-to-data")
def unknown_options_are_dropped():
    """Unknown options have no effect, and are no error."""
    with_data(lambda _data: "")


@mutant("config.mounts.options.unknown-to-data.v1-1")
def unknown_options_were_dropped():
    """Unknown options have no effect."""
    with_data(lambda _data: "")


@mutant("config.mounts.options.unknown-comma-separated")
def the_last_unknown_option_is_passed_alone():
    """Of several unknown options the file system gets one."""
    with_data(lambda data: data.rpartition(",")[2])
