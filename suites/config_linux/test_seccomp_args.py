"""Seccomp: arguments of calls, the operators that compare them, and on whom the filter is."""

import operator

import pytest

from harness import clause, control, generates_an_error, tolerates_an_error
from harness.seccomp import behind, condition, rule

VALUE = 0x1_0000_0005
NUMBERS = [VALUE - 1, VALUE, VALUE + 1, 5, VALUE + 2**33, 2**64 - 1]
"""Around the value, equal to it in the low half only, greater in the high half only."""

# Arguments beyond those that a call has are compared, and the kernel makes nothing of them.
OPERATORS = {
    "ne": ("munlockall", operator.ne),
    "lt": ("times,0", operator.lt),
    "le": ("sched_get_priority_max,1", operator.le),
    "eq": ("sched_get_priority_min,1", operator.eq),
    "ge": ("sched_getscheduler,0", operator.ge),
    "gt": ("clock_getres,0,0", operator.gt),
}

INDEXED = [
    ("munlockall,77,0,0,0,0,0", "munlockall,0,77,77,77,77,77"),
    ("times,0,77,0,0,0,0", "times,0,0,77,77,77,77"),
    ("sched_get_priority_max,1,0,77,0,0,0", "sched_get_priority_max,1,77,0,77,77,77"),
    ("clock_getres,0,0,0,77,0,0", "clock_getres,0,0,77,0,77,77"),
    ("sched_getscheduler,0,0,0,0,77,0", "sched_getscheduler,0,77,77,77,0,77"),
    ("sched_get_priority_min,1,0,0,0,0,77", "sched_get_priority_min,1,77,77,77,77,0"),
]
"""By index: a call with 77 as this argument only, and one with it as all others."""

LARGE = {
    "2^32+5": ("munlockall", 2**32 + 5),
    "2^53+1": ("times,0", 2**53 + 1),
    "2^63+1": ("sched_getscheduler,0", 2**63 + 1),
}

MASKED = [0x20, 0x2F, 0x3F, 0xF0, 0x120, 0x1_0000_0020, 0]
HIGH = [VALUE, VALUE + 2**34, 5, VALUE + 2**33]

PAIRS = ["munlockall,1,2", "munlockall,1,0", "munlockall,0,2", "munlockall,2,1"]
BOTH = [condition(0, "EQ", 1), condition(1, "EQ", 2)]
SAME = [condition(0, "EQ", 1), condition(0, "EQ", 2)]

VALID = condition(0, "EQ", 5)
VALID_FOR = ["munlockall,4", "munlockall,5"]

REQUIRED = pytest.mark.parametrize("name", ["index", "value"])

CHILD = ["munlockall,1", "times,0,1"]


@pytest.fixture
def denied(shared):
    """Which of these calls of a program, started once, fail behind these rules."""

    def run(rules, words, *, among=()):
        tries = [f"syscall={word}" for word in among or words]
        container = shared("tries", tries=tries, linux=behind("ALLOW", *rules)).printed("ready")
        return [word for word in words if container.tried(word)["errno"] != 0]

    return run


@pytest.fixture
def works(denied):
    """Show, once, that a program behind a valid condition is denied what it says, and no more."""

    def look():
        with control():
            rules = [rule("ERRNO", "munlockall", args=[VALID])]
            assert denied(rules, VALID_FOR) == VALID_FOR[1:]

    return look


@pytest.fixture
def with_condition(create):
    """Start a program behind the valid condition with these members changed, None: removed."""

    def run(**members):
        given = {**VALID, **members}
        entry = {name: value for name, value in given.items() if value is not None}
        offence = {"linux": {"seccomp": {"syscalls": [rule("ERRNO", "munlockall", args=[entry])]}}}
        tries = [f"syscall={word}" for word in VALID_FOR]
        return create("tries", tries=tries, linux=behind("ALLOW"), offence=offence).start()

    return run


@clause("linux.seccomp.args.index")
@pytest.mark.parametrize("index", range(6))
def test_compares_the_argument_of_the_index(denied, index):
    rules = [
        rule("ERRNO", on.partition(",")[0], args=[condition(number, "EQ", 77)])
        for number, (on, _) in enumerate(INDEXED)
    ]

    words = denied(rules, INDEXED[index], among=[word for pair in INDEXED for word in pair])

    assert words == [INDEXED[index][0]]


@clause("linux.seccomp.args.index")
@pytest.mark.parametrize("index", [6, 7, 4096])
def test_refuses_an_index_beyond_the_sixth(works, with_condition, index):
    works()

    with generates_an_error():
        with_condition(index=index)


@clause("linux.seccomp.args.{name}-required")
@REQUIRED
def test_may_take_a_condition_without(works, with_condition, record, name):
    works()

    with tolerates_an_error() as outcome:
        container = with_condition(**{name: None}).printed("ready")

    seen = "" if outcome.refused else container.tried("munlockall,5")["errno"]
    record(f"no {name}", "an error" if outcome.refused else f"errno {seen}")


