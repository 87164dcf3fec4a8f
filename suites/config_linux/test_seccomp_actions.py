"""Seccomp: entries of syscalls, their names, actions and errnos."""

import errno
import os
import signal

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
from harness.tracer import tracing

CALL, NEIGHBOUR, ALLOWED = seccomp.CALLS
MADE = [f"syscall={CALL}", f"syscall={NEIGHBOUR}", f"syscall={ALLOWED},1"]
SYS_SECCOMP = 1

NAMED = {
    "sched_getscheduler": "sched_getscheduler,0",
    "times": "times",
    "munlockall": "munlockall",
    "sched_get_priority_min": "sched_get_priority_min,1",
    "sched_get_priority_max": "sched_get_priority_max,1",
}
UNNAMED = "getpriority,0,0"

ERRNOS = {
    "munlockall": errno.EACCES,
    "times": errno.ENOSYS,
    "sched_getscheduler,0": errno.ERFKILL + 1,
}

IN_CHILDREN = [
    *("child", f"syscall={CALL}", "exit=7", "end", "reap"),
    *("child", f"thread={CALL}", "exit=8", "end", "reap"),
    *("child", f"syscall={NEIGHBOUR}", "exit=9", "end", "reap"),
]
"""A process makes CALL, a thread of one does, another one makes a neighbouring call."""


def spoilt(*rules):
    """Return the offence that puts these entries in the place of the others."""
    return {"linux": {"seccomp": {"syscalls": [*rules]}}}


@pytest.fixture
def behind_rules(shared):
    """Start, once, a program that makes the calls behind these rules."""

    def run(*rules, tries=MADE, default="ALLOW"):
        return shared("tries", tries=tries, linux=behind(default, *rules)).printed("ready")

    return run


@pytest.fixture
def works(behind_rules):
    """Show, once, that a program behind a valid entry is denied what it says."""

    def look():
        with control():
            assert behind_rules(rule("ERRNO", CALL)).tried(CALL)["errno"] != 0

    return look


@pytest.fixture
def refuses(behind_rules, create):
    """Have a valid entry work; then demand an error for the same one with these members changed."""

    def run(valid, **members):
        with control():
            assert behind_rules(valid).facts["seccomp"] == 2
        given = {**valid, **members}
        entry = {name: value for name, value in given.items() if value is not None}
        linux = behind("ALLOW", valid)
        with generates_an_error():
            create("linux", linux=linux, offence=spoilt(entry)).start()

    return run


@pytest.fixture
def log():
    """The audit log from now on."""
    log = AuditLog()
    yield log
    log.close()


