"""Mutants of config.md: version, host and domain name, extensibility, valid values."""

from __future__ import annotations

from reference_runtime import SPEC_VERSION, errors, jsonlite, semver, syscalls
from tests.mutants.breaking import mutant, reads, replace, wrap

NAMES = ("hostname", "domainname")


def refusing(find, known):
    """Refuse properties, of the objects that ``find`` finds, that are not among the known ones."""

    def check(config):
        for one in find(config):
            for name in one:
                if name not in known.split():
                    message = f"unknown field {name!r}"
                    raise errors.OperationError(message)

    reads(check)


@mutant("config.oci-version.semver")
def any_text_is_a_version():
    """What is no version is taken for the first release."""
    wrap(semver, "parse", lambda original, text: original(text) or (1, 0, 0))


@mutant("config.oci-version.semver")
def two_numbers_are_a_version():
    """The third number of a version may be missing."""
    wrap(semver, "parse", lambda original, text: original(text) or original(f"{text}.0"))


# ociVersionMin says that an older one is accepted too.
@mutant("config.oci-version.backward-compat", also=["features.version-min.accepted"])
def only_the_newest_release_is_accepted():
    """A configuration has to be of the release that the runtime follows."""

    def check(config):
        if config.get("ociVersion") != SPEC_VERSION:
            message = f"ociVersion: only {SPEC_VERSION} is supported"
            raise errors.OperationError(message)

    reads(check)


@mutant("config.oci-version.newer-major-errors")
def the_major_version_does_not_matter():
    """A configuration of version 2 is treated as one of version 1."""

    def parse(original, text):
        version = original(text)
        return version and (1, *version[1:])

    wrap(semver, "parse", parse)


@mutant("config.hostname.set", "config.domainname.set")
def the_two_names_are_mixed_up():
    """The hostname becomes the domainname, and the other way round."""
    hostname, domainname = syscalls.sethostname, syscalls.setdomainname
    replace(syscalls, "sethostname", domainname)
    replace(syscalls, "setdomainname", hostname)


@mutant("config.hostname.set")
def the_hostname_ends_at_the_first_dot():
    """Of a hostname with dots the program sees the first part."""
    wrap(syscalls, "sethostname", lambda original, name: original(name.partition(".")[0]))


@mutant("config.domainname.set")
def the_domainname_is_ignored():
    """The program has no domainname."""
    reads(lambda config: config.pop("domainname", None))


@mutant("config.hostname.runtime-uts", "config.domainname.runtime-uts")
def names_without_a_namespace_are_ignored():
    """Without a uts namespace create succeeds, and the names are what they were."""

    def change(config):
        listed = config.get("linux", {}).get("namespaces", [])
        if "uts" not in [entry["type"] for entry in listed]:
            for name in NAMES:
                config.pop(name, None)

    reads(change)


@mutant("config.hostname.too-long-errors", "config.domainname.too-long-errors")
def long_names_are_cut():
    """Of a name that is too long the program sees the beginning."""

    def change(config):
        for name in NAMES:
            if name in config:
                config[name] = config[name][:64]

    reads(change)


@mutant("config.extensibility.unknown-ignored")
def unknown_sections_are_refused():
    """A property that is unknown at the top of a configuration is an error."""
    known = "ociVersion root mounts process hostname domainname hooks annotations linux"
    refusing(lambda config: [config], known)


@mutant("config.extensibility.unknown-ignored")
def unknown_properties_of_a_user_are_refused():
    """An unknown property of process.user is an error."""
    known = "uid gid umask additionalGids"
    refusing(lambda config: [config["process"]["user"]], known)


@mutant("config.extensibility.unknown-ignored")
def unknown_properties_of_mounts_are_refused():
    """An unknown property of a mount is an error."""
    known = "destination source type options uidMappings gidMappings"
    refusing(lambda config: config["mounts"], known)


@mutant("config.extensibility.unknown-ignored")
def unknown_properties_of_memory_are_refused():
    """An unknown property of linux.resources.memory is an error."""
    known = "limit reservation swap kernel kernelTCP swappiness disableOOMKiller useHierarchy"

    def find(config):
        return [config["linux"].get("resources", {}).get("memory", {})]

    refusing(find, f"{known} checkBeforeUpdate")


@mutant("config.extensibility.unknown-ignored")
def unknown_kinds_of_hooks_are_refused():
    """A kind of hooks that is unknown is an error."""
    known = "prestart createRuntime createContainer startContainer poststart poststop"
    refusing(lambda config: [config.get("hooks", {})], known)


@mutant("config.extensibility.unknown-ignored")
def unknown_properties_of_seccomp_rules_are_refused():
    """An unknown property of an entry of linux.seccomp.syscalls is an error."""

    def find(config):
        return config["linux"].get("seccomp", {}).get("syscalls", [])

    refusing(find, "names action errnoRet args")


@mutant("config.extensibility.unknown-ignored")
def unknown_properties_become_variables():
    """An unknown property of process is in the program's environment."""

    def change(config):
        process = config["process"]
        unknown = [name for name in process if name.startswith("x-")]
        process["env"] = process["env"] + [f"{name}={process[name]}" for name in unknown]

    reads(change)


@mutant("config.valid-values.invalid-errors")
def unknown_kinds_of_namespaces_are_skipped():
    """A kind of namespace that there is not is as good as none."""
    known = {"pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"}

    def change(config):
        listed = config["linux"]["namespaces"]
        config["linux"]["namespaces"] = [entry for entry in listed if entry["type"] in known]

    reads(change)


@mutant("config.valid-values.wrong-json-type-errors")
def texts_are_taken_for_what_they_say():
    """The texts true and 0 are as good as the boolean and the number."""

    def change(config):
        root, user = config["root"], config["process"]["user"]
        if isinstance(root.get("readonly"), str):
            root["readonly"] = root["readonly"] == "true"
        user["uid"] = int(user["uid"])

    reads(change)


@mutant("config.valid-values.integer-ranges")
def ids_wrap_around():
    """User 4294967296 is root."""

    def change(config):
        user = config["process"]["user"]
        if user["uid"] > 0:
            user["uid"] &= 0xFFFFFFFF

    reads(change)


@mutant("config.valid-values.integer-ranges.exact")
def integers_are_doubles():
    """Integers above 2**53 are rounded."""

    def change(config):
        for limit in config["process"].get("rlimits", []):
            for name in ("soft", "hard"):
                limit[name] = min(int(float(limit[name])), 2**64 - 1)

    reads(change)


@mutant("config.valid-values.malformed-json-errors")
def a_missing_brace_is_added():
    """A config.json that lacks its last brace is read as if it had it."""

    def loads(original, document):
        try:
            return original(document)
        except ValueError:
            return original(document.rstrip() + b"}")

    wrap(jsonlite, "loads", loads)


@mutant("config.valid-values.malformed-json-errors")
def an_array_is_its_first_element():
    """A configuration inside of an array is read as if it stood alone."""

    def loads(original, document):
        value = original(document)
        return value[0] if isinstance(value, list) and value else value

    wrap(jsonlite, "loads", loads)
