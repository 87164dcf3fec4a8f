"""Mutants of config-linux.md: memory, CPU, PIDs."""

from __future__ import annotations

from tests.mutants.breaking import mutant, reads

WITH_BURST = ("quota", "burst")


def amending(group, change):
    """Have the members of a group of resources changed: ``change(members)``."""

    def amend(config):
        resources = config.get("linux", {}).get("resources", {})
        if group in resources:
            change(resources[group])

    reads(amend)


def dropped(group, *names):
    """Leave out members of a group of resources."""
    amending(group, lambda members: [members.pop(name, None) for name in names])


@mutant("linux.resources.memory.minus-one-unlimited")
def minus_one_leaves_a_limit():
    """-1 is taken for no value at all."""

    def change(members):
        for name in [name for name, value in members.items() if value == -1]:
            del members[name]

    amending("memory", change)


# Without a limit of memory none can be lifted, nor one for both be told from it.
@mutant(
    "linux.resources.memory.limit",
    also=["linux.resources.memory.swap", "linux.resources.memory.minus-one-unlimited"],
)
def memory_is_not_limited():
    """The limit of memory is not written."""
    dropped("memory", "limit", "swap")


@mutant("linux.resources.memory.reservation")
def no_memory_is_reserved():
    """The soft limit is not written."""
    dropped("memory", "reservation")


@mutant("linux.resources.memory.swap")
def swap_is_not_limited():
    """The limit of memory and swap is not written."""
    dropped("memory", "swap")


@mutant("linux.resources.memory.swappiness")
def a_swappiness_of_0_is_none():
    """0 leaves the swappiness as it is."""

    def change(members):
        if not members.get("swappiness"):
            members.pop("swappiness", None)

    amending("memory", change)


@mutant("linux.resources.memory.swappiness-range")
def the_swappiness_is_cut():
    """A swappiness above 100 is 100, one below 0 is 0."""

    def change(members):
        if "swappiness" in members:
            members["swappiness"] = min(max(members["swappiness"], 0), 100)

    amending("memory", change)


@mutant("linux.resources.memory.disable-oom-killer")
def the_oom_killer_is_never_disabled():
    """The OOM killer remains whatever is asked for."""
    dropped("memory", "disableOOMKiller")


@mutant("linux.resources.cpu.shares")
def all_have_the_same_shares():
    """Shares are not written."""
    dropped("cpu", "shares")


@mutant("linux.resources.cpu.quota")
def a_quota_needs_a_period():
    """Without a period the quota is not written."""

    def change(members):
        if "period" not in members:
            for name in WITH_BURST:
                members.pop(name, None)

    amending("cpu", change)


@mutant("linux.resources.cpu.burst")
def nothing_can_be_saved_up():
    """The burst is not written."""
    dropped("cpu", "burst")


@mutant("linux.resources.cpu.period")
def a_period_needs_a_quota():
    """Without a quota the period is not written."""

    def change(members):
        if "quota" not in members:
            members.pop("period", None)

    amending("cpu", change)


@mutant("linux.resources.cpu.realtime-runtime")
def there_is_no_time_for_real_time():
    """The time for real-time policies is not written."""
    dropped("cpu", "realtimeRuntime")


@mutant("linux.resources.cpu.realtime-period")
def the_period_of_real_time_is_the_kernels():
    """The period of real-time policies is not written."""
    dropped("cpu", "realtimePeriod")


@mutant("linux.resources.cpu.cpus")
def it_runs_on_all_processors():
    """The list of processors is not written."""
    dropped("cpu", "cpus")


@mutant("linux.resources.cpu.mems")
def it_takes_memory_of_all_nodes():
    """The list of memory nodes is not written."""
    dropped("cpu", "mems")


@mutant("linux.resources.cpu.idle")
def it_is_never_idle():
    """idle is not written."""
    dropped("cpu", "idle")


@mutant("linux.resources.pids.limit")
def tasks_are_not_limited():
    """The limit of tasks is not written."""
    dropped("pids", "limit")


@mutant("linux.resources.pids.minus-one")
def minus_one_leaves_the_limit_of_tasks():
    """A limit of tasks that is there is not lifted."""

    def change(members):
        if members.get("limit") == -1:
            del members["limit"]

    amending("pids", change)


@mutant("linux.resources.pids.zero")
def no_tasks_are_any_number():
    """A limit of 0 is taken for none."""

    def change(members):
        if members.get("limit") == 0:
            members["limit"] = -1

    amending("pids", change)


@mutant("linux.resources.pids.limit-optional")
def an_absent_limit_of_tasks_is_0():
    """pids without a limit forbids every fork."""
    amending("pids", lambda members: members.setdefault("limit", 0))
