"""Personality."""

import os

import pytest

from harness import clause, disposable, generates_an_error, linux, may_be_unsupported


@pytest.fixture
def in_linux32():
    """Run the case, and the runtime, in the execution domain that is not the ordinary one."""
    with disposable.personality(linux.PER_LINUX32):
        yield


@clause("linux.personality.domain-required")
@pytest.mark.parametrize("personality", [{}, {"domain": ""}], ids=["absent", "empty"])
def test_refuses_a_personality_without_a_domain(create, shared, personality):
    assert shared("linux", linux={"personality": {"domain": "LINUX"}}).facts

    with generates_an_error():
        create("waits", offence=lambda c: c["linux"].update(personality=personality))


@clause("linux.personality.linux")
@pytest.mark.usefixtures("in_linux32")
def test_gives_the_ordinary_personality(create):
    machine = create("linux", linux={"personality": {"domain": "LINUX"}}).start().facts

    assert machine["personality"] & 0xFF == 0


@clause("linux.personality.linux32")
def test_shows_a_32_bit_machine_or_refuses(create, shared):
    plain = shared("linux", linux={}).facts["uts"]["machine"]

    with may_be_unsupported("LINUX32"):
        container = create("linux", linux={"personality": {"domain": "LINUX32"}})
        facts = container.start().facts

    assert plain == os.uname().machine
    assert (facts["personality"] & 0xFF, facts["uts"]["machine"] != plain) == (
        linux.PER_LINUX32,
        True,
    )


@clause("linux.personality.flags-unsupported")
def test_takes_an_empty_list_of_flags(create):
    wanted = {"domain": "LINUX", "flags": []}

    assert create("linux", linux={"personality": wanted}).start().facts["personality"] == 0


@clause("linux.personality.flags-unsupported")
@pytest.mark.parametrize("flag", ["ADDR_NO_RANDOMIZE", "CONFORMANCE"])
def test_refuses_flags(create, shared, flag):
    assert shared("linux", linux={"personality": {"domain": "LINUX"}}).facts
    wanted = {"domain": "LINUX", "flags": [flag]}

    with generates_an_error():
        create("waits", offence={"linux": {"personality": wanted}})


@clause("linux.personality.unknown-errors")
@pytest.mark.parametrize("domain", ["BSD", "linux32", "LINUX64"])
def test_refuses_another_domain(create, shared, domain):
    assert shared("linux", linux={"personality": {"domain": "LINUX"}}).facts

    with generates_an_error():
        create("waits", offence={"linux": {"personality": {"domain": domain}}})
