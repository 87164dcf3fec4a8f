"""Block IO."""

import json
from pathlib import Path

import pytest

from harness import (
    clause,
    generates_an_error,
    may_be_unsupported,
    requires,
    resources,
    tolerates_an_error,
)
from harness.controllers import disk

pytestmark = pytest.mark.requires.with_args(
    resources.controller("blkio", "io"), resources.block_device
)

WEIGHTS = ("blkio.weight", "blkio.bfq.weight", "io.weight", "io.bfq.weight")
LEAF_WEIGHTS = ("blkio.leaf_weight", "blkio.leaf_weight_device")

RATES = {
    "throttleReadBpsDevice": 1_048_576,
    "throttleWriteBpsDevice": 2_097_152,
    "throttleReadIOPSDevice": 300,
    "throttleWriteIOPSDevice": 400,
}

LISTS = ["weightDevice", *RATES]


def throttles():
    """Members of blockIO: each kind of limit of one device, with a rate of its own."""
    return {kind: [{**disk(), "rate": rate}] for kind, rate in RATES.items()}


def name_of(device):
    """``7:0``: how control files call a device."""
    return f"{device['major']}:{device['minor']}"


def entry(kind, device):
    """An entry of one of LISTS."""
    return {**device, "weight": 200} if kind == "weightDevice" else {**device, "rate": 1_048_576}


@pytest.fixture
def limited(create):
    """Run a container with these members of blockIO; its limits."""

    def run(block):
        linux = {"resources": {"blockIO": block}}
        return create("linux", linux=linux).start().printed("ready").limits

    return run


@pytest.fixture
def weighed(limited):
    """Limits of a container with these members.

    Which file a weight is for depends on the I/O schedulers of the kernel, and a runtime need not
    know all of them; but it has to say so.
    """

    def run(block):
        with may_be_unsupported(f"blockIO {json.dumps(block)}"):
            return limited(block)

    return run


@pytest.fixture
def throttled(shared):
    """Limits of a container with all of RATES."""
    linux = {"resources": {"blockIO": throttles()}}
    return shared("linux", linux=linux).printed("ready").limits


@pytest.fixture
def weighted(foreign_device):
    """Numbers of a block device that has the scheduler for weights."""
    number = foreign_device.stat().st_rdev
    name = Path(f"/sys/dev/block/{number >> 8}:{number & 0xFF}").resolve().name
    file = Path(f"/sys/block/{name}/queue/scheduler")
    before = file.read_text().partition("[")[2].partition("]")[0]
    file.write_text("bfq")
    yield {"major": number >> 8, "minor": number & 0xFF}
    file.write_text(before)


@clause("linux.resources.block-io.weight")
@requires(resources.control_file(*WEIGHTS))
def test_gives_more_to_who_has_more_weight(limited, weighed):
    unset = limited({}).number("blockIO.weight")

    seen = [weighed({"weight": weight}) for weight in (20, 500)]

    lower, higher = [limits.number("blockIO.weight") for limits in seen]
    assert lower < higher
    assert unset not in {lower, higher}


@clause("linux.resources.block-io.weight")
@requires(resources.cgroup_v1, resources.control_file(*WEIGHTS))
def test_sets_the_weight(limited, weighed):
    assert limited({}).number("blockIO.weight") != 123

    limits = weighed({"weight": 123})

    assert limits.number("blockIO.weight") == 123


@clause("linux.resources.block-io.weight")
@requires(resources.no_control_file(*WEIGHTS))
def test_cannot_weigh_without_a_file_for_it(create, throttled):
    assert throttled.directories

    with generates_an_error():
        create("linux", linux={"resources": {"blockIO": {"weight": 123}}})


@clause("linux.resources.block-io.leaf-weight")
@requires(resources.control_file(*LEAF_WEIGHTS))
def test_sets_the_leaf_weight(limited):
    assert limited({"leafWeight": 123}).number("blockIO.leafWeight") == 123


