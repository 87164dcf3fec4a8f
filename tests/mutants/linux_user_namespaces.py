"""Mutants of config-linux.md: user namespace mappings, offset for time namespace."""

from __future__ import annotations

import os

from reference_runtime import namespaces, op_create, validate
from tests.mutants.breaking import mutant, wrap

MOST = 340


def amending(amend):
    """Change linux of the configuration before it is checked."""

    def check(original, config):
        amend(config["linux"])
        original(config)

    wrap(validate, "configuration", check)


def mapping(kind, change):
    """Change the mappings of users or groups before they are written."""

    def write(original, made, pid):
        made.linux[f"{kind}Mappings"] = change(made.linux[f"{kind}Mappings"])
        original(made, pid)

    wrap(namespaces, "write_id_maps", write)


def side_by_side(rows):
    """Put all ranges of the host behind the first."""
    next_id = rows[0]["hostID"]
    placed = []
    for row in rows:
        placed.append({**row, "hostID": next_id})
        next_id += row["size"]
    return placed


def shifting(change):
    """Change the offsets of the clocks, all at once, before they are set."""

    def set_offsets(original, made):
        if made.linux.get("timeOffsets"):
            made.linux["timeOffsets"] = change(made.linux["timeOffsets"])
        original(made)

    wrap(namespaces, "set_time_offsets", set_offsets)


@mutant("linux.uid-mappings.applied")
def ranges_of_users_are_put_side_by_side():
    """Of several ranges of users only the first is where it is to be on the host."""
    mapping("uid", side_by_side)


@mutant("linux.gid-mappings.applied")
def ranges_of_groups_are_put_side_by_side():
    """Of several ranges of groups only the first is where it is to be on the host."""
    mapping("gid", side_by_side)


@mutant("linux.id-mappings.size-required")
def a_mapping_without_a_size_has_a_usual_one():
    """A mapping without a size is one of 65536 IDs."""

    def amend(linux):
        for row in linux.get("uidMappings", []):
            row.setdefault("size", 65536)

    amending(amend)


@mutant("linux.id-mappings.no-chown")
def the_root_filesystem_is_given_to_the_mapped_root():
    """Files of the bundle belong to other users after create."""

    def run(original, self, made):
        original(self, made)
        if made.has_new_namespace("user"):
            owner = made.linux["uidMappings"][0]["hostID"]
            os.chown(f"{made.rootfs}/etc", owner, owner)

    wrap(op_create.MapIds, "run", run)


@mutant("linux.id-mappings.kernel-limit")
def mappings_beyond_the_limit_are_dropped():
    """Of more mappings than the kernel takes the first ones are set."""
    mapping("uid", lambda rows: rows[:MOST])


@mutant("linux.id-mappings.without-user-namespace")
def mappings_ask_for_a_user_namespace():
    """Mappings alone make a user namespace."""

    def amend(linux):
        kinds = [entry["type"] for entry in linux["namespaces"]]
        if linux.get("uidMappings") and "user" not in kinds:
            linux["namespaces"].append({"type": "user"})

    amending(amend)


@mutant("linux.time-offsets.monotonic", "linux.time-offsets.boottime")
def clocks_are_mixed_up():
    """The offset of one clock is set for the other."""
    other = {"monotonic": "boottime", "boottime": "monotonic"}
    shifting(lambda offsets: {other[clock]: offset for clock, offset in offsets.items()})


@mutant("linux.time-offsets.secs")
def negative_offsets_are_dropped():
    """A clock cannot be set back."""

    def change(offsets):
        return {c: {**o, "secs": max(0, o.get("secs", 0))} for c, o in offsets.items()}

    shifting(change)


@mutant("linux.time-offsets.nanosecs")
def nanoseconds_are_dropped():
    """An offset is of whole seconds."""
    shifting(lambda offsets: {c: {"secs": o.get("secs", 0)} for c, o in offsets.items()})


@mutant("linux.time-offsets.without-time-ns")
def offsets_without_a_namespace_are_dropped():
    """Offsets are ignored where there is no time namespace."""

    def amend(linux):
        if all(entry.get("type") != "time" for entry in linux["namespaces"]):
            linux.pop("timeOffsets", None)

    amending(amend)
