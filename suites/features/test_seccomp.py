"""Linux features: seccomp."""

import errno
import os

import pytest

from harness import clause, kernel, requires, seccomp, tolerates_an_error
from harness.agent import Agent
from harness.seccomp import behind, condition, rule

CALL = seccomp.CALLS[0]
DENIED = {4, 5, 6}

ACTIONS = {
    "ALLOW": (0, 7),
    "ERRNO": (errno.EPERM, 7),
    "KILL": (None, -31),
    "KILL_PROCESS": (None, -31),
    "KILL_THREAD": (None, -31),
    "LOG": (0, 7),
    "TRACE": (errno.ENOSYS, 7),
    "TRAP": (None, -31),
}
"""What a call comes to, and a child that makes it."""

OPERATORS = {
    "NE": {4, 6},
    "LT": {4},
    "LE": {4, 5},
    "EQ": {5},
    "GE": {5, 6},
    "GT": {6},
}
"""Of the numbers 4, 5 and 6 those for which a comparison with 5 is true."""

ARCHS = "X86 X86_64 X32 ARM AARCH64 MIPSEL MIPSEL64 MIPSEL64N32 PPC64LE RISCV64"
OTHER_ARCHS = "MIPS MIPS64 MIPS64N32 PPC PPC64 S390 S390X PARISC PARISC64 M68K SHEB SH LOONGARCH64"
"""Of the other byte order, which libseccomp does not mix, or known from libseccomp 2.6 on."""

FLAGS = [
    "SECCOMP_FILTER_FLAG_LOG",
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
    "SECCOMP_FILTER_FLAG_TSYNC",
]
OF_NOTIFICATIONS = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"


@pytest.fixture
def behind_filter(create):
    """Run a program behind a filter of these rules that runs these words."""

    def run(*rules, words=("facts=seccomp",), **members):
        linux = behind("ALLOW", *rules, **members)
        return create("tries", tries=[*words], linux=linux).start().printed("ready")

    return run


@pytest.fixture
def filtered_by(create):
    """Whether a program runs behind a filter, with names in it that our schema need not have."""

    def run(*rules, **members):
        container = create("waits", offence={"linux": behind("ALLOW", *rules, **members)}).start()
        return container.facts["seccomp"] == 2

    return run


@pytest.fixture
def agent(tmp_path, session):
    """Somebody who listens at listenerPath."""
    made = Agent(tmp_path / "agent", session.workspace.runtime.deadline)
    yield made
    made.close()


@pytest.fixture
def notifying(create, agent):
    """Run a program whose call is told of to the agent; the descriptors that the agent got."""

    def run(**members):
        linux = behind("ALLOW", rule("NOTIFY", CALL), listenerPath=agent.path, **members)
        create("tries", tries=[f"syscall={CALL}"], linux=linux).start()
        return agent.handed().fds

    return run


@clause("features.linux.seccomp.enabled")
def test_filters_system_calls_if_it_says_so(features, behind_filter):
    features.claimed("linux.seccomp.enabled")

    container = behind_filter(rule("ERRNO", CALL), words=[f"syscall={CALL}"])

    assert container.tried(CALL)["errno"] == errno.EPERM


@clause("features.linux.seccomp.actions.recognized")
@pytest.mark.parametrize("action", ACTIONS)
def test_takes_each_action_that_it_lists(features, behind_filter, action):
    features.claimed("linux.seccomp.actions", f"SCMP_ACT_{action}")
    words = ["child", f"syscall={CALL}", "exit=7", "end", "reap"]

    lines = behind_filter(rule(action, CALL), words=words).lines

    tried = next((line.data["errno"] for line in lines if line.event == "try"), None)
    ended = [line.data["status"] for line in lines if line.event == "reaped"]
    assert (tried, [os.waitstatus_to_exitcode(status) for status in ended]) == (
        ACTIONS[action][0],
        [ACTIONS[action][1]],
    )


@clause("features.linux.seccomp.actions.recognized")
@requires(kernel.seccomp_notify)
def test_notifies_of_calls_if_it_lists_that(features, notifying):
    features.claimed("linux.seccomp.actions", "SCMP_ACT_NOTIFY")

    assert notifying() != []


@clause("features.linux.seccomp.actions.recognized")
def test_lists_no_action_that_it_refuses(features, filtered_by):
    known = [f"SCMP_ACT_{name}" for name in (*ACTIONS, "NOTIFY")]
    others = features.others("linux.seccomp.actions", known)

    rules = [rule(name.removeprefix("SCMP_ACT_"), CALL) for name in others]
    assert filtered_by(*rules)


