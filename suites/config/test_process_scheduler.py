"""Linux process: scheduler. A policy or a flag that a runtime does not support it has to refuse."""

import os

import pytest

from harness import clause, control, generates_an_error, kernel, requires, tolerates_an_error

DEADLINE = {
    "policy": "SCHED_DEADLINE",
    "runtime": 10_000_000,
    "deadline": 30_000_000,
    "period": 50_000_000,
}

ON_TIME = pytest.mark.requires.with_args(kernel.deadline_scheduling)

POLICIES = pytest.mark.parametrize(
    ("policy", "number", "parameters"),
    [
        pytest.param("sched-other", 0, {}, id="SCHED_OTHER"),
        pytest.param("sched-batch", 3, {}, id="SCHED_BATCH"),
        pytest.param("sched-iso", 4, {}, id="SCHED_ISO"),
        pytest.param("sched-idle", 5, {}, id="SCHED_IDLE"),
        pytest.param("sched-deadline", 6, DEADLINE, marks=ON_TIME, id="SCHED_DEADLINE"),
    ],
)

FLAGS = pytest.mark.parametrize(
    ("flag", "bit", "wanted"),
    [
        pytest.param("reset-on-fork", 0x1, {"policy": "SCHED_BATCH"}, id="RESET_ON_FORK"),
        pytest.param("reclaim", 0x2, DEADLINE, marks=ON_TIME, id="RECLAIM"),
        pytest.param("dl-overrun", 0x4, DEADLINE, marks=ON_TIME, id="DL_OVERRUN"),
    ],
)

KEPT = pytest.mark.parametrize(
    ("flag", "policy", "nice"),
    [("keep-policy", 0, 3), ("keep-params", 0, 0)],
    ids=["KEEP_POLICY", "KEEP_PARAMS"],
)

UNKNOWN = [
    {"policy": "SCHED_NOSUCH"},
    {"policy": "SCHED_BATCH", "flags": ["SCHED_FLAG_NOSUCH"]},
    {"policy": ""},
]


def constant(name):
    return name.upper().replace("-", "_")


def flagged(scheduler, flag):
    return {**scheduler, "flags": [constant(f"sched-flag-{flag}")]}


@pytest.fixture
def scheduled(facts_with):
    """What the kernel says of a program with this scheduler."""
    return lambda scheduler, linux=None: facts_with(scheduler=scheduler, linux=linux)["scheduler"]


@pytest.fixture
def in_real_time(scheduled, realtime_budget):
    """As ``scheduled``, in a cgroup that has time for real-time policies."""
    return lambda scheduler: scheduled(scheduler, realtime_budget)


@clause("config.process.scheduler.policy-required")
@pytest.mark.parametrize("scheduler", [{}, {"nice": 7}], ids=["empty", "nice"])
def test_may_take_a_scheduler_without_a_policy(create, shared, record, scheduler):
    shared("program").printed("ready")

    with tolerates_an_error() as outcome:
        container = create("program", offence={"process": {"scheduler": scheduler}}).start()

    seen = None if outcome.refused else container.facts["scheduler"]
    record("scheduler", seen)
    assert seen is None or seen["policy"] == 0


@clause("config.process.scheduler.policy.{policy}")
@POLICIES
def test_applies_the_policy(caller, scheduled, policy, number, parameters):
    # The other of the two that every caller may have: what is not applied is inherited.
    caller(policy=os.SCHED_BATCH if number != os.SCHED_BATCH else os.SCHED_OTHER)

    seen = scheduled({**parameters, "policy": constant(policy)})

    assert seen["policy"] == number


@clause("config.process.scheduler.policy.{policy}")
@requires(kernel.realtime_scheduling)
@pytest.mark.parametrize(
    ("policy", "number", "priority"),
    [("sched-fifo", 1, 5), ("sched-rr", 2, 7)],
    ids=["SCHED_FIFO", "SCHED_RR"],
)
def test_applies_the_real_time_policy(in_real_time, policy, number, priority):
    seen = in_real_time({"policy": constant(policy), "priority": priority})

    assert (seen["policy"], seen["priority"]) == (number, priority)


@clause("config.process.scheduler.nice")
@pytest.mark.parametrize(("policy", "nice"), [("SCHED_OTHER", 7), ("SCHED_BATCH", 3)])
def test_applies_the_nice_value(scheduled, policy, nice):
    seen = scheduled({"policy": policy, "nice": nice})

    assert seen["nice"] == nice


