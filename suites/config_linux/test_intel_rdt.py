"""IntelRdt: groups of the resctrl file system, and which of them a container is in."""

from pathlib import Path

import pytest

from harness import (
    clause,
    control,
    generates_an_error,
    may_be_unsupported,
    requires,
    resources,
    tolerates_an_error,
)
from harness.resctrl import Group, cleared, parsed

CACHE = resources.resctrl_schema("L3")
BANDWIDTH = resources.resctrl_schema("MB")

L3 = requires(CACHE)
MB = requires(BANDWIDTH)
MONITORING = requires(resources.resctrl_monitoring)

ONE = "conformance"


@pytest.fixture
def root():
    """The default group; groups that the case makes are removed with it."""
    with cleared(Group(resources.resctrl_mount() or Path("/sys/fs/resctrl"))) as group:
        yield group


@pytest.fixture
def made(root):
    """A group that was there before the container, with less of the cache than the default one."""
    group = root.group(ONE)
    group.make()
    group.write(root.less("L3"))
    return group


@pytest.fixture
def assigned(create):
    """Create a container with these members of intelRdt."""
    return lambda **rdt: create("linux", linux={"intelRdt": rdt})


@pytest.fixture
def refused(create):
    """Try to create one from a configuration that need not be valid."""
    return lambda **rdt: create("waits", offence={"linux": {"intelRdt": rdt}})


def pid_of(container):
    """Its process, once the program has shown that it runs."""
    return container.start().printed("ready").process.pid


def ended(container):
    """Run it to its end and delete it; its ID."""
    container.start().printed("ready").kill().stopped().delete()
    return container.id


@clause("linux.intel-rdt.tasks-written")
@L3
def test_puts_the_process_into_the_group(assigned, root):
    container = assigned(closID=ONE, l3CacheSchema=root.less("L3"))

    before = container.process.pid in root.group(ONE).tasks
    assert before
    assert pid_of(container) in root.group(ONE).tasks


@clause("linux.intel-rdt.no-resctrl-errors")
@requires(resources.no_resctrl)
@pytest.mark.parametrize(
    "rdt",
    [{"closID": ONE}, {"closID": "/"}, {"l3CacheSchema": "L3:0=3"}, {}],
    ids=["closid", "slash", "schema", "empty"],
)
def test_refuses_it_without_the_file_system(create, assigned, rdt):
    create("waits").start().printed("ready")

    with generates_an_error():
        assigned(**rdt)


@clause("linux.intel-rdt.unset-untouched")
@requires(resources.resctrl)
def test_touches_nothing_where_it_is_not_set(create, root):
    groups, schemata = root.groups, root.schemata

    container = create("waits")

    assert pid_of(container) in root.tasks
    assert (root.groups, root.schemata) == (groups, schemata)


@clause("linux.intel-rdt.clos-id.directory")
@L3
def test_takes_closid_for_the_name_of_the_group(assigned, root):
    before = root.groups

    container = assigned(closID=ONE, l3CacheSchema=root.less("L3"))

    assert pid_of(container) in root.group(ONE).tasks
    assert root.groups - before == {ONE}


@clause("linux.intel-rdt.clos-id.default-slash")
@requires(resources.resctrl)
def test_takes_a_slash_for_the_default_group(assigned, root):
    before = root.groups

    container = assigned(closID="/")

    assert pid_of(container) in root.tasks
    assert root.groups == before


@clause("linux.intel-rdt.l3.prefix")
@L3
def test_may_take_other_lines_as_l3_schema(assigned, refused, root, record):
    assert pid_of(assigned(closID=ONE, l3CacheSchema=root.less("L3")))
    text = f"{root.less('L3')}\n{root.less('L3')}"

    with tolerates_an_error() as outcome:
        refused(closID=f"{ONE}2", l3CacheSchema=text)

    record("two lines", "an error" if outcome.refused else "accepted")


