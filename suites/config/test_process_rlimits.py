"""POSIX process: rlimits."""

import resource

import pytest

from harness import clause, generates_an_error, kernel, linux, tolerates_an_error

GENEROUS = {
    "RLIMIT_AS": (2**40 + 1, 2**41 + 1),
    "RLIMIT_CORE": (1001, 2003),
    "RLIMIT_CPU": (301, 403),
    "RLIMIT_DATA": (2**40 + 3, 2**41 + 3),
    "RLIMIT_FSIZE": (2**40 + 5, 2**41 + 5),
    "RLIMIT_LOCKS": (101, 203),
    "RLIMIT_MEMLOCK": (65_537, 65_539),
    "RLIMIT_MSGQUEUE": (409_601, 409_603),
    "RLIMIT_NICE": (11, 13),
    "RLIMIT_NOFILE": (777, 889),
    "RLIMIT_NPROC": (3001, 3003),
    "RLIMIT_RSS": (2**40 + 7, 2**41 + 7),
    "RLIMIT_RTPRIO": (17, 19),
    "RLIMIT_RTTIME": (1_000_001, 2_000_003),
    "RLIMIT_SIGPENDING": (1501, 1503),
    "RLIMIT_STACK": (8 * 2**20 + 1, 16 * 2**20 + 1),
}
"""All that getrlimit(2) names, none of them in the way of a small program."""

TYPES = pytest.mark.parametrize(
    ("name", "soft", "hard"),
    [
        pytest.param(
            name, *both, id=name, marks=pytest.mark.requires.with_args(kernel.limit(name, both[1]))
        )
        for name, both in GENEROUS.items()
    ],
)

EXACT = {
    "RLIMIT_NOFILE": (777, 889),
    "RLIMIT_CORE": (2**53 + 1, 2**53 + 3),  # beyond what a floating-point number can tell apart
    "RLIMIT_CPU": (301, 403),
}

INFINITE = 2**64 - 1


def entries(limits):
    return [{"type": name, "soft": soft, "hard": hard} for name, (soft, hard) in limits.items()]


def pair(first, second):
    # The second is not higher: to raise a limit again would be refused by the kernel.
    return entries({"RLIMIT_CORE": first}) + entries({"RLIMIT_CORE": second})


@pytest.fixture
def limits_of(shared):
    """All limits of a program with these set: soft and hard by name."""
    return lambda limits: shared("program", process={"rlimits": entries(limits)}).facts["rlimits"]


@clause("config.process.rlimits.type-required")
def test_refuses_a_limit_without_a_type(create, limits_of):
    assert limits_of({"RLIMIT_CPU": (301, 403)})["RLIMIT_CPU"] == [301, 403]

    with generates_an_error():
        create("program", offence={"process": {"rlimits": [{"soft": 301, "hard": 403}]}}).start()


@clause("config.process.rlimits.types")
@TYPES
def test_sets_a_limit_of_each_type(facts_with, name, soft, hard):
    facts = facts_with(rlimits=entries({name: (soft, hard)}))

    assert facts["rlimits"][name] == [soft, hard]


@clause("config.process.rlimits.unknown-errors")
@pytest.mark.parametrize(
    "name",
    ["RLIMIT_NOSUCH", "", "NOFILE", "rlimit_nofile"],
    ids=["RLIMIT_NOSUCH", "empty", "NOFILE", "rlimit_nofile"],
)
def test_refuses_a_limit_of_an_unknown_type(create, limits_of, name):
    assert limits_of(EXACT)["RLIMIT_NOFILE"] == [777, 889]

    with generates_an_error():
        create("program", offence={"process": {"rlimits": entries({name: (777, 889)})}}).start()


@clause("config.process.rlimits.getrlimit-succeeds")
@pytest.mark.parametrize("name", EXACT)
def test_lets_the_program_ask_for_a_limit(limits_of, name):
    assert limits_of(EXACT)[name] is not None


@clause("config.process.rlimits.soft")
@pytest.mark.parametrize("name", EXACT)
def test_sets_the_soft_limit(limits_of, name):
    soft, _ = limits_of(EXACT)[name]

    assert soft == EXACT[name][0]


@clause("config.process.rlimits.soft", "config.process.rlimits.hard")
@pytest.mark.requires.with_args(kernel.limit("RLIMIT_CORE", INFINITE))
def test_takes_the_largest_number_for_no_limit(limits_of):
    limits = limits_of({"RLIMIT_CORE": (INFINITE, INFINITE)})

    assert limits["RLIMIT_CORE"] == ["infinity", "infinity"]


@clause("config.process.rlimits.hard")
@pytest.mark.parametrize("name", EXACT)
def test_sets_the_hard_limit(limits_of, name):
    _, hard = limits_of(EXACT)[name]

    assert hard == EXACT[name][1]


@clause("config.process.rlimits.{member}-required")
@pytest.mark.parametrize(
    ("member", "entry"), [("soft", {"hard": 8193}), ("hard", {"soft": 0})], ids=["soft", "hard"]
)
def test_may_take_an_incomplete_limit(create, shared, record, member, entry):
    shared("program").printed("ready")
    incomplete = {"type": "RLIMIT_CORE", **entry}

    with tolerates_an_error() as outcome:
        container = create("program", offence={"process": {"rlimits": [incomplete]}}).start()

    seen = None if outcome.refused else container.facts["rlimits"]["RLIMIT_CORE"]
    record(f"RLIMIT_CORE without {member}", seen)
    assert seen is None or set(entry.values()) <= set(seen)


@clause("config.process.rlimits.duplicate-errors")
@pytest.mark.parametrize(
    "limits", [pair((11, 13), (11, 13)), pair((17, 19), (11, 13))], ids=["equal", "different"]
)
def test_refuses_two_limits_of_one_type(create, limits_of, limits):
    assert limits_of(EXACT)["RLIMIT_NOFILE"] == [777, 889]

    with generates_an_error():
        create("program", offence={"process": {"rlimits": limits}}).start()


@clause("config.process.rlimits.unset-untouched")
def test_may_change_limits_that_are_not_listed(limits_of, record):
    limits = limits_of({"RLIMIT_CPU": (301, 403)})

    own = {name: resource.getrlimit(getattr(resource, name, linux.RLIMIT_LOCKS)) for name in limits}
    record("limits", {name: {"own": own[name], "seen": limits[name]} for name in limits})
    assert limits["RLIMIT_CPU"] == [301, 403]
