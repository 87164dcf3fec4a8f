"""Mutants of config-linux.md: intelRdt."""

from __future__ import annotations

import os

from reference_runtime import errors, resctrl
from tests.mutants.breaking import mutant, reads, replace, skip, wrap


def amending(change):
    """Have intelRdt changed before it is checked; None leaves it out."""

    def amend(config):
        linux = config.get("linux", {})
        if "intelRdt" in linux:
            linux["intelRdt"] = change(linux["intelRdt"])
            if linux["intelRdt"] is None:
                del linux["intelRdt"]

    reads(amend)


@mutant("linux.intel-rdt.no-resctrl-errors")
def it_is_ignored_without_the_file_system():
    """Where there is no resctrl intelRdt is ignored."""

    def change(wanted):
        try:
            resctrl.mount_point()
        except errors.OperationError:
            return None
        return wanted

    amending(change)


@mutant("linux.intel-rdt.tasks-written", needs="a processor with RDT")
def the_process_stays_in_the_default_group():
    """The group is made, and nobody is put into it."""
    replace(resctrl, "assign", lambda _planned, _pid: None)


@mutant("linux.intel-rdt.unset-untouched", needs="a processor with RDT")
def everybody_has_a_group():
    """A container without intelRdt has a group of its own."""

    def amend(config):
        if "linux" in config:
            config["linux"].setdefault("intelRdt", {})

    reads(amend)


@mutant(
    "linux.intel-rdt.clos-id.directory",
    "linux.intel-rdt.clos-id.created-if-missing",
    "linux.intel-rdt.clos-id.preconfigured-assigned",
    needs="a processor with RDT",
)
def closid_says_nothing():
    """The group always has the name of the container."""
    amending(lambda wanted: {k: v for k, v in wanted.items() if k != "closID"})


@mutant("linux.intel-rdt.clos-id.default-slash", needs="a processor with RDT")
def a_slash_is_no_name_of_a_group():
    """closID / is an error."""

    def plan(original, creation):
        if creation.linux["intelRdt"].get("closID") == "/":
            message = "linux.intelRdt.closID: / is no name of a group"
            raise errors.OperationError(message)
        return original(creation)

    wrap(resctrl, "plan", plan)


@mutant("linux.intel-rdt.mb.prefix", needs="a processor with RDT")
def another_schema_of_bandwidth_is_passed_over():
    """A memBwSchema that is not valid is ignored."""

    def change(wanted):
        schema = wanted.get("memBwSchema", "MB:")
        if not schema.startswith("MB:") or "\n" in schema:
            del wanted["memBwSchema"]
            wanted["schemata"] = []
            wanted["closID"] = "/"
        return wanted

    amending(change)


@mutant("linux.intel-rdt.schemata.no-newlines", needs="a processor with RDT")
def an_element_may_have_lines():
    """An element of schemata may be several lines."""

    def change(wanted):
        parts = [line for text in wanted.get("schemata", []) for line in text.splitlines()]
        return {**wanted, "schemata": parts} if parts else wanted

    amending(change)


@mutant("linux.intel-rdt.both-written-in-order", needs="a processor with RDT")
def the_bandwidth_is_written_first():
    """Of both schemas l3CacheSchema is written last."""

    def lines(original, wanted):
        both = [wanted[name] for name in ("memBwSchema", "l3CacheSchema") if wanted.get(name)]
        return [*both, *original({"schemata": wanted.get("schemata", [])})]

    wrap(resctrl, "lines", lines)


@mutant("linux.intel-rdt.either-written", needs="a processor with RDT")
def a_single_schema_is_not_written():
    """A schema is written only together with the other one."""

    def write(original, path, *texts):
        if not path.endswith("/schemata") or len(texts) > 1:
            original(path, *texts)

    wrap(resctrl, "write", write)


@mutant("linux.intel-rdt.schemata.written", needs="a processor with RDT")
def schemata_is_not_written():
    """schemata is checked, and not written."""

    def lines(original, wanted):
        return original({**wanted, "schemata": []})

    wrap(resctrl, "lines", lines)
    replace(resctrl, "refuse_other_schemata", lambda _wanted, _group: None)
    wrap(resctrl, "plan", _planned_without_lines)


