"""Seccomp: the default action, architectures, flags, and what an entry of syscalls consists of."""

import errno
import os

import pytest

from harness import (
    clause,
    control,
    generates_an_error,
    kernel,
    may_be_unsupported,
    requires,
    seccomp,
    tolerates_an_error,
)
from harness.audit import AuditLog
from harness.seccomp import behind, rule

CALL, NEIGHBOUR, ALLOWED = seccomp.CALLS
MADE = [f"syscall={CALL}", f"syscall={NEIGHBOUR}", f"syscall={ALLOWED},1"]
DENIED = behind("ALLOW", rule("ERRNO", CALL))
WITHOUT_FLAGS = behind("ALLOW", rule("ERRNO", CALL), flags=[])
"""An empty list: what holds without one is left open (runc sets SPEC_ALLOW)."""

SINCE_1_1 = pytest.mark.clause("linux.seccomp.action.kill-process")
SINCE_1_0_2 = pytest.mark.clause("linux.seccomp.action.log")

I386_MUNLOCKALL = 153

LITTLE = "X86 X86_64 X32 ARM AARCH64 MIPSEL MIPSEL64 MIPSEL64N32 PPC64LE RISCV64 LOONGARCH64 SH"
BIG = "MIPS MIPS64 MIPS64N32 PPC PPC64 S390 S390X PARISC PARISC64 M68K SHEB"

ALIASES = {
    "action": {"syscalls": [{"names": [CALL], "action": "ERRNO"}]},
    "lower-case-action": {"syscalls": [{"names": [CALL], "action": "scmp_act_errno"}]},
    "default-action": {"defaultAction": "allow"},
    "architecture": {"architectures": [seccomp.NATIVE.removeprefix("SCMP_ARCH_")]},
    "lower-case-architecture": {"architectures": [seccomp.NATIVE.lower()]},
    "operator": {
        "syscalls": [rule("ERRNO", CALL, args=[{"index": 0, "value": 5, "op": "EQ"}])],
    },
}


def spoilt(**members):
    """Return the offence that changes these members of the filter."""
    return {"linux": {"seccomp": members}}


@pytest.fixture
def denying(shared):
    """Show, once, that a program behind a filter is denied CALL."""

    def run():
        with control():
            container = shared("tries", tries=MADE, linux=DENIED).printed("ready")
            assert container.tried(CALL)["errno"] != 0

    return run


@pytest.fixture
def by_default(shared):
    """Start, once, a program that makes the calls under a default action that denies CALL.

    Both it and a child of it make CALL: the child goes on if the call returns.
    """

    def run(action, *rules, **members):
        in_child = ["child", f"syscall={CALL}", "exit=7", "end", "reap"]
        tries = [*in_child, *MADE] if action in {"ALLOW", "LOG", "ERRNO", "TRACE"} else in_child
        linux = behind(action, *rules, rule("ALLOW", ALLOWED), **members)
        return shared("tries", tries=tries, linux=linux).printed("ready")

    return run


def ends(container):
    """How the children of a program ended: exit status, or the negative number of a signal."""
    statuses = [line.data["status"] for line in container.lines if line.event == "reaped"]
    return [os.waitstatus_to_exitcode(status) for status in statuses]


@clause("linux.seccomp.names-map-to-libseccomp")
@pytest.mark.parametrize("members", ALIASES.values(), ids=ALIASES)
def test_knows_no_other_names(denying, create, members):
    denying()

    with generates_an_error():
        create("linux", linux=DENIED, offence=spoilt(**members)).start()


@clause("linux.seccomp.default-action-required")
def test_refuses_a_filter_without_a_default_action(denying, create):
    denying()

    with generates_an_error():
        create("linux", linux=DENIED, offence=spoilt(defaultAction=None)).start()


