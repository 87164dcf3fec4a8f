"""Mutants of config.md: root."""

from __future__ import annotations

import os

from reference_runtime import creation, rootfs, syscalls, validate
from tests.mutants.breaking import mutant, skip, wrap


def root_is(path):
    """Have create take another path for the root; it is given the configuration and the bundle."""

    def initialize(original, self, config, bundle, umask):
        original(self, config, bundle, umask)
        self.rootfs = path(config.get("root", {}).get("path", ""), bundle)

    wrap(creation.Creation, "__init__", initialize)


@mutant("config.root.required")
def the_bundle_is_the_root():
    """A configuration without root runs in the bundle directory."""

    def configuration(original, config):
        config.setdefault("root", {"path": "."})
        original(config)

    wrap(validate, "configuration", configuration)


@mutant("config.root.required")
def the_host_is_the_root():
    """A configuration without root runs in the root file system of the host."""

    def configuration(original, config):
        config.setdefault("root", {"path": "/"})
        original(config)

    wrap(validate, "configuration", configuration)


@mutant("config.root.path.relative-to-bundle")
def root_is_looked_up_in_the_working_directory():
    """A relative root.path is searched where the runtime is called, then in the bundle."""
    root_is(lambda path, bundle: path if os.path.isdir(path) else os.path.join(bundle, path))


@mutant("config.root.path.absolute")
def absolute_root_is_looked_up_in_the_bundle():
    """An absolute root.path is searched below the bundle."""
    root_is(lambda path, bundle: f"{bundle}/{path}")


@mutant("config.root.path.absolute")
def root_is_always_rootfs():
    """Whatever root.path says, the bundle's rootfs is taken."""
    root_is(lambda _path, bundle: f"{bundle}/rootfs")


@mutant("config.root.path.directory-exists")
def a_missing_root_is_made():
    """The container gets an empty root if there is none at root.path."""

    def root_directory(original, path):
        if not os.path.lexists(path):
            os.makedirs(path)
        original(path)

    wrap(validate, "root_directory", root_directory)


@mutant("config.root.readonly.true")
def readonly_has_no_effect():
    """The root stays writable."""
    skip(rootfs, "make_readonly")


@mutant("config.root.readonly.does-not-cover-mounts")
def readonly_covers_mounts():
    """Root.readonly makes all that is mounted read-only."""

    def make_readonly(_original, made):
        if made.config["root"].get("readonly"):
            syscalls.mount_setattr(
                made.root_fd, syscalls.AT_RECURSIVE, attr_set=syscalls.MOUNT_ATTR_RDONLY
            )

    wrap(rootfs, "make_readonly", make_readonly)


@mutant("config.root.readonly.default-false")
def readonly_is_the_default():
    """Only with root.readonly false is the root writable."""

    def make_readonly(original, made):
        made.config["root"].setdefault("readonly", True)
        original(made)

    wrap(rootfs, "make_readonly", make_readonly)
