"""Mutants of bundle.md and glossary.md."""

from __future__ import annotations

import os

from reference_runtime import container, creation, jsonlite, preparation
from tests.mutants.breaking import mutant, wrap


def finding_the_configuration(find):
    """Have ``find`` name another file where the bundle has no config.json."""

    def read(original, path):
        return original(path if os.path.exists(path) else find(os.path.dirname(path)) or path)

    wrap(preparation, "read_configuration", read)


# Its name and place are demanded by leaving it out there, and so is a bundle.
@mutant(
    "bundle.config.required",
    also=["bundle.config.at-root", "bundle.config.name", "runtime.create.no-bundle-errors"],
)
def a_bundle_without_configuration_is_nothing_to_do():
    """Create of a bundle without config.json succeeds."""

    def read(original, path):
        if not os.path.exists(path):
            raise SystemExit(0)
        return original(path)

    wrap(preparation, "read_configuration", read)


@mutant("bundle.config.at-root")
def the_configuration_is_searched_in_subdirectories():
    """A config.json in a directory of the bundle will do."""

    def find(bundle):
        found = (place for place, _, files in os.walk(bundle) if "config.json" in files)
        return f"{next(found, bundle)}/config.json"

    finding_the_configuration(find)


@mutant("bundle.config.name")
def any_json_file_is_the_configuration():
    """The first file of the bundle that looks like JSON is its configuration."""

    def find(bundle):
        return next((e.path for e in os.scandir(bundle) if ".json" in e.name.lower()), None)

    finding_the_configuration(find)


@mutant("bundle.rootfs.referenced-by-root-path")
def the_root_is_always_called_rootfs():
    """root.path is not looked at."""

    def initialise(original, self, config, bundle, umask):
        original(self, config, bundle, umask)
        self.rootfs = f"{bundle}/rootfs"

    wrap(creation.Creation, "__init__", initialise)


@mutant("bundle.directory.not-part-of-bundle")
def the_container_is_named_after_its_bundle():
    """The hostname is the name of the bundle's directory."""

    def initialise(original, self, config, bundle, umask):
        config["hostname"] = os.path.basename(bundle)[:64]
        original(self, config, bundle, umask)

    wrap(creation.Creation, "__init__", initialise)


# Whatever is told of text beyond ASCII is told of other text.
@mutant(
    "glossary.json.utf8",
    also=[
        "config.annotations.*", "config.hooks.*", "config.process.args.*", "config.process.env.*",
        "linux.seccomp.listener.metadata-sent", "runtime.state.annotations.*",
        "runtime.state.bundle.*",
    ],
)  # fmt: skip
def the_configuration_is_latin_1():
    """Text beyond ASCII is garbled."""
    wrap(jsonlite, "loads", lambda original, text: original(text.decode("latin-1").encode()))


@mutant("glossary.json.order-insignificant")
def the_version_has_to_come_first():
    """A config.json that begins with another member is refused."""

    def read(original, path):
        config = original(path)
        if next(iter(config)) != "ociVersion":
            raise ValueError(path)
        return config

    wrap(preparation, "read_configuration", read)


@mutant("glossary.runtime-namespace")
def unlisted_namespaces_are_those_of_process_1():
    """A namespace that is not listed is that of process 1, not that of the runtime's caller."""

    def initialise(original, self, config, bundle, umask):
        listed = config["linux"]["namespaces"]
        for kind, name in (("network", "net"), ("ipc", "ipc")):
            if all(entry["type"] != kind for entry in listed):
                listed.append({"type": kind, "path": f"/proc/1/ns/{name}"})
        original(self, config, bundle, umask)

    wrap(creation.Creation, "__init__", initialise)


@mutant("runtime.state.id.unique-on-host", "runtime.create.duplicate-id-errors")
def the_second_create_takes_the_id():
    """Create of an ID that is in use replaces the record of the first container."""

    def claim(original, root, identifier, record):
        if container.exists(root, identifier):
            container.load(root, identifier).remove()
        return original(root, identifier, record)

    wrap(container, "claim", claim)
