"""Offset for time namespace."""

import time

import pytest

from harness import Status, clause, generates_an_error, host, tolerates_an_error

NAMESPACES = ["pid", "network", "ipc", "uts", "mount", "time"]
CLOCKS = {"monotonic": time.CLOCK_MONOTONIC, "boottime": time.CLOCK_BOOTTIME}
DAYS = {"monotonic": 2, "boottime": 10}
DAY = 86400
OFFSETS = {
    "monotonic": {"secs": DAYS["monotonic"] * DAY, "nanosecs": 500_000_000},
    "boottime": {"secs": DAYS["boottime"] * DAY, "nanosecs": 1},
}

pytestmark = pytest.mark.requires.with_args(host.time_namespaces)


def offsets(container):
    """Offsets that the kernel keeps for its time namespace: by clock, seconds and nanoseconds."""
    words = map(str.split, container.process.text("timens_offsets").splitlines())
    return {clock: (int(secs), int(nanosecs)) for clock, secs, nanosecs in words}


@pytest.fixture
def container(shared):
    """A container with different offsets of both clocks."""
    return shared("linux", namespaces=NAMESPACES, linux={"timeOffsets": OFFSETS})


@clause("linux.time-offsets.{clock}")
@pytest.mark.parametrize("clock", CLOCKS)
def test_shifts_the_clock(container, clock):
    ahead = container.facts["time"][clock] - time.clock_gettime(CLOCKS[clock])

    # Its program looked at the clock at most some minutes ago.
    assert ahead == pytest.approx(DAYS[clock] * DAY, abs=DAY / 4)


@clause("linux.time-offsets.{clock}")
@pytest.mark.parametrize("clock", CLOCKS)
def test_leaves_a_clock_without_an_offset(shared, clock):
    others = {name: offset for name, offset in OFFSETS.items() if name != clock}
    container = shared("linux", namespaces=NAMESPACES, linux={"timeOffsets": others})

    ahead = container.facts["time"][clock] - time.clock_gettime(CLOCKS[clock])

    assert ahead == pytest.approx(0, abs=DAY / 4)


@clause("linux.time-offsets.secs")
@pytest.mark.parametrize("secs", [-1, 100])
def test_takes_seconds_of_either_sign(create, secs):
    given = {"timeOffsets": {clock: {"secs": secs} for clock in CLOCKS}}

    container = create("linux", namespaces=NAMESPACES, linux=given).start().printed("ready")

    assert offsets(container) == dict.fromkeys(CLOCKS, (secs, 0))


@clause("linux.time-offsets.nanosecs")
def test_takes_nanoseconds(container):
    assert container.facts["time"]

    nanosecs = {clock: offset[1] for clock, offset in offsets(container).items()}

    assert nanosecs == {"monotonic": 500_000_000, "boottime": 1}


@clause("linux.time-offsets.unknown-clock-errors")
def test_may_refuse_a_clock_that_has_no_offset(create, container_in, record):
    container_in(Status.RUNNING, "linux", namespaces=NAMESPACES)
    before = time.time()

    with tolerates_an_error() as outcome:
        create(
            "linux",
            namespaces=NAMESPACES,
            offence={"linux": {"timeOffsets": {"realtime": {"secs": 10 * DAY}}}},
        )
    record("an offset of realtime", "an error" if outcome.refused else "ignored")

    assert time.time() - before < DAY


@clause("linux.time-offsets.without-time-ns")
def test_refuses_offsets_without_a_time_namespace(create, container):
    assert container.facts["time"]

    with generates_an_error():
        create("linux", linux={"timeOffsets": OFFSETS})
