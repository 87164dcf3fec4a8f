"""Network devices made, changed and read by rtnetlink, in a network namespace of the test's own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from harness import disposable, host, netlink
from harness.netlink import Address

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces: needs root")


@pytest.fixture
def pair() -> Iterator[str]:
    """The name of one end of a pair of devices."""
    with disposable.namespace("network"):
        netlink.add_pair("one", "other")
        yield "one"


def test_a_pair_is_two_devices_that_are_down(pair: str) -> None:
    found = netlink.devices()

    assert {name: device.up for name, device in found.items() if name != "lo"} == {
        pair: False,
        "other": False,
    }


def test_a_change_is_seen_and_leaves_the_rest(pair: str) -> None:
    before = netlink.devices()[pair]

    netlink.change(pair, mac="02:00:00:00:00:05", mtu=1400, alias="an alias", up=True)

    found = netlink.devices()[pair]
    assert (found.mac, found.mtu, found.alias, found.up) == (
        "02:00:00:00:00:05",
        1400,
        "an alias",
        True,
    )
    assert found.queue == before.queue


def test_addresses_tell_scope_and_life(pair: str) -> None:
    netlink.add_address(pair, "10.1.2.3/24")
    netlink.add_address(pair, "2001:db8::5/64")
    netlink.add_address(pair, "10.9.0.1/16", scope=netlink.RT_SCOPE_LINK, seconds=1000)

    assert netlink.addresses(pair) == [
        Address("10.1.2.3/24"),
        Address("10.9.0.1/16", netlink.RT_SCOPE_LINK, permanent=False),
        Address("2001:db8::5/64"),
    ]


def test_a_refusal_is_the_error_of_the_kernel(pair: str) -> None:
    with pytest.raises(FileExistsError):
        netlink.add_pair(pair, "third")


def test_a_device_that_stays_does_not_vanish(pair: str) -> None:
    assert not netlink.vanishes(pair, 0.0)
    assert netlink.vanishes("nobody", 0.0)


def test_the_namespace_is_left_again() -> None:
    before = os.readlink("/proc/thread-self/ns/net")

    with disposable.namespace("network") as name:
        inside = os.readlink("/proc/thread-self/ns/net")

    assert (inside, os.readlink("/proc/thread-self/ns/net")) == (name, before)
    assert name != before


def test_what_is_called_in_new_mounts_is_not_seen_outside() -> None:
    own = os.readlink("/proc/self/ns/mnt")

    inside, name = disposable.in_new_mounts(lambda: os.readlink("/proc/thread-self/ns/mnt"))

    assert inside == name != own
    assert os.readlink("/proc/self/ns/mnt") == own


def test_an_error_in_new_mounts_comes_out() -> None:
    with pytest.raises(ZeroDivisionError):
        disposable.in_new_mounts(lambda: 1 // 0)


def test_the_host_can_make_devices_where_they_were_made(pair: str) -> None:
    assert pair
    assert host.virtual_network_devices() == ""
