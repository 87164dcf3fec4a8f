"""Mutants of config-linux.md: namespaces."""

from __future__ import annotations

import os

from reference_runtime import creation, init, namespaces, syscalls, validate
from tests.mutants.breaking import drop, mutant, replace, skip, wrap

ALL_IDS = [{"containerID": 0, "hostID": 0, "size": 2**32 - 1}]


def amending(amend):
    """Change the configuration before it is checked."""

    def check(original, config):
        amend(config)
        original(config)

    wrap(validate, "configuration", check)


def beginning(change):
    """Change what create knows of its valid configuration; ``change(made, namespaces)``."""

    def begin(original, self, *arguments):
        original(self, *arguments)
        change(self, self._namespaces)

    wrap(creation.Creation, "__init__", begin)


def ignoring(kind):
    """Accept the entry of this kind and do nothing for it."""
    beginning(lambda _made, listed: listed.pop(kind, None))


@mutant("linux.namespaces.type.pid.effect")
def pid_entries_are_ignored():
    """The processes of the host are to be seen in the container."""
    ignoring("pid")


@mutant("linux.namespaces.type.network.effect")
def network_entries_are_ignored():
    """The container has the host's network devices."""
    ignoring("network")


@mutant("linux.namespaces.type.mount.effect")
def mount_entries_are_ignored():
    """What the container mounts, the host has mounted."""
    ignoring("mount")


@mutant("linux.namespaces.type.ipc.effect")
def ipc_entries_are_ignored():
    """The container uses the host's shared memory and queues."""
    ignoring("ipc")


@mutant("linux.namespaces.type.uts.effect")
def uts_entries_are_ignored():
    """A container that renames itself renames the host."""
    ignoring("uts")
    drop(init.ENVIRONMENT, init.Names)  # which would


@mutant("linux.namespaces.type.user.effect")
def user_entries_are_ignored():
    """Root of the container is root of the host."""
    ignoring("user")


@mutant("linux.namespaces.type.cgroup.effect")
def the_cgroup_namespace_is_made_too_early():
    """The root of the container's view is the runtime's cgroup."""

    def enter(original, made):
        original(made)
        if made.has_new_namespace("cgroup"):
            syscalls.unshare(syscalls.CLONE_NEWCGROUP)

    wrap(namespaces, "enter_others", enter)
    drop(init.ENVIRONMENT, init.CgroupNamespace)


@mutant("linux.namespaces.type.time.effect")
def time_entries_are_ignored():
    """The container has the host's clocks."""
    ignoring("time")


@mutant("linux.namespaces.types-supported", "linux.namespaces.no-path.new")
def cgroup_entries_are_ignored():
    """No cgroup namespace is ever made."""
    ignoring("cgroup")


@mutant("linux.namespaces.type.required")
def entries_without_a_type_are_skipped():
    """An entry that names no type is passed over."""

    def amend(config):
        listed = config["linux"]["namespaces"]
        config["linux"]["namespaces"] = [entry for entry in listed if "type" in entry]

    amending(amend)


@mutant("linux.namespaces.type.unknown-errors")
def types_have_short_names():
    """Net is taken for network."""

    def amend(config):
        for entry in config["linux"]["namespaces"]:
            if entry["type"] == "net":
                entry["type"] = "network"

    amending(amend)


@mutant("linux.namespaces.type.unknown-errors")
def unknown_types_are_skipped():
    """An entry of an unknown type is passed over."""

    def amend(config):
        listed = config["linux"]["namespaces"]
        known = namespaces.FLAGS
        config["linux"]["namespaces"] = [entry for entry in listed if entry["type"] in known]

    amending(amend)


@mutant("linux.namespaces.path.absolute")
def paths_are_relative_to_the_working_directory():
    """A relative path is taken from where the runtime was called."""

    def amend(config):
        for entry in config["linux"]["namespaces"]:
            if "path" in entry:
                entry["path"] = os.path.abspath(entry["path"])

    amending(amend)


