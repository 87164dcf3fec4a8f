"""Mutants of config-linux.md: control groups, cgroups path, cgroup ownership."""

from __future__ import annotations

import os
from contextlib import suppress

from reference_runtime import cgroups, errors, ownership, report
from tests.mutants.breaking import mutant, reads, replace, wrap


def planning(change):
    """Have the path changed before the cgroups are planned: ``change(path, identifier)``."""

    def plan(original, path, identifier, mounted):
        return original(change(path, identifier), identifier, mounted)

    wrap(cgroups, "plan", plan)


def attaching(before):
    """Do something to each planned cgroup before the process is moved into it."""

    def attach(original, planned, pid):
        for entry in planned:
            before(entry)
        original(planned, pid)

    wrap(cgroups, "attach", attach)


def own_cgroup():
    """Path of the runtime's own cgroup."""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        paths = [line.rstrip("\n").split(":", 2)[2] for line in file]
    return max(paths, key=len)


@mutant("linux.cgroups.unfit-errors")
def a_frozen_cgroup_is_only_warned_of():
    """Create says that the cgroup is frozen, and goes on."""

    def warn(original, leaf):
        try:
            original(leaf)
        except errors.OperationError as error:
            report.warning(str(error))

    wrap(cgroups, "refuse_frozen", warn)


@mutant("linux.cgroups-path.absolute")
def an_absolute_path_begins_at_the_own_cgroup():
    """An absolute path is taken from the cgroup of the runtime."""
    planning(lambda path, _: f"{own_cgroup()}{path}" if path and path.startswith("/") else path)


@mutant("linux.cgroups-path.consistent")
def the_id_is_put_behind_the_path():
    """Each container has a cgroup of its own, whatever the path."""
    planning(lambda path, identifier: f"{path}/{identifier}" if path else path)


@mutant("linux.cgroups-path.invalid-errors")
def dots_lead_out_of_the_hierarchy():
    """A path with .. makes a directory beside the hierarchies."""

    def make(config):
        path = config.get("linux", {}).get("cgroupsPath", "")
        if ".." in path:
            with suppress(OSError):
                os.makedirs(os.path.normpath(f"/sys/fs/cgroup/memory/{path}"))

    reads(make)


# Where no path is given, one in several parts may be chosen.
@mutant("linux.cgroups-path.created", also=["linux.cgroups-path.default"])
def a_missing_cgroup_above_is_an_error():
    """Only the last part of the path is made."""

    def make(original, planned):
        if any(len(entry["made"]) > 1 for entry in planned):
            message = "linux.cgroupsPath: no such file or directory"
            raise errors.OperationError(message)
        original(planned)

    wrap(cgroups, "make", make)


# What limits the processor is looked for where the process is.
@mutant("linux.cgroups-path.process-attached", also=["linux.resources.cpu.*"])
def the_process_stays_out_of_the_cpu_cgroup():
    """The process joins all hierarchies but the one with the controller cpu."""

    def attach(original, planned, pid):
        original([entry for entry in planned if "cpu" not in entry["controllers"]], pid)

    wrap(cgroups, "attach", attach)


@mutant("linux.cgroups.resources-unset-untouched")
def every_cgroup_is_made_unlimited():
    """The memory of whatever cgroup is joined is not limited any more."""

    def before(entry):
        for file, value in (("memory.limit_in_bytes", "-1"), ("memory.max", "max")):
            if os.path.exists(f"{entry['leaf']}/{file}"):
                cgroups.write(f"{entry['leaf']}/{file}", value)

    attaching(before)


@mutant("linux.cgroup-ownership.not-on-v1")
def cgroups_of_v1_are_given_away():
    """On v1, too, the cgroup belongs to the mapped root."""
    attaching(lambda entry: os.chown(entry["leaf"], 100000, -1))


@mutant("linux.cgroup-ownership.uid", needs="cgroup v2")
def the_cgroup_belongs_to_the_mapped_root():
    """The cgroup belongs to root of the container, whoever the process is."""
    replace(ownership, "owner", lambda creation: creation.linux["uidMappings"][0]["hostID"])


@mutant("linux.cgroup-ownership.needs-cgroup-ns", needs="cgroup v2")
def the_cgroup_is_given_away_without_a_namespace():
    """The cgroup is given away though the container sees those of the host."""
    attaching(lambda entry: ownership.give(entry["leaf"], 100007))


@mutant("linux.cgroup-ownership.iff-rw-mount", needs="cgroup v2")
def the_cgroup_is_given_away_for_a_readonly_mount():
    """The option ro of the mount says nothing."""
    replace(ownership, "is_writable_view", lambda entry: entry.get("source") == "cgroup")


@mutant("linux.cgroup-ownership.no-mount-no-change", needs="cgroup v2")
def the_cgroup_is_given_away_without_a_mount():
    """The cgroup is given away where nobody can see it."""
    replace(ownership, "is_asked", lambda creation: creation.has_new_namespace("cgroup"))


@mutant(
    "linux.cgroup-ownership.only-delegate-files",
    "linux.cgroup-ownership.no-other-files",
    needs="cgroup v2",
)
def limits_are_given_away():
    """The container can lift its own limits."""
    wrap(ownership, "files", lambda original: [*original(), "memory.max", "pids.max"])


@mutant("linux.cgroup-ownership.missing-files-tolerated", needs="cgroup v2")
def a_listed_file_has_to_be_there():
    """A file of the list that the cgroup has not got is an error."""

    def give(original, directory, uid):
        for name in ownership.files():
            os.stat(f"{directory}/{name}")
        original(directory, uid)

    wrap(ownership, "give", give)


@mutant("linux.cgroup-ownership.existing-files-changed", needs="cgroup v2")
def the_directory_alone_is_given_away():
    """The files of the cgroup keep their owner."""
    replace(ownership, "give", lambda directory, uid: os.chown(directory, uid, -1))


@mutant("linux.cgroup-ownership.fallback-list", needs="cgroup v2")
def without_the_list_no_file_is_given_away():
    """Where the kernel has no list the files keep their owner."""
    replace(ownership, "_CORE", [])