@clause("linux.resources.block-io.{member}")
@requires(resources.no_control_file(*LEAF_WEIGHTS))
@pytest.mark.parametrize(
    ("member", "block"),
    [
        ("leaf-weight", lambda: {"leafWeight": 123}),
        ("weight-device.leaf-weight", lambda: {"weightDevice": [{**disk(), "leafWeight": 123}]}),
    ],
    ids=["group", "device"],
)
def test_cannot_weigh_leaves_without_a_file_for_it(create, throttled, member, block):
    assert throttled.directories, member

    with generates_an_error():
        create("linux", linux={"resources": {"blockIO": block()}})


@clause("linux.resources.block-io.weight-device", "linux.resources.block-io.weight-device.weight")
@requires(resources.weighted_block_device)
def test_gives_more_to_who_has_more_weight_on_a_device(limited, weighed, weighted):
    unset = limited({}).number("blockIO.weight")

    seen = [weighed({"weightDevice": [{**weighted, "weight": weight}]}) for weight in (20, 500)]

    numbers = [limits.of_device("blockIO.weightDevice", name_of(weighted)) for limits in seen]
    assert 0 < numbers[0] < numbers[1]
    assert {limits.number("blockIO.weight") for limits in seen} == {unset}


@clause("linux.resources.block-io.weight-device.weight")
@requires(resources.weighted_block_device, resources.cgroup_v1)
def test_sets_the_weight_of_a_device(limited, weighed, weighted):
    assert limited({}).directories

    limits = weighed({"weightDevice": [{**weighted, "weight": 123}]})

    name = "blockIO.weightDevice"
    assert limits.of_device(name, name_of(weighted)) == 123


@clause("linux.resources.block-io.weight-device.leaf-weight")
@requires(resources.control_file("blkio.leaf_weight_device"))
def test_sets_the_leaf_weight_of_a_device(limited):
    limits = limited({"weightDevice": [{**disk(), "leafWeight": 123}]})

    assert limits.of_device("blockIO.leafWeightDevice", name_of(disk())) == 123


@clause("linux.resources.block-io.weight-device.major-minor-required")
@pytest.mark.parametrize("member", ["major", "minor"])
@pytest.mark.parametrize("kind", LISTS)
def test_may_refuse_a_device_without_a_number(create, throttled, record, kind, member):
    device = {name: number for name, number in disk().items() if name != member}
    block = {kind: [entry(kind, device)]}
    assert throttled.directories

    with tolerates_an_error() as outcome:
        create("waits", offence={"linux": {"resources": {"blockIO": block}}})

    record(f"without {member}", "an error" if outcome.refused else "accepted")


@clause("linux.resources.block-io.weight-device.one-of")
def test_refuses_a_device_without_any_weight(create, throttled):
    assert throttled.directories

    with generates_an_error():
        block = {"weightDevice": [disk()]}
        create("waits", offence={"linux": {"resources": {"blockIO": block}}})


@clause("linux.resources.block-io.{kind}")
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("throttle-read-bps", "throttleReadBpsDevice"),
        ("throttle-write-bps", "throttleWriteBpsDevice"),
        ("throttle-read-iops", "throttleReadIOPSDevice"),
        ("throttle-write-iops", "throttleWriteIOPSDevice"),
    ],
    ids=RATES,
)
def test_limits_the_rate(throttled, kind, name):
    assert throttled.of_device(f"blockIO.{name}", name_of(disk())) == RATES[name], kind


@clause("linux.resources.block-io.throttle.rate-required")
@pytest.mark.parametrize("kind", RATES)
def test_invents_no_rate(create, throttled, record, kind):
    assert throttled.directories

    with tolerates_an_error() as outcome:
        block = {kind: [disk()]}
        container = create("waits", offence={"linux": {"resources": {"blockIO": block}}})

    record("without rate", "an error" if outcome.refused else "accepted")
    seen = (
        None if outcome.refused else container.limits.of_device(f"blockIO.{kind}", name_of(disk()))
    )
    assert seen is None or not 0 < seen < float("inf")