@clause("linux.seccomp.args.value")
@pytest.mark.parametrize(("prefix", "value"), LARGE.values(), ids=LARGE)
def test_compares_all_64_bits(denied, prefix, value):
    rules = [
        rule("ERRNO", call.partition(",")[0], args=[condition(call.count(","), "EQ", number)])
        for call, number in LARGE.values()
    ]
    calls = {
        call: [f"{call},{each}" for each in (number, number - 1, number & 0xFFFFFFFF)]
        for call, number in LARGE.values()
    }

    words = denied(rules, calls[prefix], among=[word for each in calls.values() for word in each])

    assert words == [f"{prefix},{value}"]


@clause("linux.seccomp.args.value-two")
def test_takes_the_second_value_for_what_is_under_the_mask(denied):
    words = [f"munlockall,{number}" for number in MASKED]
    masked = condition(0, "MASKED_EQ", 0xF0, valueTwo=0x20)

    found = denied([rule("ERRNO", "munlockall", args=[masked])], words)

    assert found == [f"munlockall,{number}" for number in MASKED if number & 0xF0 == 0x20]


@clause("linux.seccomp.args.op-required")
def test_refuses_a_condition_without_an_operator(works, with_condition):
    works()

    with generates_an_error():
        with_condition(op=None)


@clause("linux.seccomp.op.{name}")
@pytest.mark.parametrize("name", OPERATORS)
def test_compares_by_the_operator(denied, name):
    rules = [
        rule("ERRNO", call.partition(",")[0], args=[condition(call.count(","), op.upper(), VALUE)])
        for op, (call, _) in OPERATORS.items()
    ]
    calls = {op: [f"{call},{each}" for each in NUMBERS] for op, (call, _) in OPERATORS.items()}

    words = denied(rules, calls[name], among=[word for each in calls.values() for word in each])

    call, compare = OPERATORS[name]
    assert words == [f"{call},{number}" for number in NUMBERS if compare(number, VALUE)]


@clause("linux.seccomp.op.masked-eq")
@pytest.mark.parametrize(
    ("mask", "numbers"),
    [pytest.param(0xF0, MASKED, id="low"), pytest.param(0x3_0000_000F, HIGH, id="high")],
)
def test_compares_what_is_under_the_mask(denied, mask, numbers):
    words = [f"munlockall,{number}" for number in numbers]
    wanted = numbers[0] & mask
    masked = condition(0, "MASKED_EQ", mask, valueTwo=wanted)

    found = denied([rule("ERRNO", "munlockall", args=[masked])], words)

    assert found == [f"munlockall,{number}" for number in numbers if number & mask == wanted]


@clause("linux.seccomp.op.unknown-errors")
@pytest.mark.parametrize("name", ["SCMP_CMP_BOGUS", "SCMP_CMP_", ""])
def test_refuses_an_unknown_operator(works, with_condition, name):
    works()

    with generates_an_error():
        with_condition(op=name)


@clause("linux.seccomp.args.multiple")
def test_demands_that_all_conditions_hold(denied):
    assert denied([rule("ERRNO", "munlockall", args=BOTH)], PAIRS) == PAIRS[:1]


@clause("linux.seccomp.args.multiple")
def test_may_take_several_conditions_on_one_argument(works, create, record):
    works()
    words = ["munlockall,0", "munlockall,1", "munlockall,2"]
    linux = behind("ALLOW", rule("ERRNO", "munlockall", args=SAME))

    with tolerates_an_error() as outcome:
        container = create(
            "tries", tries=[f"syscall={each}" for each in words], linux=linux
        ).start()

    seen = [] if outcome.refused else [container.tried(word)["errno"] != 0 for word in words]
    record("two conditions on one argument", "an error" if outcome.refused else seen)
    assert not any(seen[:1])


@clause("linux.seccomp.applied-to-program")
@pytest.mark.parametrize("no_new_privileges", [False, True], ids=["plain", "no-new-privileges"])
@pytest.mark.parametrize("uid", [0, 1000], ids=["root", "uid-1000"])
def test_filters_the_program_and_what_it_executes(bundle, create, uid, no_new_privileges):
    process = {"user": {"uid": uid, "gid": 0}, "noNewPrivileges": no_new_privileges}
    calls = ["facts=seccomp", *(f"syscall={word}" for word in ("munlockall,0", "times"))]
    words = [*calls, "child", "exec=/child", "end", "reap", "say=ready", "pause"]
    linux = behind("ALLOW", rule("ERRNO", "munlockall"))
    made = bundle("program", process=process, words=words, linux=linux)
    made.plant(made.inside("/child"), "as=child", *(f"syscall={word}" for word in CHILD))

    container = create(made).start().printed("ready")

    tried = [container.tried(word)["errno"] != 0 for word in ("munlockall,0", "times", *CHILD)]
    assert (container.facts["seccomp"], tried) == (2, [True, False, True, False])