@clause("linux.intel-rdt.mb.prefix")
@MB
@pytest.mark.parametrize(
    "change",
    [lambda line: f"XX{line[2:]}", lambda line: f"{line}\n{line}"],
    ids=["prefix", "two-lines"],
)
def test_refuses_another_schema_of_bandwidth(assigned, refused, root, change):
    assert pid_of(assigned(closID=ONE, memBwSchema=root.less("MB")))

    with generates_an_error():
        refused(closID=f"{ONE}2", memBwSchema=change(root.less("MB")))


@clause("linux.intel-rdt.schemata.no-newlines")
@L3
def test_refuses_an_element_of_two_lines(assigned, refused, root):
    line = root.less("L3")
    assert pid_of(assigned(closID=ONE, schemata=[line]))

    with generates_an_error():
        refused(closID=f"{ONE}2", schemata=[f"{line}\n{line}"])


@clause("linux.intel-rdt.both-written-in-order")
@L3
@MB
def test_writes_the_bandwidth_last(assigned, refused, root):
    cache, bandwidth = root.less("L3"), root.less("MB")
    assert pid_of(assigned(closID=ONE, l3CacheSchema=cache, memBwSchema=bandwidth))
    wanted = {**parsed(cache), **parsed(bandwidth)}
    assert root.group(ONE).schemata == {**root.schemata, **wanted}

    with may_be_unsupported("a domain in both"):
        both = {"l3CacheSchema": f"{cache}\n{root.all('MB')}", "memBwSchema": bandwidth}
        refused(closID=f"{ONE}2", **both)

    # The kernel refuses a domain twice in one write, which is no other order.
    seen = root.group(f"{ONE}2").schemata
    assert {name: seen[name] for name in wanted} == wanted


@clause("linux.intel-rdt.either-written")
@pytest.mark.parametrize(
    ("name", "resource"),
    [
        pytest.param("l3CacheSchema", "L3", marks=pytest.mark.requires.with_args(CACHE)),
        pytest.param("memBwSchema", "MB", marks=pytest.mark.requires.with_args(BANDWIDTH)),
    ],
    ids=["L3", "MB"],
)
def test_writes_a_single_schema(assigned, root, name, resource):
    container = assigned(closID=ONE, **{name: root.less(resource)})

    assert pid_of(container) in root.group(ONE).tasks
    assert root.group(ONE).schemata[resource] == parsed(root.less(resource))[resource]


@clause("linux.intel-rdt.schemata.written")
@L3
def test_writes_schemata(assigned, root):
    container = assigned(closID=ONE, schemata=[root.less("L3")])

    assert pid_of(container) in root.group(ONE).tasks
    assert root.group(ONE).schemata["L3"] == parsed(root.less("L3"))["L3"]


@clause("linux.intel-rdt.schemata.last", "linux.intel-rdt.rules-apply")
@L3
def test_writes_schemata_last(assigned, refused, root):
    less, both = root.less("L3"), {"l3CacheSchema": root.all("L3")}
    assert pid_of(assigned(closID=ONE, schemata=[less])) in root.group(ONE).tasks

    with may_be_unsupported("a domain in both"):
        refused(closID=f"{ONE}2", **both, schemata=[less])

    # As above.
    assert root.group(f"{ONE}2").schemata["L3"] == parsed(less)["L3"]


@clause("linux.intel-rdt.none-not-written")
@L3
def test_writes_no_schemata_where_none_is_given(assigned, made, root):
    before = made.schemata, root.schemata

    container = assigned(closID=ONE)

    assert pid_of(container) in made.tasks
    assert (made.schemata, root.schemata) == before


@clause("linux.intel-rdt.clos-id-unset.container-id-dir")
@L3
def test_names_the_group_after_the_container(assigned, root):
    container = assigned(l3CacheSchema=root.less("L3"))

    assert pid_of(container) in root.group(container.id).tasks


@clause("linux.intel-rdt.clos-id.created-if-missing")
@L3
def test_makes_a_group_that_is_missing(assigned, root):
    before = root.group(ONE).there

    container = assigned(closID=ONE, l3CacheSchema=root.less("L3"))

    assert pid_of(container) in root.group(ONE).tasks
    assert not before


