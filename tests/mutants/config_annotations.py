"""Mutants of config.md: annotations."""

from __future__ import annotations

from reference_runtime import errors
from tests.mutants.breaking import mutant, reads

IMAGE = "org.opencontainers.image."


def each(change):
    """Take the annotations for what ``change`` makes of them."""

    def every(config):
        if "annotations" in config:
            config["annotations"] = change(config["annotations"])

    reads(every)


def strings_of(change):
    """Take the value of each annotation for what ``change`` makes of it."""

    def every(given):
        return {k: change(v) for k, v in given.items()} if isinstance(given, dict) else given

    each(every)


@mutant("config.annotations.arbitrary")
def values_are_printable():
    """Control characters in a value are left out."""

    def change(value):
        text = isinstance(value, str)
        return "".join(filter(str.isprintable, value)) if text else value

    strings_of(change)


@mutant("config.annotations.map")
def what_is_no_map_is_empty():
    """Annotations that are no map are as good as none."""
    each(lambda given: given if isinstance(given, dict) else {})


@mutant("config.annotations.values-strings")
def values_become_strings():
    """A value that is no string is written as one."""
    strings_of(lambda value: value if value is None else str(value))


@mutant("config.annotations.org-opencontainers-reserved", also=["config.annotations.*"])
def unknown_keys_of_the_prefix_are_refused():
    """A key of the reserved prefix that is not known is an error."""

    def change(given):
        for key in given:
            if key.startswith("org.opencontainers.") and not key.startswith(IMAGE):
                message = f"annotations: {key} is unknown"
                raise errors.OperationError(message)
        return given

    each(change)


@mutant("config.annotations.unknown-keys-ignored")
def annotations_become_variables():
    """The program finds annotations in its environment."""

    def change(config):
        given = config.get("annotations", {})
        if isinstance(given, dict):
            variables = config["process"].setdefault("env", [])
            variables += [f"{key}={value}" for key, value in given.items()]

    reads(change)
