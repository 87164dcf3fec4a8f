"""Mutants of config.md: order, places, sources and types of mounts."""

from __future__ import annotations

import os
import signal

from reference_runtime import mount_options, mounts, rootfs, syscalls, validate
from tests.mutants.breaking import mutant, wrap


def with_entries(change):
    """Have create mount what ``change`` makes of the list of entries."""

    def mount_all(original, creation):
        creation.config["mounts"] = change(creation.config.get("mounts", []))
        original(creation)

    wrap(mounts, "mount_all", mount_all)


def with_entry(change):
    """Have create mount what ``change`` makes of each entry; it is given the creation too."""

    def mount_one(original, creation, entry):
        original(creation, change(creation, entry))

    wrap(mounts, "mount_one", mount_one)


def is_bind(entry):
    return bool(mount_options.BINDS.keys() & set(entry.get("options", [])))


@mutant("config.mounts.optional")
def no_mounts_crash_it():
    """A configuration without mounts ends the runtime by a signal."""

    def configuration(original, config):
        original(config)
        if "mounts" not in config:
            signal.raise_signal(signal.SIGKILL)

    wrap(validate, "configuration", configuration)


@mutant("config.mounts.listed-order")
def mounts_are_sorted_by_path():
    """The shortest destinations are mounted first, as an engine would."""
    with_entries(lambda entries: sorted(entries, key=lambda entry: entry["destination"]))


@mutant("config.mounts.listed-order")
def mounts_are_reversed_at_one_path():
    """Of two entries with one destination the first one is on top."""

    def swapped(entries):
        first = list({entry["destination"]: 0 for entry in entries})
        return [
            entry
            for path in first
            for entry in reversed([one for one in entries if one["destination"] == path])
        ]

    with_entries(swapped)


@mutant("config.mounts.listed-order")
def bind_mounts_come_last():
    """File systems are mounted before bind mounts."""
    with_entries(lambda entries: sorted(entries, key=is_bind))


@mutant("config.mounts.mount2-parameters")
def the_source_is_the_type():
    """A mount table shows the type where the source of the entry should be."""
    with_entry(
        lambda _creation, entry: entry if is_bind(entry) else {**entry, "source": entry["type"]}
    )


@mutant("config.mounts.mount2-parameters")
def flags_get_lost():
    """A file system is mounted without its flags."""

    def filesystem(original, creation, entry, options):
        options.flags = 0
        original(creation, entry, options)

    wrap(mounts, "filesystem", filesystem)


@mutant("config.mounts.destination.path-inside")
def links_lead_out_of_the_root():
    """A link in the root is followed to the host's files, which are mounted upon."""

    def make_in(_original, root, path, *, directory):
        found = os.path.realpath(os.readlink(f"/proc/self/fd/{root}") + f"/{path}")
        if directory:
            os.makedirs(found, exist_ok=True)
        return os.open(found, os.O_PATH)

    wrap(rootfs, "make_in", make_in)


@mutant(
    "config.mounts.destination.relative-from-root", "config.mounts.destination.relative-accepted"
)
def a_relative_destination_is_refused():
    """A relative destination is an error as it was in older releases."""

    def configuration(original, config):
        original(config)
        for entry in config.get("mounts", []):
            if not entry["destination"].startswith("/"):
                raise SystemExit(1)

    wrap(validate, "configuration", configuration)


@mutant("config.mounts.destination.relative-from-root")
def a_relative_destination_is_below_cwd():
    """A relative destination is taken from process.cwd."""
    with_entry(
        lambda creation, entry: {
            **entry,
            "destination": os.path.join(creation.process["cwd"], entry["destination"]),
        }
    )


@mutant("config.mounts.destination.absolute.must")
def a_relative_destination_is_taken_from_the_root():
    """A relative destination is accepted, as in later releases."""


@mutant("config.mounts.source.absolute-bind")
def an_absolute_source_is_looked_up_in_the_root():
    """The source of a bind mount is taken from the root file system."""
    with_entry(
        lambda creation, entry: (
            {**entry, "source": f"{creation.rootfs}{entry['source']}"} if is_bind(entry) else entry
        )
    )


@mutant("config.mounts.source.relative-to-bundle")
def a_relative_source_is_looked_up_in_the_working_directory():
    """The source of a bind mount depends on where the runtime is called."""
    here = os.getcwd()
    with_entry(
        lambda _creation, entry: (
            {**entry, "source": os.path.join(here, entry["source"])} if is_bind(entry) else entry
        )
    )


@mutant("config.mounts.source.file-or-dir")
def files_cannot_be_bound():
    """The source of a bind mount has to be a directory."""

    def open_source(original, *arguments):
        tree = original(*arguments)
        if not rootfs.is_directory(tree):
            raise NotADirectoryError(20, "Not a directory")
        return tree

    wrap(mounts, "open_source", open_source)


@mutant("config.mounts.source.dummy")
def every_source_is_looked_up():
    """The source of a tmpfs has to be there."""

    def filesystem(original, creation, entry, options):
        if "/" in entry.get("source", "/"):
            os.stat(entry.get("source", ""))
        original(creation, entry, options)

    wrap(mounts, "filesystem", filesystem)


@mutant("config.mounts.bind-by-option", "config.mounts.type.dummy-for-bind")
def the_type_decides():
    """Only an entry of the type none or bind is a bind mount, another one is a new file system."""

    def mount_one(original, creation, entry):
        if entry.get("type", "bind") not in {"none", "bind"}:
            options = [o for o in entry.get("options", []) if o not in mount_options.BINDS]
            entry = {**entry, "options": options}
        original(creation, entry)

    wrap(mounts, "mount_one", mount_one)


@mutant("config.mounts.options.absent")
def a_mount_is_restricted_by_default():
    """Without options a mount is nosuid, nodev and noexec."""

    def filesystem(original, creation, entry, options):
        if not entry.get("options"):
            options.flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
        original(creation, entry, options)

    wrap(mounts, "filesystem", filesystem)


@mutant("config.mounts.type.filesystem")
def a_message_queue_is_a_tmpfs():
    """The directory of message queues is a mere tmpfs."""
    with_entry(
        lambda _creation, entry: (
            {**entry, "type": "tmpfs"} if entry.get("type") == "mqueue" else entry
        )
    )


@mutant("config.mounts.type.unknown-errors")
def an_unknown_type_is_a_bind_mount():
    """What has no type of the kernel is bound."""
    with_entry(
        lambda _creation, entry: (
            {**entry, "options": ["bind"]} if entry.get("type") == "nosuchfs" else entry
        )
    )


@mutant("config.mounts.source.device")
def a_device_is_bound():
    """The directory of the device is mounted, not what is on it."""
    with_entry(
        lambda _creation, entry: (
            {**entry, "source": os.path.dirname(entry["source"]), "options": ["bind"]}
            if entry.get("type") == "ext2"
            else entry
        )
    )
