"""Extensibility: properties that nobody knows, in every kind of object."""

import pytest

from harness import Hook, clause, control
from harness.faults import NotClaimed, OperationError
from harness.seccomp import CALLS, behind, rule

UNKNOWN = {
    "x-conformance-text": "text",
    "x-conformance-number": 7,
    "x-conformance-flag": True,
    "x-conformance-object": {"path": "/nowhere", "type": "unknown"},
    "x-conformance-array": ["text", {"path": "/nowhere"}],
}

CAPABILITIES = {kind: ["CAP_CHOWN"] for kind in ("bounding", "effective", "permitted")}

VALUES = {
    "process": {
        "capabilities": CAPABILITIES,
        "rlimits": [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}],
    },
    "words": ["facts", f"syscall={CALLS[0]}", "say=ready", "pause"],
    "hooks": {"prestart": [Hook()], "poststop": [Hook()]},
    "linux": {
        "resources": {"memory": {}, "cpu": {}},
        "devices": [{"path": "/dev/conformance", "type": "p", "fileMode": 0o600}],
    },
}
FILTERED = {**VALUES, "linux": behind("ALLOW", rule("ERRNO", CALLS[0]))}

PLACES = {
    "top-level": lambda config: config,
    "process": lambda config: config["process"],
    "process.user": lambda config: config["process"]["user"],
    "process.capabilities": lambda config: config["process"]["capabilities"],
    "process.rlimits": lambda config: config["process"]["rlimits"][0],
    "root": lambda config: config["root"],
    "mounts": lambda config: config["mounts"][0],
    "hooks": lambda config: config["hooks"],
    "hooks.poststop": lambda config: config["hooks"]["poststop"][0],
    "linux": lambda config: config["linux"],
    "linux.namespaces": lambda config: config["linux"]["namespaces"][0],
    "linux.resources": lambda config: config["linux"]["resources"],
    "linux.resources.memory": lambda config: config["linux"]["resources"]["memory"],
    "linux.resources.cpu": lambda config: config["linux"]["resources"]["cpu"],
    "linux.devices": lambda config: config["linux"]["devices"][0],
    "linux.seccomp": lambda config: config["linux"]["seccomp"],
    "linux.seccomp.syscalls": lambda config: config["linux"]["seccomp"]["syscalls"][0],
}

SEEN = ["cwd", "uts", "caps", "rlimits", "umask", "oom_score_adj", "seccomp", "dev", "tty"]


@pytest.fixture
def values(place):
    """Values of a configuration that has the object of this name."""
    return FILTERED if "seccomp" in place else VALUES


@pytest.fixture
def known(shared, values):
    """A container without unknown properties; a runtime need not have seccomp."""
    try:
        with control():
            return shared("program", **values).printed("ready")
    except OperationError as error:
        if values is FILTERED:
            raise NotClaimed(f"it does not support a filter of system calls: {error}") from error
        raise


def observed(container):
    """Return what a program has seen of its configuration, and what its call came to."""
    facts = {name: container.facts[name] for name in SEEN}
    env, errno = set(container.facts["env"]), container.tried(CALLS[0])["errno"]
    return facts, env, errno, container.process.mount_points


@clause("config.extensibility.unknown-may-log")
def test_may_log_properties_that_it_does_not_know(create, runtime, record):
    create("waits").start().printed("ready")
    create("waits", offence=UNKNOWN).start().printed("ready")

    plain, unknown = [done for done in runtime.journal.operations if done.name == "create"]
    record("standard error", {"without": plain.stderr, "with": unknown.stderr})


@clause("config.extensibility.unknown-ignored")
@pytest.mark.parametrize("place", PLACES)
def test_ignores_properties_that_it_does_not_know(create, known, values, place):
    expected = observed(known)

    offence = {"offence": lambda config: PLACES[place](config).update(UNKNOWN)}
    container = create("program", **offence, **values).start().printed("ready")

    assert observed(container) == expected


@clause("config.extensibility.unknown-ignored")
@pytest.mark.parametrize("place", ["hooks", "hooks.poststop"])
def test_runs_hooks_beside_properties_that_it_does_not_know(lifecycle, place):
    with control():
        assert lifecycle("program", **VALUES).ran == ["prestart 1", "poststop 1"]

    unknown = lifecycle(
        "program", offence=lambda config: PLACES[place](config).update(UNKNOWN), **VALUES
    )

    assert unknown.ran == ["prestart 1", "poststop 1"]


@clause("config.extensibility.other-case")
def test_may_take_a_name_for_a_known_one_in_other_case(create, record):
    container = create("waits", offence={"HostName": "other-case"}).start()

    record("hostname, HostName is other-case", container.facts["uts"]["hostname"])