@mutant("linux.namespaces.path.runtime-mount-ns")
def paths_are_looked_up_in_the_root_filesystem():
    """A path is looked up among the container's own files."""

    def look(original, made):
        for entry in made.linux["namespaces"]:
            if "path" in entry:
                entry["path"] = made.rootfs + entry["path"]
        original(made)

    wrap(namespaces, "open_paths", look)


@mutant(
    "linux.namespaces.path.joined",
    "linux.namespaces.path.joined.pid",
    "linux.namespaces.path.joined.network",
    "linux.namespaces.path.joined.ipc",
    "linux.namespaces.path.joined.uts",
    "linux.namespaces.path.joined.cgroup",
    "linux.namespaces.path.joined.time",
    "linux.namespaces.path.joined.mount",
)
def paths_are_ignored():
    """A new namespace is made where one is to be joined."""
    beginning(lambda _made, listed: [entry.pop("path", None) for entry in listed.values()])


@mutant("linux.namespaces.path.joined.user")
def the_path_of_a_user_namespace_is_ignored():
    """A user namespace is never joined; the container is in the runtime's."""

    def change(_made, listed):
        if "path" in listed.get("user", {}):
            del listed["user"]

    beginning(change)
    skip(namespaces, "enter_user_namespace")


@mutant("linux.namespaces.path.wrong-type-errors")
def the_type_of_a_namespace_is_not_checked():
    """The path of a namespace of another type is joined as what it is."""
    replace(namespaces, "_join", lambda made, kind: syscalls.setns(made.namespace_fds[kind], 0))


@mutant("linux.namespaces.path.missing-errors")
def a_missing_namespace_is_made():
    """Where there is nothing at a path, a new namespace is made."""

    def change(_made, listed):
        for entry in listed.values():
            if not os.path.exists(entry.get("path", "/")):
                del entry["path"]

    beginning(change)


@mutant(
    "linux.namespaces.no-path.new",
    also=[
        "linux.namespaces.type.ipc.*",
        # All namespaces are to be the container's own when hooks are called, and hooks of the
        # runtime are in none of them.
        "config.hooks.*",
        "runtime.lifecycle.create.environment-per-config",
        # Parameters of System V IPC are set for the caller as well.
        "linux.sysctl.applied",
        # features lists the kind.
        "features.linux.namespaces.recognized",
    ],
)
def ipc_namespaces_are_never_new():
    """All containers are in the runtime's ipc namespace."""
    ignoring("ipc")


@mutant(
    "linux.namespaces.unlisted-inherited.pid",
    "linux.namespaces.unlisted-inherited.network",
    "linux.namespaces.unlisted-inherited.ipc",
    "linux.namespaces.unlisted-inherited.uts",
    "linux.namespaces.unlisted-inherited.cgroup",
    "linux.namespaces.unlisted-inherited.time",
    "linux.namespaces.unlisted-inherited.mount",
)
def what_is_not_listed_is_made_new():
    """The container shares no namespace with the runtime, whatever is listed."""

    def change(_made, listed):
        for kind in namespaces.FLAGS:
            if kind != "user":
                listed.setdefault(kind, {"type": kind})

    beginning(change)


@mutant("linux.namespaces.unlisted-inherited.user")
def a_user_namespace_is_always_made():
    """The container has a user namespace that it did not ask for, with the IDs of the host."""

    def change(made, listed):
        listed.setdefault("user", {"type": "user"})
        for name in ("uidMappings", "gidMappings"):
            made.linux.setdefault(name, ALL_IDS)

    beginning(change)


@mutant("linux.namespaces.duplicate-errors")
def the_last_of_two_entries_wins():
    """A type may be listed twice."""

    def amend(config):
        listed = {entry["type"]: entry for entry in config["linux"]["namespaces"]}
        config["linux"]["namespaces"] = list(listed.values())

    amending(amend)
