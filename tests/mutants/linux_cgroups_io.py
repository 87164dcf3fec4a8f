"""Mutants of config-linux.md: block IO, huge pages, network, RDMA, unified."""

from __future__ import annotations

from reference_runtime import cgroup_v1, cgroup_v2, resources
from tests.mutants.breaking import mutant, reads, replace, skip, wrap

THROTTLES = "_THROTTLES"


def amending(change):
    """Have resources changed before they are checked: ``change(resources)``."""
    reads(lambda config: change(config.get("linux", {}).get("resources", {})))


def dropped(group, *names):
    """Leave out members of a group of resources; without names all of it."""

    def change(wanted):
        for name in names:
            wanted.get(group, {}).pop(name, None)
        if not names:
            wanted.pop(group, None)

    amending(change)


def in_list(group, member, change):
    """Have the entries of a list taken for others: ``change(entries)``."""

    def amend(wanted):
        if member in wanted.get(group, {}):
            wanted[group][member] = change(wanted[group][member])

    amending(amend)


def exchanged(one, other):
    """Write each of two kinds of throttles to the file of the other one."""
    files = dict(resources._THROTTLES)
    files[one], files[other] = files[other], files[one]
    replace(resources, THROTTLES, files)


@mutant("linux.resources.block-io.weight")
def the_weight_is_not_written():
    """The weight of the group is ignored."""
    dropped("blockIO", "weight")


@mutant("linux.resources.block-io.leaf-weight")
def the_leaf_weight_is_not_written():
    """The leaf weight of the group is ignored where there is no file for it."""
    dropped("blockIO", "leafWeight")


@mutant("linux.resources.block-io.weight-device")
def weights_of_devices_are_not_written():
    """Weights of devices are ignored."""
    dropped("blockIO", "weightDevice")


@mutant("linux.resources.block-io.weight-device.weight")
def the_weight_of_a_device_is_the_one_of_the_group():
    """The weight that is given for a device is that of all devices."""

    def change(wanted):
        for entry in wanted.get("blockIO", {}).pop("weightDevice", []):
            wanted["blockIO"]["weight"] = entry.get("weight", 0)

    amending(change)


@mutant("linux.resources.block-io.weight-device.leaf-weight")
def the_leaf_weight_of_a_device_is_not_written():
    """The leaf weight of a device is ignored where there is no file for it."""
    in_list(
        "blockIO",
        "weightDevice",
        lambda entries: [entry for entry in entries if "leafWeight" not in entry],
    )


@mutant("linux.resources.block-io.weight-device.one-of")
def a_device_without_a_weight_is_passed_over():
    """An entry that says nothing is ignored."""
    in_list(
        "blockIO",
        "weightDevice",
        lambda entries: [e for e in entries if e.keys() & {"weight", "leafWeight"}],
    )


@mutant("linux.resources.block-io.throttle-read-bps", "linux.resources.block-io.throttle-write-bps")
def bytes_read_are_bytes_written():
    """Reads are limited to the rate of the writes."""
    exchanged("throttleReadBpsDevice", "throttleWriteBpsDevice")


@mutant(
    "linux.resources.block-io.throttle-read-iops", "linux.resources.block-io.throttle-write-iops"
)
def reads_are_writes():
    """The number of reads is limited to that of the writes."""
    exchanged("throttleReadIOPSDevice", "throttleWriteIOPSDevice")


@mutant("linux.resources.hugepage.reservation-accounting")
def reservations_are_not_limited():
    """Huge pages are limited when they are used, not when they are reserved."""

    def first(original, places, name, controller, *files):
        return original(places, name, controller, *(f for f in files if ".rsvd." not in f))

    wrap(resources.Places, "first", first)


@mutant("linux.resources.hugepage.fault-fallback", needs="a kernel before Linux 5.7")
def there_is_no_limit_without_reservations():
    """Where reservations are not counted a limit is an error."""

    def first(original, places, name, controller, *files):
        return original(places, name, controller, *files[:1])

    wrap(resources.Places, "first", first)


def of_huge_pages(change):
    """Have the entries of hugepageLimits taken for others."""

    def amend(wanted):
        if "hugepageLimits" in wanted:
            wanted["hugepageLimits"] = change(wanted["hugepageLimits"])

    amending(amend)


@mutant("linux.resources.hugepage.page-size-required")
def an_entry_without_a_page_size_is_passed_over():
    """Without a page size nothing is limited."""
    of_huge_pages(lambda entries: [entry for entry in entries if "pageSize" in entry])


