"""Mutants of config.md: user."""

from __future__ import annotations

import os

from reference_runtime import process
from tests.mutants.breaking import mutant, reads, replace, wrap


def user(change):
    """Change the user as init becomes it."""

    def become(original, creation):
        change(creation.process["user"])
        original(creation)

    wrap(process, "become_user", become)


def as_read(change):
    """Change the user as it is read."""
    reads(lambda config: change(config["process"]["user"]))


@mutant("config.process.user.uid")
def only_the_effective_user_changes():
    """The program can become root again: its real user is still root."""
    wrap(os, "setresuid", lambda original, _real, uid, _saved: original(-1, uid, -1))


@mutant("config.process.user.gid")
def the_group_has_the_number_of_the_user():
    """gid is taken from uid."""
    user(lambda its: its.update(gid=its["uid"]))


@mutant("config.process.user.uid-required")
def no_user_is_nobody():
    """A user without a uid runs as 65534."""
    as_read(lambda its: its.setdefault("uid", 65534))


@mutant("config.process.user.gid-required")
def no_group_is_that_of_nobody():
    """A user without a gid runs in the group 65534."""
    as_read(lambda its: its.setdefault("gid", 65534))


@mutant("config.process.user.umask")
def the_umask_is_read_as_octal_digits():
    """The decimal 63 of config.json is taken for the octal 63."""

    def change(its):
        digits = str(its.get("umask", 0))
        if set(digits) <= set("01234567"):
            its["umask"] = int(digits, 8)

    user(change)


@mutant("config.process.user.umask")
def the_umask_is_ignored():
    """umask is parsed and dropped."""
    user(lambda its: its.pop("umask", None))


@mutant("config.process.user.umask-unset")
def an_unset_umask_is_022():
    """Without umask the program has 022, whatever the caller has."""
    user(lambda its: its.setdefault("umask", 0o022))


@mutant("config.process.user.additional-gids")
def further_groups_are_ignored():
    """additionalGids is parsed and dropped."""
    replace(process, "set_groups", lambda _gids: os.setgroups([]))


@mutant("config.process.user.additional-gids-only")
def groups_of_the_caller_are_kept_where_none_are_given():
    """Without additionalGids the program is in the caller's supplementary groups."""
    wrap(process, "set_groups", lambda original, gids: gids and original(gids))


@mutant("config.process.user.numeric-only")
def names_are_looked_up():
    """The user root is looked up, and found to be 0."""

    def change(its):
        for name in ("uid", "gid"):
            its[name] = 0 if its[name] == "root" else its[name]

    as_read(change)


@mutant("config.process.user.numeric-only")
def texts_are_converted():
    """A number as a text is taken for the number."""

    def change(its):
        for name in ("uid", "gid"):
            text = str(its[name])
            its[name] = int(text) if text.isdigit() else its[name]

    as_read(change)
