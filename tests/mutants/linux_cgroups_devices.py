"""Mutants of config-linux.md: allowed device list."""

from __future__ import annotations

from reference_runtime import cgroup_v1, devices
from tests.mutants.breaking import mutant, reads, wrap


def amending(change):
    """Have the list of rules taken for another one: ``change(rules)``."""

    def amend(config):
        resources = config.get("linux", {}).get("resources", {})
        if "devices" in resources:
            resources["devices"] = change(resources["devices"])

    reads(amend)


def each(change):
    """Have each rule taken for another one."""
    amending(lambda rules: [change(dict(rule)) for rule in rules])


def is_special(rule):
    """Whether a rule is about some devices, not about all."""
    return "major" in rule or "minor" in rule


@mutant("linux.resources.devices.listed-order")
def what_allows_comes_last():
    """A rule that allows wins, wherever it stands."""
    amending(lambda rules: sorted(rules, key=lambda rule: rule["allow"]))


@mutant("linux.resources.devices.allow-required")
def a_rule_without_allow_allows():
    """A rule without allow is taken for one that allows."""
    each(lambda rule: {"allow": True, **rule})


@mutant("linux.resources.devices.allow-deny")
def rules_say_the_opposite():
    """A rule for a device allows where it should deny."""
    each(lambda rule: {**rule, "allow": rule["allow"] != is_special(rule)})


@mutant("linux.resources.devices.type")
def the_type_says_nothing():
    """A rule for a block device is one for character devices, too."""

    def change(rule):
        if is_special(rule):
            rule.pop("type", None)
        return rule

    each(change)


@mutant("linux.resources.devices.type-unset-all")
def no_type_is_a_character_device():
    """A rule without a type is about character devices."""
    each(lambda rule: {"type": "c", **rule})


@mutant("linux.resources.devices.major-minor-unset-all")
def a_number_that_is_not_given_is_0():
    """A rule for all minor numbers is about the number 0."""
    each(lambda rule: {"major": 0, "minor": 0, **rule} if is_special(rule) else rule)


@mutant("linux.resources.devices.access")
def who_may_read_may_write():
    """Access to a device is always to read and to write."""
    each(lambda rule: {**rule, "access": "rw"} if is_special(rule) else rule)


@mutant("linux.resources.devices.access-invalid-errors")
def unknown_letters_are_passed_over():
    """Of an access the letters r, w and m are kept."""

    def change(rule):
        kept = "".join(letter for letter in rule.get("access", "") if letter in "rwm")
        return {**rule, "access": kept or "rwm"}

    each(change)


@mutant("linux.resources.devices.type-invalid-errors")
def an_unknown_type_stands_for_all():
    """A rule of an unknown type is about all devices."""
    each(lambda rule: {**rule, "type": rule["type"] if rule.get("type") in {"b", "c"} else "a"})


@mutant("linux.resources.devices.access-unset")
def a_rule_without_access_opens_its_neighbours():
    """A rule without access is about all minor numbers."""

    def change(rule):
        return rule if "access" in rule else {**rule, "access": "rwm", "minor": -1}

    each(change)


@mutant("linux.resources.devices.default-devices-under-deny")
def denied_default_devices_are_left_out():
    """Where rules deny everything there is no /dev/full."""

    def make(original, made, device):
        if not made.linux.get("resources", {}).get("devices") or device["path"] != "/dev/full":
            original(made, device)

    wrap(devices, "make_one", make)


@mutant("linux.resources.devices.access.mknod")
def who_can_make_a_node_can_use_it():
    """Behind the listed rules everything is allowed."""

    def settings(original, rules):
        return [*original(rules), ("linux.resources.devices", "devices", "devices.allow", "a")]

    wrap(cgroup_v1, "device_settings", settings)