@clause("config.process.scheduler.nice-default-zero")
@pytest.mark.parametrize("policy", ["SCHED_OTHER", "SCHED_BATCH"])
def test_takes_zero_for_an_unset_nice_value(caller, scheduled, policy):
    caller(nice=5)

    seen = scheduled({"policy": policy})

    assert seen["nice"] == 0


@clause("config.process.scheduler.priority-default-zero")
def test_takes_zero_for_an_unset_priority(scheduled):
    seen = scheduled({"policy": "SCHED_OTHER"})

    assert seen["priority"] == 0


@clause("config.process.scheduler.priority-default-zero")
@requires(kernel.realtime_scheduling)
@pytest.mark.parametrize("policy", ["SCHED_FIFO", "SCHED_RR"])
def test_invents_no_priority_for_an_unset_one(in_real_time, realtime_budget, create, policy):
    assert in_real_time({"policy": policy, "priority": 5})["priority"] == 5

    # The kernel has no real-time priority 0: sched(7).
    with generates_an_error():
        unset = {"scheduler": {"policy": policy}}
        create("program", process=unset, linux=realtime_budget).start()


@clause("config.process.scheduler.{member}-default-zero")
@requires(kernel.deadline_scheduling)
@pytest.mark.parametrize("member", ["runtime", "deadline"])
def test_invents_no_time_for_an_unset_one(scheduled, create, member):
    without = {name: value for name, value in DEADLINE.items() if name != member}
    assert scheduled(DEADLINE)[member] == DEADLINE[member]

    # The kernel refuses both to be 0: sched(7).
    with generates_an_error():
        create("program", process={"scheduler": without}).start()


@clause("config.process.scheduler.period-default-zero")
@requires(kernel.deadline_scheduling)
def test_takes_zero_for_an_unset_period(scheduled):
    seen = scheduled({name: value for name, value in DEADLINE.items() if name != "period"})

    # For 0 the kernel takes the deadline: sched(7).
    assert seen["period"] == DEADLINE["deadline"]


@clause("config.process.scheduler.priority")
@requires(kernel.realtime_scheduling)
@pytest.mark.parametrize(("policy", "priority"), [("SCHED_FIFO", 11), ("SCHED_RR", 23)])
def test_applies_the_priority(in_real_time, policy, priority):
    seen = in_real_time({"policy": policy, "priority": priority, "nice": 3})

    assert seen["policy"] in {1, 2}
    assert seen["priority"] == priority


@clause("config.process.scheduler.{member}")
@requires(kernel.deadline_scheduling)
@pytest.mark.parametrize("member", ["runtime", "deadline", "period"])
def test_applies_the_times_of_a_deadline(scheduled, member):
    seen = scheduled(DEADLINE)

    assert seen[member] == DEADLINE[member]


@clause("config.process.scheduler.flag.{flag}")
@FLAGS
def test_sets_the_flag(scheduled, flag, bit, wanted):
    without, seen = scheduled(wanted), scheduled(flagged(wanted, flag))

    assert without["flags"] & bit == 0
    assert seen["flags"] & bit == bit


@clause("config.process.scheduler.flag.{flag}")
@KEPT
def test_keeps_what_the_flag_says(scheduled, flag, policy, nice):
    wanted = {"policy": "SCHED_BATCH", "nice": 3}

    without, seen = scheduled(wanted), scheduled(flagged(wanted, flag))

    assert (without["policy"], without["nice"]) == (3, 3)
    assert (seen["policy"], seen["nice"]) == (policy, nice)


@clause("config.process.scheduler.flag.{flag}")
@requires(kernel.utilization_clamping)
@pytest.mark.parametrize("flag", ["util-clamp-min", "util-clamp-max"])
def test_may_clamp_the_utilization(scheduled, record, flag):
    seen = scheduled(flagged({"policy": "SCHED_BATCH"}, flag))

    record("scheduler", seen)
    assert seen["policy"] == os.SCHED_BATCH


@clause("config.process.scheduler.unknown-value-errors")
@pytest.mark.parametrize("scheduler", UNKNOWN, ids=["policy", "flag", "empty-policy"])
def test_refuses_an_unknown_policy_or_flag(create, shared, scheduler):
    with control():
        shared("program").printed("ready")

    with generates_an_error():
        create("program", offence={"process": {"scheduler": scheduler}}).start()