@mutant("linux.resources.hugepage.page-size-format")
def an_unknown_page_size_is_passed_over():
    """A page size that the kernel has not is ignored."""
    known = {"64KB", "2MB", "32MB", "1GB"}
    of_huge_pages(lambda entries: [e for e in entries if e.get("pageSize", "2MB") in known])


@mutant("linux.resources.hugepage.limit")
def huge_pages_are_counted_in_thousands():
    """The limit is a thousandth of the one that is given."""
    of_huge_pages(lambda entries: [{**e, "limit": e.get("limit", 0) // 1000} for e in entries])


@mutant("linux.resources.network.class-id")
def the_class_has_16_bits():
    """Of the class the higher bits are lost."""

    def change(wanted):
        network = wanted.get("network", {})
        if "classID" in network:
            network["classID"] &= 0xFFFF

    amending(change)


@mutant("linux.resources.network.priorities", needs="net_cls and net_prio")
def the_last_priority_counts():
    """Of several network devices the last one has a priority."""
    in_list("network", "priorities", lambda entries: entries[:1])


@mutant("linux.resources.network.priorities.name-runtime-ns", needs="net_cls and net_prio")
def unknown_devices_are_passed_over():
    """A priority for a device that the container has not got is ignored."""
    in_list("network", "priorities", lambda entries: [e for e in entries if e.get("name") == "lo"])


@mutant("linux.resources.network.priorities.name-required", needs="net_cls and net_prio")
def a_priority_without_a_name_is_passed_over():
    """An entry without a name is ignored."""
    in_list("network", "priorities", lambda entries: [e for e in entries if "name" in e])


@mutant("linux.resources.rdma.unavailable-errors")
def limits_of_rdma_are_ignored():
    """Without the controller the limits of RDMA are ignored."""
    dropped("rdma")


@mutant("linux.resources.rdma.device-key", needs="an RDMA device")
def all_of_rdma_is_ignored():
    """No limit of RDMA is ever written."""
    skip(resources, "rdma", [])


@mutant(
    "linux.resources.rdma.hca-handles", "linux.resources.rdma.hca-objects", needs="an RDMA device"
)
def handles_are_objects():
    """Handles are limited to the number of objects."""
    replace(resources, "_RDMA", {"hcaHandles": "hca_object", "hcaObjects": "hca_handle"})


@mutant("linux.resources.rdma.one-of", needs="an RDMA device")
def an_entry_of_rdma_without_a_limit_is_passed_over():
    """An entry that says nothing is ignored."""

    def change(wanted):
        if "rdma" in wanted:
            wanted["rdma"] = {name: entry for name, entry in wanted["rdma"].items() if entry}

    amending(change)


def with_files(change):
    """Have the files of unified taken for others."""

    def amend(wanted):
        if "unified" in wanted:
            wanted["unified"] = change(wanted["unified"])

    amending(amend)


@mutant("linux.resources.unified.keys-are-files", needs="cgroup v2")
def unified_is_ignored():
    """No file of unified is ever written."""
    with_files(lambda _: {})


@mutant("linux.resources.unified.controllers-enabled", needs="cgroup v2")
def controllers_are_not_enabled():
    """The container's cgroup has the files that it happens to have."""
    skip(cgroup_v2, "enable_controllers")


@mutant("linux.resources.unified.unknown-written", needs="cgroup v2")
def only_known_files_are_written():
    """Files that the runtime has no property for are ignored."""
    known = {"memory.max", "memory.high", "cpu.max", "cpu.weight", "pids.max", "nosuchctl.max"}
    with_files(lambda files: {name: text for name, text in files.items() if name in known})


@mutant("linux.resources.unified.missing-controller-errors", needs="cgroup v2")
def a_missing_controller_is_passed_over():
    """Files of a controller that is not there are ignored."""
    with_files(lambda files: {n: t for n, t in files.items() if not n.startswith("nosuch")})


@mutant("linux.resources.unified.unconvertible-errors", needs="cgroup v2")
def what_v2_has_not_is_ignored():
    """Limits that only v1 has are ignored on v2."""
    skip(cgroup_v2, "refuse_unconvertible")


@mutant("linux.resources.unified.on-v1")
def unified_is_ignored_beside_v1():
    """Files of unified are ignored where limits are those of v1."""

    def settings(original, wanted):
        return original({name: value for name, value in wanted.items() if name != "unified"})

    wrap(cgroup_v1, "settings", settings)
