"""Mutants of config.md: Linux mount options, each by its name."""

from __future__ import annotations

from reference_runtime import mount_options, mounts, syscalls
from tests.mutants.breaking import mutant, replace, skip, wrap


def unknown(*names):
    """Have the runtime not know options, so that they are left to the file system."""
    for name in names:
        del mount_options.FLAGS[name]


def ignored(*names):
    """Have options do nothing."""
    for name in names:
        mount_options.FLAGS[name] = (0, 0)
        mount_options.ATTRIBUTES[name] = (0, 0)


def taken_for(**names):
    """Have options do what another one does."""
    for name, other in names.items():
        mount_options.FLAGS[name] = mount_options.FLAGS[other]


@mutant(
    "config.mounts.options.atime",
    "config.mounts.options.dev",
    "config.mounts.options.diratime",
    "config.mounts.options.exec",
    "config.mounts.options.nostrictatime",
    "config.mounts.options.suid",
)
def names_without_a_flag_are_unknown():
    """Names of what is on anyway are handed to the file system, which refuses them."""
    unknown("atime", "dev", "diratime", "exec", "nostrictatime", "suid")


@mutant(
    "config.mounts.options.iversion",
    "config.mounts.options.loud",
    "config.mounts.options.noiversion",
    "config.mounts.options.norelatime",
    "config.mounts.options.silent",
)
def names_without_a_trace_are_unknown():
    """Names that are rarely used are handed to the file system, which refuses them."""
    unknown("iversion", "loud", "noiversion", "norelatime", "silent")


@mutant(
    "config.mounts.options.async",
    "config.mounts.options.nolazytime",
    "config.mounts.options.rw",
)
def opposites_are_confused():
    """A name does what its opposite should."""
    taken_for(**{"async": "sync", "nolazytime": "lazytime", "rw": "ro"})
    mount_options.ATTRIBUTES["rw"] = mount_options.ATTRIBUTES["ro"]


@mutant(
    "config.mounts.options.noatime",
    "config.mounts.options.nodev",
    "config.mounts.options.nodiratime",
    "config.mounts.options.noexec",
    "config.mounts.options.nosuid",
    "config.mounts.options.nosymfollow",
    "config.mounts.options.relatime",
    "config.mounts.options.ro",
)
def flags_of_bind_mounts_are_lost():
    """The flags of a bind mount are given to mount(2) along with MS_BIND, which ignores them."""

    def set_attributes(original, tree, flags, attributes):
        if flags:
            original(tree, flags, attributes)

    wrap(mounts, "set_attributes", set_attributes)


@mutant("config.mounts.options.mount8")
def flags_of_bind_mounts_were_lost():
    """A bind mount has none of its flags, as in runtimes of old."""
    flags_of_bind_mounts_are_lost()


@mutant("config.mounts.options.mount8")
def every_bind_is_recursive():
    """With bind the mounts below the source come along."""
    mount_options.BINDS["bind"] = mount_options.BINDS["rbind"]


@mutant(
    "config.mounts.options.dirsync",
    "config.mounts.options.lazytime",
    "config.mounts.options.sync",
)
def flags_of_the_file_system_are_dropped():
    """Flags that concern the whole file system are known and forgotten."""
    ignored("dirsync", "lazytime", "sync")


@mutant("config.mounts.options.noatime", "config.mounts.options.nodiratime")
def noatime_and_nodiratime_are_swapped():
    """Access times of files are kept where those of directories should be, and the reverse."""
    flags, attributes = mount_options.FLAGS, mount_options.ATTRIBUTES
    for table in (flags, attributes):
        table["noatime"], table["nodiratime"] = table["nodiratime"], table["noatime"]


@mutant("config.mounts.options.defaults")
def defaults_is_left_to_the_file_system():
    """A tmpfs with the option defaults cannot be mounted."""
    unknown("defaults")


@mutant("config.mounts.options.defaults")
def defaults_is_restrictive():
    """With defaults a mount is nosuid and nodev, as an engine would have it."""
    mount_options.FLAGS["defaults"] = (syscalls.MS_NOSUID | syscalls.MS_NODEV, 0)


@mutant("config.mounts.options.strictatime")
def strictatime_is_dropped():
    """The access time follows changes only."""
    ignored("strictatime")


@mutant("config.mounts.options.strictatime")
def strictatime_is_noatime():
    """The access time is never changed."""
    taken_for(strictatime="noatime")


@mutant("config.mounts.options.nosymfollow")
def nosymfollow_is_ignored():
    """Links of the mount are followed."""
    ignored("nosymfollow")


@mutant("config.mounts.options.symfollow")
def symfollow_is_ignored():
    """Links are not followed in spite of symfollow."""
    ignored("symfollow")


@mutant("config.mounts.options.remount")
def remount_mounts_anew():
    """Another mount covers the one that was to be changed."""
    mount_options.FLAGS["remount"] = (0, 0)


@mutant("config.mounts.options.remount")
def remount_changes_nothing():
    """An entry with remount is passed over."""
    skip(mounts, "remount")


@mutant("config.mounts.options.bind")
def bind_is_recursive():
    """With bind the mounts below the source come along."""
    mount_options.BINDS["bind"] = mount_options.BINDS["rbind"]


@mutant("config.mounts.options.rbind")
def rbind_is_not_recursive():
    """With rbind the mounts below the source are missing."""
    replace(mount_options, "BINDS", dict.fromkeys(("bind", "rbind"), syscalls.MS_BIND))
