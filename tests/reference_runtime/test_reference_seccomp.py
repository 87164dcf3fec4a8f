"""Seccomp filters (config-linux.md#seccomp), judged by how a program without a libc ends."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from reference_runtime import errors, execution, init, jsonlite, seccomp, seccomp_rules, validate

PR_SET_CHILD_SUBREAPER = 36
GETPPID, UNAME = {"x86_64": (110, 63)}.get(platform.machine(), (173, 160))
NEEDED = ["execve", "exit_group"]  # by the runtime and by the program
MANY_VARIABLES = [f"VARIABLE_{number}={'x' * 100}" for number in range(3000)]


@pytest.fixture
def ended(runtime, config, make_bundle, filtered):
    """Run a program behind a filter; return its wait status: the containers are our children."""

    def run(filter_: dict[str, Any], *words: object, options: tuple[str, ...] = ()) -> int:
        config["linux"]["seccomp"] = filter_
        config["process"]["args"] = ["/filtered", *map(str, words)]
        bundle = make_bundle(config)
        shutil.copy(filtered, bundle / "rootfs/filtered")
        identifier = runtime.new_id()
        result = runtime(*options, "create", "--bundle", str(bundle), identifier)
        assert result.ok, result.stderr
        pid = runtime.state(identifier)["pid"]
        result = runtime("start", identifier)
        assert result.ok, result.stderr
        return os.waitpid(pid, 0)[1]

    libc = ctypes.CDLL(None)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    yield run
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def rule(action: str, *names: str, **members: Any) -> dict[str, Any]:
    return {"names": list(names), "action": f"SCMP_ACT_{action}", **members}


def filter_of(default: str, *rules: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"defaultAction": f"SCMP_ACT_{default}", "syscalls": list(rules), **members}


def killed(status: int) -> bool:
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSYS


@pytest.mark.parametrize("nnp", [True, False])
@pytest.mark.parametrize(
    ("members", "expected"), [({}, errno.EPERM), ({"errnoRet": 99}, 99), ({"errnoRet": 0}, 0)]
)
def test_errno_is_what_the_call_returns(ended, config, nnp, members, expected):
    config["process"]["noNewPrivileges"] = nnp

    status = ended(filter_of("ALLOW", rule("ERRNO", "uname", **members)), UNAME)

    assert os.waitstatus_to_exitcode(status) == expected


@pytest.mark.parametrize("action", ["KILL", "KILL_PROCESS", "KILL_THREAD", "TRAP"])
def test_actions_that_kill(ended, action):
    assert killed(ended(filter_of("ALLOW", rule(action, "uname")), UNAME))


@pytest.mark.parametrize("action", ["LOG", "ALLOW"])
def test_actions_that_let_the_call_be_made(ended, action):
    allowed = rule("ALLOW", *NEEDED)

    status = ended(filter_of("ERRNO", allowed, rule(action, "getppid")), GETPPID)

    assert os.waitstatus_to_exitcode(status) == 0


def test_trace_without_a_tracer_is_enosys(ended):
    status = ended(filter_of("ALLOW", rule("TRACE", "uname", errnoRet=7)), UNAME)

    assert os.waitstatus_to_exitcode(status) == errno.ENOSYS


def test_the_default_errno(ended):
    given = filter_of("ERRNO", rule("ALLOW", *NEEDED), defaultErrnoRet=77)

    assert os.waitstatus_to_exitcode(ended(given, UNAME)) == 77


@pytest.mark.parametrize("nnp", [True, False])
@pytest.mark.parametrize("default", ["KILL", "KILL_PROCESS"])
def test_the_program_needs_no_more_than_execve(ended, config, default, nnp):
    """Not even what changes the user, makes room for a large environment, or says what is done."""
    config["process"].update(noNewPrivileges=nnp, env=MANY_VARIABLES, user={"uid": 7, "gid": 7})
    allowed = rule("ALLOW", *NEEDED)

    status = ended(filter_of(default, allowed), options=("--debug",))

    assert os.waitstatus_to_exitcode(status) == 0


def test_what_is_not_allowed_is_killed(ended):
    assert killed(ended(filter_of("KILL_PROCESS", rule("ALLOW", *NEEDED)), GETPPID))


def test_a_killed_start_is_seen_as_stopped(runtime, config, make_bundle):
    config["linux"]["seccomp"] = filter_of("KILL_PROCESS")
    identifier = runtime.create(make_bundle(config))

    runtime("start", identifier)

    assert runtime.state(identifier)["status"] == "stopped"


BIG = 2**64 - 2
MATCHES = [
    ("NE", [5], 4, 5), ("LT", [5], 4, 5), ("LE", [5], 5, 6), ("EQ", [5], 5, 6), ("GE", [5], 5, 4),
    ("GT", [5], 6, 5), ("MASKED_EQ", [0xF0, 0x20], 0x2A, 0x3A), ("EQ", [BIG], BIG, 2**32 - 2),
    ("GT", [BIG], 2**64 - 1, BIG),
]  # fmt: skip


@pytest.mark.parametrize(("operator", "values", "match", "other"), MATCHES)
@pytest.mark.parametrize("index", [0, 5])
def test_operators(ended, operator, values, match, other, index, tmp_path):
    condition = {"index": index, "op": f"SCMP_CMP_{operator}"}
    condition |= dict(zip(("value", "valueTwo"), values, strict=False))
    given = filter_of("ALLOW", rule("ERRNO", "getppid", errnoRet=55, args=[condition]))
    before = [0] * index

    assert os.waitstatus_to_exitcode(ended(given, GETPPID, *before, match)) == 55
    shutil.rmtree(tmp_path / "bundle")
    assert os.waitstatus_to_exitcode(ended(given, GETPPID, *before, other)) == 0


@pytest.mark.parametrize(
    ("indices", "arguments", "expected"),
    [((0, 1), (3, 4), 55), ((0, 1), (3, 9), 0), ((0, 0), (4,), 55), ((0, 0), (5,), 0)],
)
def test_conditions_on_several_arguments_hold_together(ended, indices, arguments, expected):
    """Those on one argument are alternatives."""
    conditions = [
        {"index": index, "value": value, "op": "SCMP_CMP_EQ"}
        for index, value in zip(indices, (3, 4), strict=True)
    ]
    given = filter_of("ALLOW", rule("ERRNO", "getppid", errnoRet=55, args=conditions))

    assert os.waitstatus_to_exitcode(ended(given, GETPPID, *arguments)) == expected


def test_unknown_names_are_skipped_and_doubles_do_no_harm(ended):
    names = ["no_such_call", "", "uname", "uname", "socketcall"]
    denied = rule("ERRNO", *names, errnoRet=88)

    status = ended(filter_of("ALLOW", denied, denied, rule("ALLOW", "uname")), UNAME)

    assert os.waitstatus_to_exitcode(status) == 88


def test_architectures_and_flags_are_taken(ended, runtime):
    features = json.loads(runtime("features").stdout)["linux"]["seccomp"]
    given = filter_of("ALLOW", rule("ERRNO", "uname"))
    given["architectures"] = features["archs"]
    given["flags"] = features["supportedFlags"]
    assert given["flags"]

    assert os.waitstatus_to_exitcode(ended(given, UNAME)) == errno.EPERM


def test_features_name_what_the_validation_takes(runtime):
    features = json.loads(runtime("features").stdout)["linux"]["seccomp"]

    assert features["enabled"]
    assert "SCMP_ARCH_X86_64" in features["archs"]
    assert set(features["archs"]) <= set(seccomp_rules.ARCHITECTURES)
    for member in ("actions", "operators", "knownFlags"):
        assert len(features[member]) > 3
    assert set(features["supportedFlags"]) <= set(features["knownFlags"])
    for action in features["actions"]:
        check(filter_of(action.removeprefix("SCMP_ACT_"), listenerPath="/x"))


@pytest.mark.parametrize("nnp", [True, False])
def test_capabilities_are_those_configured(runtime, config, make_bundle, nnp):
    """CAP_SYS_ADMIN, which loading takes, is not left to the program."""
    sets = ("bounding", "permitted", "effective", "inheritable", "ambient")
    config["process"].update(
        noNewPrivileges=nnp,
        user={"uid": 7, "gid": 7},
        capabilities={name: ["CAP_KILL"] for name in sets},
    )
    config["linux"]["seccomp"] = filter_of("ALLOW", rule("ERRNO", "uname"))
    identifier = runtime.create(make_bundle(config))

    assert runtime("start", identifier).ok

    lines = Path(f"/proc/{runtime.state(identifier)['pid']}/status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in lines)
    assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", str(int(nnp)))
    for name in ("CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb"):
        assert int(status[name], 16) == 1 << 5, name


def test_a_program_that_cannot_be_executed_is_an_error_of_start(runtime, config, make_bundle):
    """Even where the filter would not let init say so."""
    config["linux"]["seccomp"] = filter_of("KILL_PROCESS", rule("ALLOW", *NEEDED))
    bundle = make_bundle(config)
    identifier = runtime.create(bundle)
    (bundle / "rootfs/program").chmod(0o600)

    result = runtime("start", identifier)

    assert not result.ok
    assert "permission denied" in result.stderr


def test_the_kernel_cannot_take_a_filter_of_any_size(runtime, config, make_bundle):
    conditions = [
        rule("ERRNO", "getppid", args=[{"index": 0, "value": value, "op": "SCMP_CMP_EQ"}])
        for value in range(5000)
    ]
    config["linux"]["seccomp"] = filter_of("ALLOW", *conditions)

    result = runtime("create", "-b", str(make_bundle(config)), runtime.new_id())

    assert not result.ok
    assert "linux.seccomp: the filter has " in result.stderr


def test_without_the_library_a_filter_is_refused(monkeypatch):
    monkeypatch.setattr(seccomp, "_LIBRARY", "libnosuch.so.2")

    with pytest.raises(errors.OperationError, match=r"^linux\.seccomp: .*libnosuch\.so\.2"):
        seccomp.compile_filter(filter_of("ALLOW"), "linux.seccomp")
    assert seccomp.features() == {"enabled": False}


def test_nothing_is_between_the_filter_and_execve():
    load = next(s for s in init.PROGRAM if isinstance(s, execution.LoadSeccompFilter))

    assert init.PROGRAM[-2:] == [load, init.PROGRAM[-1]]
    assert isinstance(init.PROGRAM[-1], execution.Execute)


def check(given: dict[str, Any]) -> None:
    config = {"ociVersion": "1.3.0", "root": {"path": "x"}, "linux": {"seccomp": given}}
    validate.configuration(jsonlite.loads(json.dumps(config).encode()))


CONDITION = {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}
INVALID = [
    ("linux.seccomp.defaultAction", {}),
    ("linux.seccomp.defaultAction", filter_of("REFUSE")),
    ("linux.seccomp.listenerPath", filter_of("NOTIFY")),
    ("linux.seccomp.listenerPath", filter_of("NOTIFY", listenerPath="")),
    ("linux.seccomp.defaultErrnoRet", filter_of("ALLOW", defaultErrnoRet=1)),
    ("linux.seccomp.defaultErrnoRet", filter_of("ERRNO", defaultErrnoRet=4096)),
    ("linux.seccomp.defaultErrnoRet", filter_of("ERRNO", defaultErrnoRet=-1)),
    ("linux.seccomp.architectures[0]", filter_of("ALLOW", architectures=["x86_64"])),
    ("linux.seccomp.flags[0]", filter_of("ALLOW", flags=["SECCOMP_FILTER_FLAG_NEW_LISTENER"])),
    ("linux.seccomp.listenerMetadata", filter_of("ALLOW", listenerMetadata="x")),
    ("linux.seccomp.listenerPath", filter_of("ALLOW", listenerPath=1)),
    ("linux.seccomp.syscalls[0].names", filter_of("ALLOW", rule("LOG"))),
    ("linux.seccomp.syscalls[0].names", filter_of("ALLOW", {"action": "SCMP_ACT_LOG"})),
    ("linux.seccomp.syscalls[0].action", filter_of("ALLOW", {"names": ["x"]})),
    ("linux.seccomp.listenerPath", filter_of("ALLOW", rule("NOTIFY", "x"))),
    ("linux.seccomp.syscalls[1].errnoRet",
     filter_of("ALLOW", rule("LOG", "x"), rule("KILL", "x", errnoRet=1))),
    ("linux.seccomp.syscalls[0].errnoRet", filter_of("ALLOW", rule("TRACE", "x", errnoRet=65536))),
    *[
        (f"linux.seccomp.syscalls[0].args[0].{name}",
         filter_of("ALLOW", rule("LOG", "x", args=[CONDITION | {name: value}])))
        for name, value in (("index", 6), ("value", -1), ("value", 2**64), ("valueTwo", "1"),
                            ("op", "SCMP_CMP_XOR"))
    ],
    *[
        (f"linux.seccomp.syscalls[0].args[0].{missing}",
         filter_of("ALLOW", rule("LOG", "x", args=[
             {name: value for name, value in CONDITION.items() if name != missing}])))
        for missing in CONDITION
    ],
]  # fmt: skip


@pytest.mark.parametrize(("path", "given"), INVALID, ids=str)
def test_an_invalid_filter_errors_with_the_path(path, given):
    with pytest.raises(errors.OperationError) as caught:
        check(given)

    assert str(caught.value).startswith(f"{path}: ")


def test_a_listener_without_notifications_is_ignored():
    check(filter_of("ALLOW", listenerPath="/nowhere", listenerMetadata="x"))