@clause("linux.seccomp.syscalls.optional")
def test_runs_a_program_behind_a_filter_without_entries(create):
    linux = {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW"}}

    container = create("tries", tries=MADE, linux=linux).start()

    assert container.tried(CALL)["errno"] == 0


@clause("linux.seccomp.syscalls.optional", "linux.seccomp.action.kill-process")
def test_lets_the_default_action_kill_without_entries(bundle, attempt, create):
    words = ["as=program", "to=/log", "say=begin", "to=/proc/self/fd/1", "say=ready", "pause"]
    linux = {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW"}}
    control = create("program", words=words, linux=linux).start().printed("ready")
    offence = {"linux": {"seccomp": {"defaultAction": "SCMP_ACT_KILL_PROCESS"}}}
    made = bundle("program", words=words, linux=linux, offence=offence)

    attempt(made)

    assert (control.bundle.moments, made.moments) == (["program begin"], [])


@clause("linux.seccomp.syscalls.names-required")
def test_refuses_an_entry_without_names(refuses):
    refuses(rule("ERRNO", CALL), names=None)


@clause("linux.seccomp.syscalls.names-non-empty")
def test_refuses_an_entry_with_an_empty_list_of_names(refuses):
    refuses(rule("ERRNO", CALL), names=[])


@clause("linux.seccomp.syscalls.names-match")
@pytest.mark.parametrize("name", NAMED)
def test_takes_the_action_on_each_name(behind_rules, name):
    tries = [f"syscall={word}" for word in [*NAMED.values(), UNNAMED]]

    container = behind_rules(rule("ERRNO", *NAMED), tries=tries)

    assert container.tried(NAMED[name])["errno"] != 0
    assert container.tried(UNNAMED)["errno"] == 0


@clause("linux.seccomp.syscalls.unknown-name")
def test_may_pass_over_unknown_names(works, create, record):
    works()
    linux = behind("ALLOW", rule("ERRNO", "no_such_call", CALL))

    with tolerates_an_error() as outcome:
        container = create("tries", tries=MADE, linux=linux).start()
    record("a name that nobody knows", "an error" if outcome.refused else "passed over")

    assert outcome.refused or container.tried(CALL)["errno"] != 0


@clause("linux.seccomp.syscalls.action-required")
def test_refuses_an_entry_without_an_action(refuses):
    refuses(rule("ERRNO", CALL), action=None)


@clause("linux.seccomp.action.{action}")
@pytest.mark.parametrize(("action", "by_process", "by_thread"), [
    ("kill", -signal.SIGSYS, 8),
    ("kill-process", -signal.SIGSYS, -signal.SIGSYS),
    ("kill-thread", -signal.SIGSYS, 8),
], ids=["KILL", "KILL_PROCESS", "KILL_THREAD"])  # fmt: skip
def test_kills_who_makes_the_call(behind_rules, action, by_process, by_thread):
    name = action.upper().replace("-", "_")

    container = behind_rules(rule(name, CALL), tries=IN_CHILDREN)

    statuses = [line.data["status"] for line in container.lines if line.event == "reaped"]
    ends = [os.waitstatus_to_exitcode(status) for status in statuses]
    assert ends == [by_process, by_thread, 9]


@clause("linux.seccomp.action.trap")
def test_sends_a_signal_for_the_call(behind_rules):
    tries = ["catch", f"syscall={NEIGHBOUR}", f"syscall={CALL}"]

    container = behind_rules(rule("TRAP", CALL), tries=tries)

    caught = [line.data for line in container.lines if line.event == "signal"]
    assert [(data["signal"], data["code"]) for data in caught] == [(signal.SIGSYS, SYS_SECCOMP)]
    assert container.tried(NEIGHBOUR)["errno"] == 0


@clause("linux.seccomp.action.errno")
def test_has_the_call_fail(behind_rules):
    container = behind_rules(rule("ERRNO", CALL))

    tried = [container.tried(name)["errno"] != 0 for name in (CALL, NEIGHBOUR)]
    assert tried == [True, False]


@clause("linux.seccomp.action.trace")
def test_has_the_call_not_made_without_a_tracer(behind_rules):
    container = behind_rules(rule("TRACE", CALL))

    tried = [container.tried(name)["errno"] for name in (CALL, NEIGHBOUR)]
    assert tried == [errno.ENOSYS, 0]


@pytest.mark.parametrize(("members", "data"), [
    pytest.param({}, None, id="plain", marks=pytest.mark.clause("linux.seccomp.action.trace")),
    pytest.param({"errnoRet": 77}, 77, id="errnoRet",
                 marks=pytest.mark.clause("linux.seccomp.errno-ret")),
    pytest.param({}, errno.EPERM, id="default",
                 marks=pytest.mark.clause("linux.seccomp.errno-ret.default-eperm")),
])  # fmt: skip
def test_tells_a_tracer_of_the_call(bundle, create, members, data):
    tries = [f"syscall={NEIGHBOUR}", "wait=/gate", f"syscall={CALL}", "exit=0"]
    made = bundle("tries", tries=tries, linux=behind("ALLOW", rule("TRACE", CALL, **members)))
    gate = made.gate()
    container = create(made).start().printed("try")

    with tracing(container.process.pid) as tracer:
        gate.open()
        told = tracer.told()

    assert told is not None
    assert data in {None, told}
    assert container.tried(CALL)["errno"] == 0


@clause("linux.seccomp.action.allow")
def test_allows_the_call(behind_rules):
    container = behind_rules(rule("ALLOW", ALLOWED, NEIGHBOUR), default="ERRNO")

    tried = [container.tried(word)["errno"] == 0 for word in (CALL, NEIGHBOUR, f"{ALLOWED},1")]
    assert tried == [False, True, True]


@clause("linux.seccomp.action.log")
def test_lets_a_logged_call_be_made(behind_rules):
    container = behind_rules(rule("LOG", NEIGHBOUR), default="ERRNO")

    tried = [container.tried(word)["errno"] == 0 for word in (CALL, NEIGHBOUR)]
    assert tried == [False, True]


@clause("linux.seccomp.action.log")
@requires(kernel.seccomp_audit)
def test_logs_the_call(create, runtime, log):
    linux = behind("ALLOW", rule("LOG", CALL))

    container = create("tries", tries=reversed(MADE), linux=linux).start().printed("ready")

    pid = container.process.pid
    numbers = [container.tried(name)["nr"] for name in (CALL, NEIGHBOUR)]
    assert log.has(pid, numbers[0], seconds=runtime.deadline)
    assert not log.has(pid, numbers[1])


@clause("linux.seccomp.errno-ret")
@pytest.mark.parametrize("word", ERRNOS, ids=["13", "38", "133"])
def test_returns_the_given_errno(behind_rules, word):
    rules = [rule("ERRNO", name.partition(",")[0], errnoRet=n) for name, n in ERRNOS.items()]

    container = behind_rules(*rules, tries=[f"syscall={each}" for each in ERRNOS])

    assert container.tried(word)["errno"] == ERRNOS[word]


@clause("linux.seccomp.errno-ret")
def test_refuses_the_largest_errno_or_returns_it(works, create):
    works()
    linux = behind("ALLOW", rule("ERRNO", CALL, errnoRet=4095))

    with may_be_unsupported("errnoRet 4095"):
        container = create("tries", tries=MADE, linux=linux).start()

    assert container.tried(CALL)["errno"] == 4095


@clause("linux.seccomp.errno-ret.unsupported-fails")
@pytest.mark.parametrize("action", ["KILL", "KILL_PROCESS", "KILL_THREAD", "TRAP", "LOG"])
def test_refuses_an_errno_for_an_action_without_one(refuses, action):
    refuses(rule(action, "getpriority"), errnoRet=errno.EPERM)


@clause("linux.seccomp.errno-ret.unsupported-fails")
def test_refuses_an_errno_for_a_call_that_is_allowed(behind_rules, create):
    allowed = [rule("ALLOW", CALL), rule("ALLOW", ALLOWED)]
    with control():
        assert behind_rules(*allowed, default="ERRNO").tried(CALL)["errno"] == 0

    with generates_an_error():
        create(
            "linux",
            linux=behind("ERRNO", *allowed),
            offence=lambda config: config["linux"]["seccomp"]["syscalls"][-1].update(errnoRet=1),
        ).start()


@clause("linux.seccomp.errno-ret.default-eperm")
def test_returns_eperm_without_an_errno(behind_rules):
    container = behind_rules(rule("ERRNO", CALL))

    tried = [container.tried(name)["errno"] for name in (CALL, NEIGHBOUR)]
    assert tried == [errno.EPERM, 0]


@clause("linux.seccomp.errno-ret.zero")
def test_may_take_zero_for_an_errno(works, create, record):
    works()
    linux = behind("ALLOW", rule("ERRNO", "getpriority", errnoRet=0))

    with tolerates_an_error() as outcome:
        container = create("tries", tries=["syscall=getpriority,0,0"], linux=linux).start()

    # The call itself returns 20 (getpriority(2)); one that a filter answers by no error returns 0.
    seen = None if outcome.refused else container.tried("getpriority,0,0")
    record("errnoRet 0", "an error" if seen is None else (seen["errno"], seen["result"]))
    assert seen is None or seen["result"] != 20
