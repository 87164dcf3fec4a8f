"""Linux mount options as a whole: the table, what is not in it, and options that contradict."""

import json

import pytest

from harness import clause, control, generates_an_error, tolerates_an_error
from harness.mounts import Asked, bind, tmpfs

MUST_BIND = [*("bind", "rbind", "private", "rprivate", "shared", "rshared", "slave", "rslave")]
MUST_BIND += ["unbindable", "runbindable"]

MUST = [
    *("async", "atime", "defaults", "dev", "diratime", "dirsync", "exec", "iversion", "lazytime"),
    *("loud", "noatime", "nodev", "nodiratime", "noexec", "noiversion", "nolazytime"),
    *("norelatime", "nostrictatime", "nosuid", "relatime", "remount", "ro", "rw", "silent"),
    *("strictatime", "suid", "sync"),
]

SHOULD = [
    *("nosymfollow", "symfollow", "ratime", "rdev", "rdiratime", "rexec", "rnoatime"),
    *("rnodiratime", "rnoexec", "rnorelatime", "rnostrictatime", "rnosuid", "rnosymfollow"),
    *("rrelatime", "rro", "rrw", "rstrictatime", "rsuid", "rsymfollow", "idmap", "ridmap"),
]

TABLE = {*MUST_BIND, *MUST, *SHOULD, "mand", "nomand", "tmpcopyup"}

MEANT_BY_MOUNT = {
    "auto": set(),
    "noauto": set(),
    "nofail": set(),
    "_netdev": set(),
    "nouser": set(),
    "group": {"nosuid", "nodev"},
    "owner": {"nosuid", "nodev"},
    "user": {"noexec", "nosuid", "nodev"},
    "users": {"noexec", "nosuid", "nodev"},
}
"""Options of mount(8) for all file systems, beyond the table, and the flags that they imply."""

LIMITED = ["size=64k", "mode=0711", "nr_inodes=100"]

PAIRS = [
    *(("sync", "async"), ("noatime", "atime"), ("nodiratime", "diratime"), ("nodev", "dev")),
    *(("noexec", "exec"), ("nosuid", "suid"), ("strictatime", "nostrictatime")),
    *(("ro", "rw"), ("rw", "ro")),
]


@pytest.fixture
def container_with(among):
    """Give the container with the mounts of this module, each at /mnt/NAME, and thus this one."""
    everything = {
        "limited": Asked([tmpfs("/mnt/limited", *LIMITED)]),
        "flagged": Asked([tmpfs("/mnt/flagged", "nodev", "size=64k", "ro", "nr_inodes=7", "sync")]),
        **{
            f"{first}-{last}": Asked([tmpfs(f"/mnt/{first}-{last}", first, last)])
            for first, last in PAIRS
        },
    }
    return lambda name: among(everything, name)


@pytest.fixture
def custom_options(runtime, shared):
    """The options beyond the table that the runtime lists in its features."""
    shared("waits").printed("ready")
    with tolerates_an_error() as outcome:
        features = json.loads(runtime.print("features", runtime.adapter.features()))
    listed = [] if outcome.refused else features.get("mountOptions") or []
    return sorted(set(listed) - TABLE)


@pytest.fixture
def covered(bundle):
    """Make a bundle with a tmpfs that covers a directory, and is to have what is in that."""
    words = ["facts=mountinfo", "list=/mnt", "read=/mnt/file", "readlink=/mnt/link"]
    made = bundle("program", mounts=[tmpfs("/mnt", "tmpcopyup")], words=[*words, "say=ready"])
    made.inside("/mnt/file").write_text("text")
    made.inside("/mnt/file").chmod(0o640)
    made.inside("/mnt/link").symlink_to("file")
    return made


@clause("config.mounts.options.must-set-complete")
def test_takes_all_options_of_the_table_together(mounted, foreign_tree):
    of_a_tmpfs = [tmpfs(f"/mnt/{option}", option) for option in MUST if option != "remount"]
    again = [tmpfs("/mnt/ro", "remount", "ro")]
    binds = [bind(foreign_tree(), f"/mnt/{option}", "rbind", option) for option in MUST_BIND]

    container = mounted(Asked([*of_a_tmpfs, *again, *binds]))

    points = [mount.point for mount in container.mounts]
    options = {*MUST, *MUST_BIND} - {"remount"}
    assert (len(options), {f"/mnt/{option}" for option in options} - {*points}) == (36, set())


@clause("config.mounts.options.last-wins")
@pytest.mark.parametrize(("first", "last"), PAIRS)
def test_may_have_the_later_of_two_options_win(container_with, record, first, last):
    mount = container_with(f"{first}-{last}").mount(f"/mnt/{first}-{last}")

    flags = mount.options | mount.super_options
    record(f"flags after {first}, {last}", sorted(flags))


@clause("config.mounts.options.tmpcopyup")
def test_may_copy_what_a_tmpfs_covers(create, covered, container_with, record):
    with control():
        container_with("limited")

    with tolerates_an_error() as outcome:
        container = create(covered).start().printed("ready")

    record("tmpcopyup", "error" if outcome.refused else "success")
    assert outcome.refused or sorted(container.tried("/mnt")["names"]) == ["file", "link"]
    assert outcome.refused or container.tried("/mnt/file")["text"] == "text"
    assert outcome.refused or container.tried("/mnt/link")["target"] == "file"
    assert outcome.refused or "rw" in container.mount("/mnt").options
    assert covered.inside("/mnt/file").read_text() == "text"


@clause("config.mounts.options.custom")
def test_may_know_options_beyond_the_table(custom_options, record):
    record("options beyond the table", custom_options)


@clause("config.mounts.options.custom-follow-mount8")
def test_gives_further_options_the_meaning_of_mount(custom_options, mounted, record):
    listed = [option for option in MEANT_BY_MOUNT if option in custom_options]
    record("options of mount(8) beyond the table", listed)

    container = mounted(Asked([tmpfs(f"/mnt/{option}", option) for option in listed]))

    flags = {option: container.mount(f"/mnt/{option}").options for option in listed}
    restrictions = {"noexec", "nosuid", "nodev"}
    seen = {option: set(shown & restrictions) for option, shown in flags.items()}
    assert seen == {option: MEANT_BY_MOUNT[option] for option in listed}


@clause("config.mounts.options.{wording}")
@pytest.mark.parametrize("wording", ["unknown-to-data", "unknown-to-data.v1-1"])
def test_leaves_unknown_options_to_the_file_system(container_with, wording):
    mount = container_with("limited").mount("/mnt/limited")

    assert {"size=64k", "mode=711", "nr_inodes=100"} - mount.super_options == set(), wording


@clause("config.mounts.options.{wording}")
@pytest.mark.parametrize("wording", ["unknown-to-data", "unknown-to-data.v1-1"])
def test_lets_the_file_system_refuse_unknown_options(container_with, mounted, wording):
    with control():
        container_with("limited")

    with generates_an_error():
        mounted(Asked([tmpfs("/mnt", "size=64k", f"{wording}=1")]))


@clause("config.mounts.options.unknown-comma-separated")
def test_joins_unknown_options_by_commas(container_with):
    mount = container_with("flagged").mount("/mnt/flagged")

    assert {"size=64k", "nr_inodes=7"} - mount.super_options == set()
