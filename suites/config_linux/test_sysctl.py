"""Sysctl."""

from pathlib import Path

import pytest

from harness import clause, generates_an_error, tolerates_an_error

FORWARD, BACKLOG, MESSAGES = "net.ipv4.ip_forward", "net.core.somaxconn", "kernel.msgmax"
GIVEN = {FORWARD: "1", BACKLOG: "257", MESSAGES: "4242", "kernel.shm_rmid_forced": "1"}
HOST_NETWORK = ["pid", "ipc", "uts", "mount"]


def file(name):
    """File of a parameter, proc_sys(5)."""
    return f"/proc/sys/{name.replace('.', '/')}"


READS = [f"read={file(name)}" for name in GIVEN]


@clause("linux.sysctl.applied")
@pytest.mark.parametrize("name", GIVEN)
def test_sets_the_parameter_for_the_container_alone(shared, name):
    host = Path(file(name)).read_text()
    with_it = shared("tries", tries=READS, linux={"sysctl": GIVEN})
    without = shared("tries", tries=READS)

    inside = [one.tried(file(name)).get("text", "").strip() for one in (with_it, without)]
    assert inside[0] == GIVEN[name] != inside[1]
    assert Path(file(name)).read_text() == host


@clause("linux.sysctl.key-forms")
def test_takes_dots_for_separators(shared):
    container = shared("tries", tries=READS, linux={"sysctl": GIVEN})

    assert container.tried(file(BACKLOG)).get("text", "").strip() == GIVEN[BACKLOG]


@clause("linux.sysctl.key-forms")
@pytest.mark.parametrize("key", ["net/core/somaxconn", "net/ipv4/conf/lo/forwarding"])
def test_may_take_slashes_for_separators(create, shared, record, key):
    assert shared("tries", tries=READS, linux={"sysctl": GIVEN}).facts
    path = f"/proc/sys/{key}"

    with tolerates_an_error() as outcome:
        container = create("tries", tries=[f"read={path}"], linux={"sysctl": {key: "1"}})
    record(f"key {key}", "an error" if outcome.refused else "accepted")

    assert outcome.refused or container.start().tried(path).get("text", "").strip() == "1"


@clause("linux.sysctl.unknown-errors")
@pytest.mark.parametrize("key", ["net.conformance", "net.ipv4.conformance.x"])
def test_refuses_a_parameter_that_does_not_exist(create, shared, key):
    assert (
        shared("tries", tries=READS, linux={"sysctl": GIVEN}).tried(file(BACKLOG)).get("text", "")
    )

    with generates_an_error():
        create("waits", offence={"linux": {"sysctl": {key: "1"}}})


@clause("linux.sysctl.not-namespaced")
@pytest.mark.usefixtures("own_network")
def test_may_refuse_a_parameter_of_a_shared_namespace(create, record):
    before = Path(file(FORWARD)).read_text()
    sysctl = {"linux": {"sysctl": {FORWARD: "1"}}}
    create("waits", namespaces=HOST_NETWORK).start().printed("ready")

    with tolerates_an_error() as outcome:
        create("waits", namespaces=HOST_NETWORK, offence=sysctl)

    changed = Path(file(FORWARD)).read_text() != before
    record("a parameter of a shared namespace", "an error" if outcome.refused else changed)