@clause("linux.seccomp.action.unknown-errors")
@pytest.mark.parametrize("members", [
    pytest.param({"defaultAction": "SCMP_ACT_BOGUS"}, id="default"),
    pytest.param({"defaultAction": ""}, id="empty"),
    pytest.param({"syscalls": [rule("BOGUS", CALL)]}, id="rule"),
])  # fmt: skip
def test_refuses_an_unknown_action(denying, create, members):
    denying()

    with generates_an_error():
        create("linux", linux=DENIED, offence=spoilt(**members)).start()


@clause("linux.seccomp.default-action")
@pytest.mark.parametrize(("action", "end"), [
    ("ALLOW", 7),
    ("ERRNO", 7),
    ("TRACE", 7),
    ("KILL", -31),
    ("TRAP", -31),
    pytest.param("LOG", 7, marks=SINCE_1_0_2),
    pytest.param("KILL_PROCESS", -31, marks=SINCE_1_1),
    pytest.param("KILL_THREAD", -31, marks=SINCE_1_1),
])  # fmt: skip
def test_takes_the_default_action_on_a_call_without_a_rule(by_default, action, end):
    assert ends(by_default(action)) == [end]


@clause("linux.seccomp.default-action")
@pytest.mark.parametrize(("action", "works"), [("ALLOW", True), ("ERRNO", False), ("TRACE", False)])
def test_denies_calls_without_a_rule_only(by_default, action, works):
    container = by_default(action)

    tried = [container.tried(word)["errno"] == 0 for word in (CALL, NEIGHBOUR, f"{ALLOWED},1")]
    assert tried == [works, works, True]
    assert container.facts["seccomp"] == 2


@clause("linux.seccomp.default-errno-ret")
@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSYS, errno.ENETUNREACH])
def test_returns_the_default_errno(by_default, number):
    own = rule("ERRNO", NEIGHBOUR, errnoRet=errno.EISDIR)

    container = by_default("ERRNO", own, defaultErrnoRet=number)

    assert container.tried(CALL)["errno"] == number
    assert container.tried(NEIGHBOUR)["errno"] == errno.EISDIR


@clause("linux.seccomp.default-errno-ret.unsupported-fails")
@pytest.mark.parametrize("action", ["ALLOW", "LOG", "TRAP", "KILL", "KILL_PROCESS", "KILL_THREAD"])
def test_refuses_a_default_errno_for_an_action_without_one(by_default, create, action):
    with control():
        assert by_default(action).facts["seccomp"] == 2

    with generates_an_error():
        create("linux", linux=behind(action), offence=spoilt(defaultErrnoRet=errno.EPERM)).start()


@clause("linux.seccomp.default-errno-ret.default-eperm")
def test_returns_eperm_by_default(by_default):
    container = by_default("ERRNO")

    assert container.tried(CALL)["errno"] == errno.EPERM
    assert container.tried(f"{ALLOWED},1")["errno"] == 0


@clause("linux.seccomp.architectures.native")
@pytest.mark.parametrize("listed", [None, [seccomp.NATIVE]], ids=["absent", "native"])
def test_applies_the_filter_to_calls_of_this_machine(shared, listed):
    members = {} if listed is None else {"architectures": listed}

    container = shared("tries", tries=MADE, linux=behind("ALLOW", rule("ERRNO", CALL), **members))

    assert container.tried(CALL)["errno"] != 0
    assert container.tried(NEIGHBOUR)["errno"] == 0


@clause("linux.seccomp.architectures.foreign")
@requires(kernel.ia32_emulation)
def test_applies_the_filter_to_calls_of_a_sub_architecture(create):
    listed = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
    linux = behind("ALLOW", rule("ERRNO", CALL), architectures=listed)

    container = create("tries", tries=[*MADE, f"int80={I386_MUNLOCKALL}", "int80=20"], linux=linux)

    denied = container.start().tried(str(I386_MUNLOCKALL))
    assert (denied["errno"] != 0, container.tried("20")["errno"]) == (True, 0)