@clause("features.linux.seccomp.operators.recognized")
@pytest.mark.parametrize("operator", OPERATORS)
def test_compares_by_each_operator_that_it_lists(features, behind_filter, operator):
    features.claimed("linux.seccomp.operators", f"SCMP_CMP_{operator}")
    calls = {number: f"{CALL},{number}" for number in DENIED}

    denying = rule("ERRNO", CALL, args=[condition(0, operator, 5)])
    container = behind_filter(denying, words=[f"syscall={call}" for call in calls.values()])

    denied = {number for number, call in calls.items() if container.tried(call)["errno"]}
    assert denied == OPERATORS[operator]


@clause("features.linux.seccomp.operators.recognized")
def test_compares_under_a_mask_if_it_lists_that(features, behind_filter):
    features.claimed("linux.seccomp.operators", "SCMP_CMP_MASKED_EQ")
    calls = {number: f"{CALL},{number}" for number in DENIED}

    denying = rule("ERRNO", CALL, args=[condition(0, "MASKED_EQ", 6, valueTwo=4)])
    container = behind_filter(denying, words=[f"syscall={call}" for call in calls.values()])

    denied = {number for number, call in calls.items() if container.tried(call)["errno"]}
    assert denied == {4, 5}


@clause("features.linux.seccomp.operators.recognized")
def test_lists_no_operator_that_it_refuses(features, filtered_by):
    known = [f"SCMP_CMP_{name}" for name in (*OPERATORS, "MASKED_EQ")]
    others = features.others("linux.seccomp.operators", known)

    names = [name.removeprefix("SCMP_CMP_") for name in others]
    rules = [rule("ERRNO", CALL, args=[condition(0, name, 5)]) for name in names]
    assert filtered_by(*rules)


@clause("features.linux.seccomp.archs.recognized")
@pytest.mark.parametrize("arch", ARCHS.split())
def test_takes_each_architecture_that_it_lists(features, behind_filter, arch):
    features.claimed("linux.seccomp.archs", f"SCMP_ARCH_{arch}")

    listed = [seccomp.NATIVE, f"SCMP_ARCH_{arch}"]
    container = behind_filter(rule("ERRNO", CALL), architectures=listed, words=[f"syscall={CALL}"])

    assert container.tried(CALL)["errno"] == errno.EPERM


@clause("features.linux.seccomp.archs.of-library")
@pytest.mark.parametrize("arch", OTHER_ARCHS.split())
def test_may_take_architectures_that_its_library_need_not_have(
    features, behind_filter, record, arch
):
    features.claimed("linux.seccomp.archs", f"SCMP_ARCH_{arch}")

    with tolerates_an_error() as outcome:
        behind_filter(rule("ERRNO", CALL), architectures=[seccomp.NATIVE, f"SCMP_ARCH_{arch}"])

    record(f"{arch} beside {seccomp.NATIVE}", "an error" if outcome.refused else "success")


@clause("features.linux.seccomp.archs.recognized")
def test_lists_no_architecture_that_it_refuses(features, filtered_by):
    known = [f"SCMP_ARCH_{name}" for name in f"{ARCHS} {OTHER_ARCHS}".split()]
    others = features.others("linux.seccomp.archs", known)

    assert filtered_by(rule("ERRNO", CALL), architectures=[seccomp.NATIVE, *others])


@clause(
    "features.linux.seccomp.known-flags.recognized",
    "features.linux.seccomp.supported-flags.recognized",
)
@pytest.mark.parametrize("flag", FLAGS)
def test_takes_each_flag_that_it_says_to_support(features, behind_filter, flag):
    features.claimed("linux.seccomp.knownFlags", flag)
    features.claimed("linux.seccomp.supportedFlags", flag)

    container = behind_filter(rule("ERRNO", CALL), flags=[flag], words=[f"syscall={CALL}"])

    assert container.tried(CALL)["errno"] == errno.EPERM


@clause(
    "features.linux.seccomp.known-flags.recognized",
    "features.linux.seccomp.supported-flags.recognized",
)
@requires(kernel.seccomp_notify, kernel.seccomp_wait_killable)
def test_takes_the_flag_for_notifications_if_it_says_to_support_it(features, notifying):
    features.claimed("linux.seccomp.knownFlags", OF_NOTIFICATIONS)
    features.claimed("linux.seccomp.supportedFlags", OF_NOTIFICATIONS)

    assert notifying(flags=[OF_NOTIFICATIONS]) != []


@clause("features.linux.seccomp.supported-flags.recognized")
def test_lists_no_supported_flag_that_it_refuses(features, filtered_by):
    others = features.others("linux.seccomp.supportedFlags", [*FLAGS, OF_NOTIFICATIONS])

    assert filtered_by(rule("ERRNO", CALL), flags=others)


@clause("features.linux.seccomp.supported-flags.subset")
def test_supports_no_flag_that_it_does_not_know(features):
    known, supported = (
        features.said(f"linux.seccomp.{name}") for name in ("knownFlags", "supportedFlags")
    )

    assert set(supported) - set(known) == set()
