"""Mutants of config.md: rlimits, oomScoreAdj, noNewPrivileges and labels of security modules."""

from __future__ import annotations

from reference_runtime import process, rlimits
from tests.mutants.breaking import mutant, reads, wrap

UNLIMITED = 2**64 - 1


def entries(change):
    """Change each entry of rlimits as it is read."""

    def each(config):
        for entry in config["process"].get("rlimits", []):
            change(entry)

    reads(each)


def kept(keep):
    """Have the runtime not see the entries of rlimits that ``keep`` does not want."""

    def change(config):
        limits = config["process"].get("rlimits", [])
        limits[:] = [entry for entry in limits if keep(entry)]

    reads(change)


def score(change):
    """Change oomScoreAdj as it is read."""

    def of(config):
        if "oomScoreAdj" in config["process"]:
            config["process"]["oomScoreAdj"] = change(config["process"]["oomScoreAdj"])

    reads(of)


@mutant("config.process.rlimits.type-required")
def a_limit_without_a_type_is_of_processor_time():
    """An entry without a type sets RLIMIT_CPU, which has the number 0."""
    entries(lambda entry: entry.setdefault("type", "RLIMIT_CPU"))


@mutant("config.process.rlimits.types")
def a_type_is_missing_in_the_table():
    """RLIMIT_RTTIME is skipped."""
    kept(lambda entry: entry.get("type") != "RLIMIT_RTTIME")


@mutant("config.process.rlimits.types")
def two_types_are_mixed_up():
    """RLIMIT_LOCKS and RLIMIT_SIGPENDING set each other."""
    numbers = rlimits.NUMBERS
    first, second = "RLIMIT_LOCKS", "RLIMIT_SIGPENDING"
    numbers[first], numbers[second] = numbers[second], numbers[first]


@mutant("config.process.rlimits.unknown-errors")
def unknown_limits_are_skipped():
    """A limit of an unknown type has no effect and is no error."""
    kept(lambda entry: entry.get("type") is None or entry["type"] in rlimits.NUMBERS)


@mutant("config.process.rlimits.getrlimit-succeeds")
def a_filter_of_the_runtime_forbids_to_ask():
    """The program cannot ask for its limits: prlimit64 fails."""

    def change(config):
        calls = [{"names": ["prlimit64", "getrlimit"], "action": "SCMP_ACT_ERRNO"}]
        config.setdefault("linux", {}).setdefault(
            "seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": calls}
        )

    reads(change)


@mutant("config.process.rlimits.soft")
def the_soft_limit_is_the_hard_one():
    """The soft limit is raised to the hard one."""
    entries(lambda entry: entry.update(soft=entry.get("hard")))


@mutant("config.process.rlimits.soft", "config.process.rlimits.hard")
def limits_are_floating_point_numbers():
    """Large limits lose their last digits."""
    entries(
        lambda entry: entry.update(soft=int(float(entry["soft"])), hard=int(float(entry["hard"])))
    )


@mutant("config.process.rlimits.hard")
def the_hard_limit_is_the_soft_one():
    """The hard limit is lowered to the soft one."""
    entries(lambda entry: entry.update(hard=entry.get("soft")))


@mutant("config.process.rlimits.soft-required", "config.process.rlimits.hard-required")
def incomplete_limits_are_no_limits():
    """An entry with one value only removes both limits."""

    def change(entry):
        if not {"soft", "hard"} <= set(entry):
            entry.update(soft=UNLIMITED, hard=UNLIMITED)

    entries(change)


@mutant("config.process.rlimits.duplicate-errors")
def the_last_of_two_limits_wins():
    """A second entry of a type replaces the first."""

    def change(config):
        limits = config["process"].get("rlimits", [])
        limits[:] = {entry.get("type"): entry for entry in limits}.values()

    reads(change)


@mutant("config.process.oom-score-adj.set")
def a_score_of_zero_is_none():
    """oomScoreAdj 0 is taken for unset."""

    def change(config):
        if config["process"].get("oomScoreAdj") == 0:
            del config["process"]["oomScoreAdj"]

    reads(change)


@mutant("config.process.oom-score-adj.unset-unchanged")
def an_unset_score_is_zero():
    """Without oomScoreAdj the program has the score 0."""
    reads(lambda config: config["process"].setdefault("oomScoreAdj", 0))


@mutant("config.process.oom-score-adj.out-of-range")
def scores_are_clamped():
    """A score beyond the range is the end of the range."""
    score(lambda value: max(0, min(value, 1000)))


@mutant("config.process.no-new-privileges.true")
def no_new_privileges_is_ignored():
    """noNewPrivileges is parsed and dropped."""
    reads(lambda config: config["process"].pop("noNewPrivileges", None))


@mutant("config.process.no-new-privileges.true")
def root_may_gain_privileges():
    """noNewPrivileges holds for ordinary users only."""

    def become(original, creation):
        if not creation.process["user"]["uid"]:
            creation.process.pop("noNewPrivileges", None)
        original(creation)

    wrap(process, "become_user", become)


@mutant("config.process.apparmor.unsupported-host-errors")
def profiles_are_ignored_without_apparmor():
    """apparmorProfile has no effect on a host without AppArmor."""
    reads(lambda config: config["process"].pop("apparmorProfile", None))


@mutant("config.process.selinux-label.cannot-apply-errors")
def labels_are_ignored_without_selinux():
    """selinuxLabel has no effect on a host without SELinux."""
    reads(lambda config: config["process"].pop("selinuxLabel", None))