def _planned_without_lines(original, creation):
    wanted = creation.linux["intelRdt"]
    closid = wanted.get("closID")
    if closid and closid != "/" and not resctrl.lines(wanted):
        group = f"{resctrl.mount_point()}/{closid}"
        if not os.path.isdir(group):
            resctrl.make_directory(group)
    return original(creation)


@mutant(
    "linux.intel-rdt.schemata.last", "linux.intel-rdt.rules-apply", needs="a processor with RDT"
)
def schemata_is_written_first():
    """l3CacheSchema has the last word."""

    def lines(original, wanted):
        return [*wanted.get("schemata", []), *original({**wanted, "schemata": []})]

    wrap(resctrl, "lines", lines)


@mutant("linux.intel-rdt.none-not-written", needs="a processor with RDT")
def a_group_is_reset():
    """A group that is joined gets all that the default one has."""

    def assign(original, planned, pid):
        if planned["group"] != resctrl.mount_point():
            with open(f"{resctrl.mount_point()}/schemata", encoding="ascii") as file:
                resctrl.write(f"{planned['group']}/schemata", file.read())
        original(planned, pid)

    wrap(resctrl, "assign", assign)


@mutant("linux.intel-rdt.clos-id-unset.container-id-dir", needs="a processor with RDT")
def the_group_has_a_name_of_its_own():
    """Without closID the name of the group begins with another word."""

    def plan(original, creation):
        planned = original(creation)
        if "closID" not in creation.linux["intelRdt"]:
            top, _, name = planned["group"].rpartition("/")
            renamed = f"{top}/group-{name}"
            planned = {**planned, "group": renamed, "onFailure": [renamed], "onDelete": [renamed]}
        return planned

    wrap(resctrl, "plan", plan)


@mutant("linux.intel-rdt.clos-id.mismatch-errors", needs="a processor with RDT")
def other_schemata_are_overwritten():
    """A group that is there gets the schemata of the last container."""
    replace(resctrl, "refuse_other_schemata", lambda _wanted, _group: None)


@mutant("linux.intel-rdt.clos-id.preconfigured-missing-errors", needs="a processor with RDT")
def a_missing_group_is_always_made():
    """A group of which nothing is said is made as it comes."""
    wrap(resctrl, "plan", _planned_without_lines)


@mutant("linux.intel-rdt.delete.removes-own", needs="a processor with RDT")
def groups_outlive_their_containers():
    """The group of a container stays when that is gone."""
    skip(resctrl, "remove")


@mutant("linux.intel-rdt.delete.keeps-others", needs="a processor with RDT")
def every_group_is_removed():
    """A group is removed with the first container that was in it."""

    def plan(original, creation):
        planned = original(creation)
        if planned["group"] == resctrl.mount_point():
            return planned
        return {**planned, "onDelete": [planned["group"]]}

    wrap(resctrl, "plan", plan)


@mutant(
    "linux.intel-rdt.monitoring.group-created",
    "linux.intel-rdt.monitoring.failure-errors",
    needs="a processor with RDT",
)
def nothing_is_monitored():
    """enableMonitoring is ignored."""
    amending(lambda wanted: {**wanted, "enableMonitoring": False})


@mutant("linux.intel-rdt.monitoring.name", needs="a processor with RDT")
def groups_that_monitor_are_below_the_default_one():
    """The group that monitors is not below the one that the container is in."""

    def plan(original, creation):
        planned = original(creation)
        if not planned["monitoring"]:
            return planned
        path = f"{resctrl.mount_point()}/mon_groups/{creation.container.id}"
        return {**planned, "monitoring": path, "onDelete": [path], "onFailure": [path]}

    wrap(resctrl, "plan", plan)


@mutant("linux.intel-rdt.monitoring.deleted", needs="a processor with RDT")
def groups_that_monitor_stay():
    """The group that monitors outlives the container."""

    def plan(original, creation):
        planned = original(creation)
        kept = [path for path in planned["onDelete"] if path != planned["monitoring"]]
        return {**planned, "onDelete": kept}

    wrap(resctrl, "plan", plan)


@mutant("linux.intel-rdt.combined-write", needs="a processor with RDT")
def bandwidth_of_the_cache_schema_wins():
    """MB: lines of l3CacheSchema are written last."""

    def lines(original, wanted):
        return original(wanted)[::-1]

    wrap(resctrl, "lines", lines)
