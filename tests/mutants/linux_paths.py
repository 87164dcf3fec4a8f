"""Mutants of config-linux.md: sysctl, rootfs mount propagation, masked paths to personality."""

from __future__ import annotations

import errno
import os

from reference_runtime import (
    attributes,
    cgroups,
    creation,
    init,
    report,
    rootfs,
    sysctls,
    validate,
)
from tests.mutants.breaking import drop, mutant, position, replace, skip, wrap


def amending(amend):
    """Change linux of the configuration before it is checked."""

    def check(original, config):
        amend(config["linux"])
        original(config)

    wrap(validate, "configuration", check)


def propagating(given, other):
    """Take one value of rootfsPropagation for another one."""

    def begin(original, self, *arguments):
        original(self, *arguments)
        if self.linux.get("rootfsPropagation") == given:
            self.linux["rootfsPropagation"] = other

    wrap(creation.Creation, "__init__", begin)


@mutant("linux.sysctl.applied")
def parameters_are_ignored():
    """Kernel parameters are what they are by default."""
    skip(sysctls, "apply")


@mutant("linux.sysctl.key-forms")
def separators_are_left_as_they_are():
    """A key with dots is looked for as one file."""

    def write(original, path, text):
        original(path.replace("net/core/", "net.core."), text)

    wrap(cgroups, "write", write)


@mutant("linux.sysctl.unknown-errors")
def unknown_parameters_are_skipped():
    """A parameter that does not exist is worth a warning."""

    def write(original, path, text):
        try:
            original(path, text)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            report.warning(f"{path}: there is no such parameter")

    wrap(cgroups, "write", write)


@mutant("linux.rootfs-propagation.shared")
def shared_is_private():
    """The root is in no peer group."""
    propagating("shared", "private")


@mutant("linux.rootfs-propagation.slave")
def slave_is_private():
    """What the host mounts later is not seen in the container."""
    propagating("slave", "private")


@mutant("linux.rootfs-propagation.private")
def private_is_slave():
    """What the host mounts later is seen in the container."""
    propagating("private", "slave")


@mutant("linux.rootfs-propagation.unbindable")
def unbindable_is_private():
    """The root can be bind-mounted."""
    propagating("unbindable", "private")


@mutant("linux.rootfs-propagation.nested-private")
def private_is_shared():
    """What a nested container mounts is seen in the outer one."""
    propagating("private", "shared")


@mutant("linux.rootfs-propagation.invalid-errors")
def unknown_propagation_is_ignored():
    """A value that is none is as good as no value."""

    def amend(linux):
        if linux.get("rootfsPropagation") not in rootfs._PROPAGATION:
            linux.pop("rootfsPropagation", None)

    amending(amend)


def each(made, name):
    """Open each of the paths that the root filesystem has; yields descriptors.

    Not those of /proc: a file of it is the same one in the host's /proc, and so is its mode.
    """
    own = os.fstat(made.root_fd).st_dev
    for path in made.linux.get(name, []):
        target = rootfs._open_existing(made.root_fd, path)
        if target is not None and os.fstat(target).st_dev == own:
            yield target


@mutant("linux.masked-paths.unreadable.file", "linux.masked-paths.proc")
def masked_files_lose_their_permissions():
    """A masked file cannot be read, but by root."""

    def mask(made):
        for target in each(made, "maskedPaths"):
            os.chmod(rootfs.by_fd(target), 0)

    replace(rootfs, "mask_paths", mask)


@mutant("linux.masked-paths.unreadable.directory")
def directories_are_not_masked():
    """A masked directory shows what it holds."""

    def mask(original, made):
        paths = made.linux.get("maskedPaths", [])
        root = rootfs.by_fd(made.root_fd)
        made.linux["maskedPaths"] = [path for path in paths if not os.path.isdir(root + path)]
        original(made)

    wrap(rootfs, "mask_paths", mask)


@mutant(
    "linux.masked-paths.proc", "linux.masked-paths.after-mounts", "linux.readonly-paths.proc-sys"
)
def paths_are_protected_before_mounts():
    """What is masked or read-only in the root filesystem is covered by mounts."""
    drop(init.ROOT, init.ProtectPaths)
    init.ENVIRONMENT.insert(position(init.ENVIRONMENT, init.Mounts), init.ProtectPaths())


@mutant("linux.masked-paths.absolute", "linux.readonly-paths.absolute")
def relative_paths_are_taken_from_the_root():
    """A relative path is masked or made read-only as if it were absolute."""

    def amend(linux):
        for name in ("maskedPaths", "readonlyPaths"):
            linux[name] = [f"/{path.lstrip('/')}" for path in linux.get(name, [])]

    amending(amend)


@mutant("linux.masked-paths.symlink")
def links_lead_to_the_host():
    """A masked link hides the host's file in its place."""

    def open_existing(original, root, path):
        place = rootfs.by_fd(root) + path
        if not os.path.islink(place):
            return original(root, path)
        target = os.readlink(place)
        return os.open(target, os.O_PATH) if os.path.exists(target) else None

    wrap(rootfs, "_open_existing", open_existing)


@mutant("linux.readonly-paths.file", "linux.readonly-paths.directory")
def read_only_files_lose_their_permissions():
    """A read-only file or directory can be changed by root."""

    def protect(made):
        for target in each(made, "readonlyPaths"):
            os.chmod(rootfs.by_fd(target), 0o444)

    replace(rootfs, "protect_readonly_paths", protect)


@mutant("linux.readonly-paths.directory")
def read_only_directories_are_only_bound():
    """A read-only directory is a mount of its own, and can be changed."""

    def protect(original, made):
        paths = made.linux.get("readonlyPaths", [])
        root = rootfs.by_fd(made.root_fd)
        made.linux["readonlyPaths"] = [path for path in paths if not os.path.isdir(root + path)]
        original(made)

    wrap(rootfs, "protect_readonly_paths", protect)


@mutant("linux.personality.domain-required")
def a_personality_is_linux_by_default():
    """A personality without a domain is the ordinary one."""

    def amend(linux):
        if "personality" in linux and not linux["personality"].get("domain"):
            linux["personality"]["domain"] = "LINUX"

    amending(amend)


@mutant("linux.personality.linux")
def the_ordinary_personality_is_not_set():
    """With LINUX the program has the personality of the runtime's caller."""

    def amend(linux):
        if linux.get("personality", {}).get("domain") == "LINUX":
            del linux["personality"]

    amending(amend)


@mutant("linux.personality.linux32")
def linux32_is_linux():
    """With LINUX32 the program sees a machine of 64 bits."""
    replace(attributes, "DOMAINS", {"LINUX": 0, "LINUX32": 0})


@mutant("linux.personality.flags-unsupported")
def flags_of_a_personality_are_dropped():
    """Flags of a personality are accepted, and not set."""
    amending(lambda linux: linux.get("personality", {}).pop("flags", None))


@mutant("linux.personality.unknown-errors")
def an_unknown_personality_is_ignored():
    """A domain that there is not is as good as none."""

    def amend(linux):
        if linux.get("personality", {}).get("domain", "LINUX") not in {"LINUX", "LINUX32"}:
            del linux["personality"]

    amending(amend)
