"""Mutants of config.md: capabilities."""

from __future__ import annotations

from reference_runtime import capabilities, errors
from tests.mutants.breaking import mutant, reads, replace, skip


def sets(change):
    """Change the masks once they are computed: ``change(masks, wanted)``."""

    class Changed(capabilities.Capabilities):
        def __init__(self, wanted, available):
            super().__init__(wanted, available)
            change(self, wanted)

    replace(capabilities, "Capabilities", Changed)


def named(name):
    """Whether a warning is about the capability that the cases ask for and cannot have."""
    return lambda masks: any(name in warning for warning in masks.warnings)


def emptied(masks):
    """Keep nothing."""
    masks.bounding = masks.permitted = masks.effective = masks.inheritable = masks.ambient = 0


@mutant(
    "config.process.capabilities.effective",
    "config.process.capabilities.bounding",
    "config.process.capabilities.permitted",
    "config.process.capabilities.inheritable",
    "config.process.capabilities.ambient",
    "config.process.capabilities.set-omitted",
    also=[
        "config.process.capabilities.*",
        # Those of an ordinary user do not suffice to load a filter.
        "linux.seccomp.applied-to-program",
    ],
)
def capabilities_are_ignored():
    """The program has what the runtime has, whatever capabilities lists."""
    skip(capabilities, "set_inheritable")
    skip(capabilities, "drop_bounding")
    skip(capabilities, "set_final")


@mutant("config.process.capabilities.effective", also=["config.process.capabilities.*"])
def everything_is_effective():
    """All five sets are full, so that the effective one is not what is listed."""

    def change(masks, _wanted):
        masks.bounding = masks.permitted = masks.effective = masks.available

    sets(change)


@mutant("config.process.capabilities.bounding")
def the_bounding_set_stays():
    """The bounding set is left as the runtime has it."""
    skip(capabilities, "drop_bounding")


@mutant("config.process.capabilities.bounding")
def the_bounding_set_is_the_permitted_one():
    """What is not permitted is dropped from the bounding set too."""

    def change(masks, _wanted):
        masks.bounding = masks.permitted

    sets(change)


@mutant("config.process.capabilities.inheritable")
def the_inheritable_set_is_the_bounding_one():
    """All of the bounding set is inheritable."""

    def change(masks, _wanted):
        masks.inheritable = masks.bounding

    sets(change)


@mutant("config.process.capabilities.inheritable", also=["config.process.capabilities.ambient"])
def nothing_is_inheritable():
    """The inheritable set is empty; without it nothing can be ambient."""

    def change(masks, _wanted):
        masks.inheritable = masks.ambient = 0

    sets(change)


@mutant("config.process.capabilities.permitted")
def all_of_the_bounding_set_is_permitted():
    """The permitted set is filled from the bounding one."""

    def change(masks, _wanted):
        masks.permitted = masks.bounding

    sets(change)


@mutant("config.process.capabilities.ambient")
def nothing_is_ambient():
    """The ambient set stays empty."""

    def change(masks, _wanted):
        masks.ambient = 0

    sets(change)


@mutant("config.process.capabilities.ambient")
def all_that_can_be_is_ambient():
    """The ambient set is filled from the inheritable one."""

    def change(masks, _wanted):
        masks.ambient = masks.inheritable & masks.permitted

    sets(change)


@mutant("config.process.capabilities.set-omitted")
def a_set_without_a_list_is_full():
    """A list that is left out keeps everything."""

    def change(config):
        wanted = config["process"].get("capabilities")
        if wanted is not None:
            for name in capabilities.SETS:
                wanted.setdefault(name, list(capabilities.NAMES))

    reads(change)


@mutant("config.process.capabilities.unknown-warns")
def an_unknown_capability_takes_all_others_along():
    """Of lists with an unknown capability nothing is kept."""

    def change(masks, _wanted):
        if named("CAP_NOSUCH")(masks):
            emptied(masks)

    sets(change)


@mutant("config.process.capabilities.ungrantable-warns")
def a_capability_that_is_lacking_takes_all_others_along():
    """Of lists with a capability that the runtime lacks nothing is kept."""

    def change(masks, _wanted):
        if named("CAP_SYS_TIME")(masks):
            emptied(masks)

    sets(change)


@mutant("config.process.capabilities.ungrantable-no-fail")
def a_capability_that_is_lacking_is_an_error():
    """Create fails when a capability cannot be granted."""

    def change(masks, _wanted):
        if masks.warnings:
            raise errors.OperationError(masks.warnings[0])

    sets(change)


@mutant("config.process.capabilities.unknown-errors")
def unknown_capabilities_are_warnings():
    """A capability of which the kernel knows nothing is a warning, as newer releases want it."""


@mutant("config.process.capabilities.names")
def two_names_are_mixed_up():
    """CAP_PERFMON and CAP_BPF mean each other."""
    names = list(capabilities.NAMES)
    first, second = names.index("CAP_PERFMON"), names.index("CAP_BPF")
    names[first], names[second] = names[second], names[first]
    replace(capabilities, "NAMES", tuple(names))


@mutant("config.process.capabilities.names")
def the_newest_name_is_unknown():
    """CAP_CHECKPOINT_RESTORE is ignored with a warning on a kernel that has it."""
    replace(capabilities, "NAMES", capabilities.NAMES[:-1])