@clause("linux.seccomp.architectures.foreign")
@requires(kernel.ia32_emulation)
def test_may_do_anything_with_calls_of_an_architecture_that_is_not_listed(create, record):
    linux = behind("ALLOW", rule("ERRNO", CALL), architectures=["SCMP_ARCH_X86_64"])
    words = ["child", f"int80={I386_MUNLOCKALL}", "exit=7", "end", "reap"]

    container = create("tries", tries=words, linux=linux).start().printed("ready")

    tried = [line.data["errno"] for line in container.lines if line.event == "try"]
    record("a call of i386", f"errno {tried[0]}" if tried else f"ended by {ends(container)[0]}")


@clause("linux.seccomp.architectures.constants")
@pytest.mark.parametrize("name", ["SCMP_ARCH_NOSUCH", "SCMP_ARCH_", ""])
def test_refuses_an_unknown_architecture(denying, create, name):
    denying()

    with generates_an_error():
        create("linux", linux=DENIED, offence=spoilt(architectures=[seccomp.NATIVE, name])).start()


@clause("linux.seccomp.architectures.constants")
@pytest.mark.parametrize("names", [LITTLE, BIG], ids=["little-endian", "big-endian"])
def test_may_support_all_listed_architectures(denying, create, names):
    denying()
    listed = [seccomp.NATIVE, *(f"SCMP_ARCH_{name}" for name in names.split())]
    linux = behind("ALLOW", rule("ERRNO", CALL), architectures=listed)

    with may_be_unsupported(f"architectures {names}"):
        container = create("tries", tries=MADE, linux=linux).start()

    assert container.tried(CALL)["errno"] != 0


@clause("linux.seccomp.flag.tsync")
def test_may_take_tsync(denying, create, record):
    denying()
    linux = behind("ALLOW", rule("ERRNO", CALL), flags=["SECCOMP_FILTER_FLAG_TSYNC"])

    with tolerates_an_error() as outcome:
        container = create("tries", tries=MADE, linux=linux).start()
    record("TSYNC", "an error" if outcome.refused else "accepted")

    assert outcome.refused or container.tried(CALL)["errno"] != 0


@clause("linux.seccomp.flag.log")
@requires(kernel.seccomp_audit)
def test_logs_denied_calls(create, runtime, request):
    log = AuditLog()
    request.addfinalizer(log.close)
    plain = create("tries", tries=MADE, linux=WITHOUT_FLAGS).start().printed("ready")
    linux = behind("ALLOW", rule("ERRNO", CALL), flags=["SECCOMP_FILTER_FLAG_LOG"])

    with may_be_unsupported("SECCOMP_FILTER_FLAG_LOG"):
        container = create("tries", tries=MADE, linux=linux).start().printed("ready")

    number = plain.tried(CALL)["nr"]
    assert log.has(container.process.pid, number, seconds=runtime.deadline)
    assert not log.has(plain.process.pid, number)


@clause("linux.seccomp.flag.spec-allow")
@requires(kernel.seccomp_mitigations)
def test_spares_the_program_mitigations(create):
    with control():
        assert "force mitigated" in create("tries", linux=WITHOUT_FLAGS).start().facts["status"]
    linux = behind("ALLOW", rule("ERRNO", CALL), flags=["SECCOMP_FILTER_FLAG_SPEC_ALLOW"])

    with may_be_unsupported("SECCOMP_FILTER_FLAG_SPEC_ALLOW"):
        container = create("tries", linux=linux).start()

    assert "force mitigated" not in container.facts["status"]


@clause("linux.seccomp.flags.unknown-errors")
@pytest.mark.parametrize("flag", ["SECCOMP_FILTER_FLAG_NOSUCH", "LOG", ""])
def test_refuses_an_unknown_flag(denying, create, flag):
    denying()

    with generates_an_error():
        create("linux", linux=DENIED, offence=spoilt(flags=[flag])).start()
