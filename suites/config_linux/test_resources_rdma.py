"""RDMA."""

import os

import pytest

from harness import clause, control, generates_an_error, requires, resources

ENTRY = {"hcaHandles": 3, "hcaObjects": 10_000}

PRESENT = requires(resources.rdma_device)

KEYS = {"hca-handles": ("hcaHandles", "hca_handle"), "hca-objects": ("hcaObjects", "hca_object")}


def device():
    """Name of the first RDMA device."""
    return min(os.listdir("/sys/class/infiniband"))  # noqa: PTH208 - names of links


def limits_of(container):
    """What rdma.max has in the line of the device: ``{"hca_handle": "3"}``."""
    found = container.start().printed("ready").limits.text("rdma")
    of_device = [line.split()[1:] for line in found.splitlines() if line.split()[0] == device()]
    return dict(word.split("=") for words in of_device for word in words)


@clause("linux.resources.rdma.unavailable-errors")
@requires(resources.no_rdma_controller)
def test_cannot_limit_without_the_controller(create):
    create("waits").start().printed("ready")

    with generates_an_error():
        create("linux", linux={"resources": {"rdma": {"mlx5_1": ENTRY}}})


@clause("linux.resources.rdma.device-key")
@PRESENT
def test_limits_the_device_that_the_key_names(create):
    container = create("linux", linux={"resources": {"rdma": {device(): ENTRY}}})

    assert limits_of(container) == {"hca_handle": "3", "hca_object": "10000"}


@clause("linux.resources.rdma.{kind}")
@PRESENT
@pytest.mark.parametrize("kind", KEYS)
def test_limits_one_kind_and_not_the_other(create, kind):
    member, key = KEYS[kind]

    container = create("linux", linux={"resources": {"rdma": {device(): {member: 17}}}})

    others = {"hca_handle": "max", "hca_object": "max"}
    assert limits_of(container) == {**others, key: "17"}


@clause("linux.resources.rdma.one-of")
@PRESENT
def test_refuses_an_entry_without_a_limit(create):
    with control():
        valid = create("linux", linux={"resources": {"rdma": {device(): ENTRY}}})
        assert limits_of(valid)["hca_handle"] == "3"

    with generates_an_error():
        create("waits", offence={"linux": {"resources": {"rdma": {device(): {}}}}})
