"""Huge page limits."""

import pytest

from harness import clause, generates_an_error, requires, resources, tolerates_an_error
from harness.controllers import UNLIMITED, huge_page_sizes

pytestmark = pytest.mark.requires.with_args(resources.controller("hugetlb"), resources.huge_pages)

RESERVATIONS = ("rsvd.limit_in_bytes", "rsvd.max")
FAULTS = ("limit_in_bytes", "max")


def number(limits, size, ends):
    """The limit of pages of a size, in the file that ends so."""
    names = [f"hugetlb.{size}.{end}" for end in ends]
    return next(limits.number(name) for name in names if limits.file(name))


def limits_of_each():
    """An entry for each size of page: as many pages as it has predecessors, and two."""
    sizes = huge_page_sizes().items()
    return [{"pageSize": name, "limit": size * n} for n, (name, size) in enumerate(sizes, 2)]


def offence(*entries):
    """What puts these entries into a configuration."""
    return {"linux": {"resources": {"hugepageLimits": list(entries)}}}


@pytest.fixture
def limits(shared):
    """Limits of a container with a limit for each size."""
    linux = {"resources": {"hugepageLimits": limits_of_each()}}
    return shared("linux", linux=linux).printed("ready").limits


@pytest.fixture
def one():
    """A valid entry."""
    return limits_of_each()[0]


@clause("linux.resources.hugepage.reservation-accounting")
@requires(resources.hugetlb_reservations)
def test_limits_the_reservations(limits):
    for_each = [number(limits, each["pageSize"], RESERVATIONS) for each in limits_of_each()]

    assert for_each == [each["limit"] for each in limits_of_each()]


@clause("linux.resources.hugepage.fault-fallback")
@requires(resources.no_hugetlb_reservations)
def test_limits_the_usage_where_reservations_are_not_counted(limits):
    for_each = [number(limits, each["pageSize"], FAULTS) for each in limits_of_each()]

    assert for_each == [each["limit"] for each in limits_of_each()]


@clause("linux.resources.hugepage.page-size-required")
def test_refuses_an_entry_without_a_page_size(create, limits, one):
    assert limits.directories

    with generates_an_error():
        create("waits", offence=offence({"limit": one["limit"]}))


@clause("linux.resources.hugepage.page-size-format")
@pytest.mark.parametrize(
    "change",
    [lambda size: size[:-1], lambda _: "3MB", str.lower, lambda _: ""],
    ids=["no-unit", "3MB", "lower-case", "empty"],
)
def test_refuses_a_page_size_that_the_kernel_has_not(create, limits, one, change):
    assert limits.directories

    with generates_an_error():
        create("waits", offence=offence({**one, "pageSize": change(one["pageSize"])}))


@clause("linux.resources.hugepage.page-size-base-1024")
def test_may_take_a_size_in_another_unit(create, limits, one, record):
    size = huge_page_sizes()[one["pageSize"]] >> 10
    assert limits.directories

    with tolerates_an_error() as outcome:
        container = create("waits", offence=offence({**one, "pageSize": f"{size}KB"}))

    seen = None if outcome.refused else number(container.limits, one["pageSize"], FAULTS)
    record(f"{size}KB", "an error" if outcome.refused else str(seen))


@clause("linux.resources.hugepage.limit-required")
def test_takes_no_limit_for_none_at_all(create, limits, one, record):
    assert limits.directories

    with tolerates_an_error() as outcome:
        container = create("waits", offence=offence({"pageSize": one["pageSize"]}))

    seen = 0 if outcome.refused else number(container.limits, one["pageSize"], FAULTS)
    record("without limit", "an error" if outcome.refused else str(seen))
    assert seen != UNLIMITED


@clause("linux.resources.hugepage.limit")
def test_limits_each_size_of_pages(limits):
    for_each = [
        {number(limits, each["pageSize"], ends) for ends in (RESERVATIONS, FAULTS)}
        if not resources.hugetlb_reservations()
        else {number(limits, each["pageSize"], FAULTS)}
        for each in limits_of_each()
    ]

    assert all(
        each["limit"] in seen <= {each["limit"], UNLIMITED}
        for each, seen in zip(limits_of_each(), for_each, strict=True)
    )
