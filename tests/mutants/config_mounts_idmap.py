"""Mutants of config.md: ID-mapped mounts."""

from __future__ import annotations

import os

from reference_runtime import idmaps, mount_options, mounts, validate
from tests.mutants.breaking import mutant, replace, skip, wrap

SAME = [{"containerID": 0, "hostID": 0, "size": 65_536}]


def with_mappings(change):
    """Have mounts be mapped by what ``change`` makes of their mappings."""
    wrap(
        idmaps,
        "user_namespace",
        lambda original, creation, mappings: original(creation, change(mappings)),
    )


@mutant(
    "config.mounts.idmap.mapping-applied",
    "config.mounts.ridmap.mapping-applied",
    "config.mounts.options.idmap",
    "config.mounts.options.ridmap",
    also=[
        # Which mappings are taken, and how far down, is seen of what is mapped at all.
        "config.mounts.idmap.*",
        "config.mounts.ridmap.*",
        "config.mounts.uid-mappings.applied",
        "config.mounts.gid-mappings.applied",
        "config.mounts.rbind-vs-idmap-recursion",
        # features says that it is done.
        "features.linux.mount-extensions.idmap.enabled",
    ],
)
def the_option_is_ignored():
    """The options idmap and ridmap are known, and the mount shows the IDs of the host."""
    skip(mount_options, "is_idmapped", result=False)


@mutant("config.mounts.uid-mappings.applied")
def users_are_not_mapped():
    """Only the groups of files are mapped."""
    with_mappings(lambda mappings: {**mappings, "uidMappings": SAME})


@mutant("config.mounts.gid-mappings.applied")
def groups_are_not_mapped():
    """Only the users of files are mapped."""
    with_mappings(lambda mappings: {**mappings, "gidMappings": SAME})


@mutant("config.mounts.idmap.uses-given-mappings", "config.mounts.ridmap.uses-given-mappings")
def the_user_namespace_decides():
    """In a user namespace its mappings are used, whatever the mount has."""

    def mapping(original, creation, entry):
        if "user" in creation.namespace_fds or creation.has_namespace("user"):
            entry = {name: entry[name] for name in entry if not name.endswith("Mappings")}
        return original(creation, entry)

    wrap(idmaps, "mapping", mapping)


@mutant("config.mounts.idmap.defaults-to-userns", "config.mounts.ridmap.defaults-to-userns")
def without_mappings_nothing_is_mapped():
    """With idmap and no mappings a user namespace gets a plain bind mount."""
    wrap(
        mount_options,
        "is_idmapped",
        lambda original, entry: bool(entry.get("uidMappings")) and original(entry),
    )


@mutant(
    "config.mounts.idmap.no-mapping-no-userns-errors",
    "config.mounts.ridmap.no-mapping-no-userns-errors",
)
def without_mappings_idmap_is_a_bind():
    """With idmap, no mappings and no user namespace there is a plain bind mount."""
    without_mappings_nothing_is_mapped()


@mutant(
    "config.mounts.idmap.via-mount-setattr",
    "config.mounts.ridmap.via-mount-setattr",
    "config.mounts.uid-mappings.via-mount-setattr",
    "config.mounts.gid-mappings.via-mount-setattr",
)
def the_files_are_given_away():
    """The files at the source get the owners that they are to be seen with."""

    def prepare_one(_original, creation, entry):
        for path, _, names in os.walk(entry["source"]):
            for name in names:
                change_owner(os.path.join(path, name), entry)
        return mounts.open_source(creation, entry, mount_options.Options(entry["options"]))

    wrap(idmaps, "prepare_one", prepare_one)


def change_owner(path, entry):
    """Chown a file as the mappings of the entry say."""
    status = os.lstat(path)
    for number, kind in ((status.st_uid, "uid"), (status.st_gid, "gid")):
        seen = {row["containerID"]: row["hostID"] for row in entry[f"{kind}Mappings"]}
        ids = {"uid": -1, "gid": -1, kind: seen.get(number, number)}
        os.chown(path, ids["uid"], ids["gid"], follow_symlinks=False)


@mutant(
    "config.mounts.uid-mappings.with-idmap-option",
    "config.mounts.gid-mappings.with-idmap-option",
    # What is ignored is not applied either.
    also=["config.mounts.uid-mappings.applied", "config.mounts.gid-mappings.applied"],
)
def mappings_need_the_option():
    """Mappings without the option idmap are ignored."""
    wrap(
        mount_options,
        "is_idmapped",
        lambda original, entry: (
            bool({"idmap", "ridmap"} & set(entry.get("options", []))) and original(entry)
        ),
    )


@mutant("config.mounts.uid-mappings.format")
def a_missing_size_is_one():
    """A mapping without a size is one of a single ID."""

    def configuration(original, config):
        for entry in config.get("mounts", []):
            for row in [*entry.get("uidMappings", []), *entry.get("gidMappings", [])]:
                row.setdefault("size", 1)
        original(config)

    wrap(validate, "configuration", configuration)


@mutant(
    "config.mounts.uid-mappings.requires-gid-mappings",
    "config.mounts.gid-mappings.requires-uid-mappings",
)
def one_kind_of_mappings_will_do():
    """The mappings of the other kind are the same if they are missing."""

    def configuration(original, config):
        for entry in config.get("mounts", []):
            given = entry.get("uidMappings") or entry.get("gidMappings")
            if given:
                entry.setdefault("uidMappings", given)
                entry.setdefault("gidMappings", given)
        original(config)

    wrap(validate, "configuration", configuration)


@mutant("config.mounts.rbind-vs-idmap-recursion")
def idmap_is_recursive():
    """The option idmap maps the mounts below as well."""
    mount_options.IDMAPS["idmap"] = mount_options.IDMAPS["ridmap"]


@mutant("config.mounts.options.ridmap", "config.mounts.rbind-vs-idmap-recursion")
def ridmap_is_not_recursive():
    """The option ridmap maps the first mount only."""
    replace(mount_options, "IDMAPS", dict.fromkeys(("idmap", "ridmap"), 0))


@mutant("config.mounts.idmap.mapping-applied", "config.mounts.ridmap.mapping-applied")
def only_bind_mounts_are_mapped():
    """A new file system with idmap or ridmap shows the IDs of the host, and nobody is told."""

    def complete(original, creation, entry, options, covered):
        creation.idmapped.pop(id(entry), None)
        original(creation, entry, options, covered)

    wrap(mounts, "complete", complete)
