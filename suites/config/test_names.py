"""Hostname and domainname."""

import os
from pathlib import Path

import pytest

from harness import clause, generates_an_error, tolerates_an_error

NAMES = pytest.mark.parametrize("name", ["hostname", "domainname"])
VALUES = ["first", "second.example.org", "x" * 64]

SHARED_UTS = ["pid", "network", "ipc", "mount"]
"""No uts namespace: the runtime's is the container's."""


@pytest.fixture
def seen(shared):
    """What a program sees of its names, by uname(2) and by proc."""

    def look(**given):
        words = ["facts=uts", "read=/proc/sys/kernel/hostname", "read=/proc/sys/kernel/domainname"]
        container = shared("base", program=["facts", *words, "say=ready", "pause"], **given)
        told = container.facts["uts"]
        return {
            name: {told[name], container.tried(f"/proc/sys/kernel/{name}")["text"].strip()}
            for name in ("hostname", "domainname")
        }

    return look


@clause("config.{name}.set")
@NAMES
@pytest.mark.parametrize("value", VALUES, ids=["short", "dots", "longest"])
def test_gives_the_container_its_name(seen, name, value):
    assert seen(**{name: value})[name] == {value}


@clause("config.{name}.set")
@NAMES
def test_tells_the_two_names_apart(seen, name):
    both = {"hostname": "host.example.org", "domainname": "domain.example.org"}

    assert seen(**both)[name] == {both[name]}


@clause("config.{name}.set")
@NAMES
@pytest.mark.usefixtures("own_uts")
def test_leaves_the_name_of_the_host_alone(create, name):
    before = os.uname(), Path("/proc/sys/kernel/domainname").read_text()

    container = create("waits", **{name: "conformance-inside"}).start().printed("ready")

    assert container.facts["uts"][name] == "conformance-inside"
    assert (os.uname(), Path("/proc/sys/kernel/domainname").read_text()) == before


@clause("config.{name}.runtime-uts")
@NAMES
@pytest.mark.usefixtures("own_uts")
def test_renames_the_namespace_of_the_runtime_or_refuses(create, shared, record, name):
    plain = shared("waits").printed("ready").facts["uts"][name]
    given = {"hostname": "", name: "conformance-outside"}

    with tolerates_an_error() as outcome:
        container = create("waits", namespaces=SHARED_UTS, **given).start()
    record(f"{name} in the uts namespace of the runtime", "error" if outcome.refused else "set")

    assert plain != "conformance-outside"
    assert outcome.refused or container.facts["uts"][name] == "conformance-outside"


@clause("config.{name}.too-long-errors")
@NAMES
def test_refuses_a_name_that_is_too_long(create, seen, name):
    assert seen(**{name: "x" * 64})[name] == {"x" * 64}

    with generates_an_error():
        create("waits", offence={name: "x" * 65}).start()


@clause("config.hostname.unset")
@pytest.mark.usefixtures("own_uts")
def test_may_choose_a_hostname_where_none_is_given(create, record):
    inside = create("waits", hostname="").start().facts["uts"]["hostname"]

    record("hostname", "the one of the runtime" if inside == os.uname().nodename else inside)