@clause("linux.intel-rdt.clos-id.mismatch-errors")
@L3
def test_refuses_a_group_with_other_schemata(assigned, refused, made, root):
    # All that the group has: whether it matches a configuration of less is left open.
    bandwidth = {"memBwSchema": root.all("MB")} if "MB" in root.schemata else {}
    with control():
        same = assigned(closID=ONE, l3CacheSchema=root.less("L3"), **bandwidth)
        assert pid_of(same) in made.tasks
    before = made.schemata

    with generates_an_error():
        refused(closID=ONE, l3CacheSchema=root.all("L3"), **bandwidth)

    assert made.schemata == before


@clause("linux.intel-rdt.clos-id.preconfigured-assigned", "linux.intel-rdt.rules-apply")
@L3
def test_joins_a_group_that_is_there(assigned, made):
    before = made.schemata

    assert pid_of(assigned(closID=ONE)) in made.tasks
    assert made.schemata == before


@clause("linux.intel-rdt.clos-id.preconfigured-missing-errors")
@L3
def test_refuses_a_missing_group_of_which_nothing_is_said(assigned, refused, root):
    assert pid_of(assigned(closID=ONE, l3CacheSchema=root.less("L3")))

    with generates_an_error():
        refused(closID=f"{ONE}2")

    assert not root.group(f"{ONE}2").there


@clause("linux.intel-rdt.delete.removes-own")
@L3
def test_removes_its_own_group(assigned, root):
    container = assigned(l3CacheSchema=root.less("L3"))
    assert root.group(container.id).there

    assert not root.group(ended(container)).there


@clause("linux.intel-rdt.delete.keeps-others")
@L3
@pytest.mark.parametrize("closid", [ONE, f"{ONE}2"], ids=["found", "made"])
def test_keeps_other_groups(assigned, made, root, closid):
    ended(assigned(closID=closid, l3CacheSchema=root.less("L3")))

    assert (made.there, root.group(closid).there) == (True, True)


@clause("linux.intel-rdt.monitoring.group-created", "linux.intel-rdt.monitoring.name")
@L3
@MONITORING
@pytest.mark.parametrize("closid", [ONE, None], ids=["closid", "own"])
def test_makes_a_group_that_monitors(assigned, root, closid):
    named = {"closID": closid} if closid else {}

    container = assigned(**named, l3CacheSchema=root.less("L3"), enableMonitoring=True)

    pid, group = pid_of(container), root.group(closid or container.id)
    assert group.monitors == {container.id}
    assert pid in Group(group.path / "mon_groups" / container.id).tasks


@clause("linux.intel-rdt.monitoring.deleted")
@L3
@MONITORING
def test_removes_the_group_that_monitors(assigned, made):
    container = assigned(closID=ONE, enableMonitoring=True)
    assert made.monitors == {container.id}

    ended(container)

    assert (made.there, made.monitors) == (True, set())


@clause("linux.intel-rdt.monitoring.failure-errors")
@L3
@MONITORING
def test_refuses_monitoring_that_cannot_be_had(assigned, made, refused):
    assert pid_of(assigned(closID=ONE, enableMonitoring=True)) in made.tasks
    made.exhaust()

    with generates_an_error():
        refused(closID=ONE, enableMonitoring=True)


@clause("linux.intel-rdt.combined-write")
@L3
@MB
def test_leaves_out_bandwidth_in_the_cache_schema(assigned, root):
    cache = f"{root.all('MB')}\n{root.less('L3')}"

    container = assigned(closID=ONE, l3CacheSchema=cache, memBwSchema=root.less("MB"))

    assert pid_of(container) in root.group(ONE).tasks
    assert root.group(ONE).schemata["MB"] == parsed(root.less("MB"))["MB"]


@clause("linux.intel-rdt.enable-cmt-mbm")
@L3
def test_chose_what_switches_monitoring_on(assigned, refused, made, record):
    with control():
        assert pid_of(assigned(closID=ONE)) in made.tasks

    with tolerates_an_error() as outcome:
        container = refused(closID=ONE, enableCMT=True, enableMBM=True)

    record("monitoring", None if outcome.refused else sorted(made.monitors & {container.id}))
