"""Linux mount options, each by its name: what of them concerns one mount and its file system."""

import errno

import pytest

from harness import clause, host, requires, tolerates_an_error
from harness.linux import MS_NOATIME, MS_STRICTATIME
from harness.mounts import Asked, bind, tmpfs

SHOWN = ["noatime", "nodev", "nodiratime", "noexec", "nosuid", "ro"]
"""Flags that a mount table has under the name of the option."""

CLEARED = {
    "atime": "noatime",
    "dev": "nodev",
    "diratime": "nodiratime",
    "exec": "noexec",
    "rw": "ro",
    "suid": "nosuid",
}
"""To what a mount table would have instead."""

OF_THE_FILE_SYSTEM = ["dirsync", "lazytime", "sync"]

TAKEN = ["async", "iversion", "loud", "noiversion", "nolazytime", "norelatime", "silent"]
"""Names that leave no trace: what they are about is off without them, or shown nowhere."""

OLD = ["noatime", "nodev", "noexec", "nosuid", "ro"]

ON_TMPFS = [*SHOWN, *CLEARED, *OF_THE_FILE_SYSTEM, *TAKEN]
ON_TMPFS += ["defaults", "nostrictatime", "relatime", "strictatime", "nosymfollow"]
ON_BIND = [*SHOWN, *CLEARED, "nosymfollow"]

KINDS = pytest.mark.parametrize("kind", ["tmpfs", "bind"])


def each_of(*options):
    """An option as the table has it, and as releases before the table left it to mount(8)."""
    listed = [(option, f"config.mounts.options.{option}", option) for option in options]
    before = [(o, "config.mounts.options.mount8", f"{o}-before") for o in options if o in OLD]
    params = [(option, pytest.mark.clause(id_), name) for option, id_, name in listed + before]
    return pytest.mark.parametrize(
        "option", [pytest.param(option, marks=mark, id=name) for option, mark, name in params]
    )


def tries(point):
    of_all = ["open=wc:{}/new", "open=r:{}/null", "run={}/helper", "read={}/link"]
    return [word.format(point) for word in of_all]


@pytest.fixture
def container_with(among, foreign_tree):
    """Give the container that has a tmpfs and a bind mount with each option, and thus this one.

    They are at /mnt/KIND-OPTION.
    """
    tree = foreign_tree()
    fresh = {
        ("tmpfs", option): Asked(
            [tmpfs(point := f"/mnt/tmpfs-{option}", option)], [f"open=wc:{point}/new"]
        )
        for option in ON_TMPFS
    }
    bound = {
        ("bind", option): Asked([bind(tree, f"/mnt/bind-{option}", option)], tries(point))
        for option in ON_BIND
        for point in [f"/mnt/bind-{option}"]
    }
    others = {
        ("defaults", "ro"): Asked([tmpfs("/mnt/defaults-ro", "defaults", "ro")]),
        ("silent", "loud"): Asked([tmpfs("/mnt/silent-loud", "silent", "loud")]),
        ("relatime", "norelatime"): Asked(
            [tmpfs("/mnt/relatime-norelatime", "relatime", "norelatime")]
        ),
        ("noatime", "relatime"): Asked(
            [bind(foreign_tree(MS_NOATIME), "/mnt/noatime-relatime", "relatime")]
        ),
        ("strictatime", "relatime"): Asked(
            [bind(foreign_tree(MS_STRICTATIME), "/mnt/strictatime-relatime", "relatime")]
        ),
        ("noatime", "noatime"): Asked([bind(foreign_tree(MS_NOATIME), "/mnt/noatime-noatime")]),
        ("remount", "tmpfs"): Asked(
            [tmpfs(point := "/mnt/remount-tmpfs"), tmpfs(point, "remount", "ro")],
            [f"open=wc:{point}/new"],
        ),
        ("remount", "bind"): Asked(
            [bind(tree, point := "/mnt/remount-bind"), bind(tree, point, "remount", "ro")],
            [f"open=wc:{point}/new"],
        ),
    }
    everything = {**fresh, **bound, **others}
    return lambda kind, option: among(everything, (kind, option))


@pytest.fixture
def unprivileged(among, foreign_tree):
    """Give the container, of user 1000, that has the host's tree under /mnt/OPTION."""
    tree = foreign_tree()
    everything = {
        option: Asked([bind(tree, f"/mnt/{option}", option)], [f"run=/mnt/{option}/helper"])
        for option in ("suid", "nosuid")
    }
    user = {"user": {"uid": 1000, "gid": 1000}}
    return lambda option: among(everything, option, process=user)


@each_of(*SHOWN)
@KINDS
def test_sets_the_flag(container_with, kind, option):
    container = container_with(kind, option)

    assert option in container.mount(f"/mnt/{kind}-{option}").options


@clause("config.mounts.options.{option}")
@pytest.mark.parametrize("option", CLEARED)
@KINDS
def test_leaves_the_flag_unset(container_with, kind, option):
    container = container_with(kind, option)

    assert CLEARED[option] not in container.mount(f"/mnt/{kind}-{option}").options


@clause("config.mounts.options.{option}")
@pytest.mark.parametrize("option", OF_THE_FILE_SYSTEM)
def test_sets_the_flag_of_the_file_system(container_with, option):
    container = container_with("tmpfs", option)

    assert option in container.mount(f"/mnt/tmpfs-{option}").super_options


@clause("config.mounts.options.{option}")
@pytest.mark.parametrize("option", TAKEN)
def test_takes_the_name(container_with, option):
    mount = container_with("tmpfs", option).mount(f"/mnt/tmpfs-{option}")

    assert mount.type == "tmpfs"
    assert mount.super_options & set(OF_THE_FILE_SYSTEM) == set()


@clause("config.mounts.options.defaults")
def test_takes_defaults_for_no_flag(container_with):
    mount = container_with("tmpfs", "defaults").mount("/mnt/tmpfs-defaults")

    assert mount.options & {"ro", *SHOWN} == set()
    assert mount.super_options & set(OF_THE_FILE_SYSTEM) == set()


@clause("config.mounts.options.defaults")
def test_takes_other_options_beside_defaults(container_with):
    mount = container_with("defaults", "ro").mount("/mnt/defaults-ro")

    assert mount.options & {"ro", *SHOWN} == {"ro"}


@clause("config.mounts.options.loud")
def test_takes_loud_after_silent(container_with):
    assert container_with("silent", "loud").mount("/mnt/silent-loud").type == "tmpfs"


@clause("config.mounts.options.norelatime")
def test_takes_norelatime_after_relatime(container_with, record):
    mount = container_with("relatime", "norelatime").mount("/mnt/relatime-norelatime")

    assert mount.type == "tmpfs"
    record("flags after relatime, norelatime", sorted(mount.options))


@clause("config.mounts.options.relatime")
@pytest.mark.parametrize("source", ["tmpfs", "noatime", "strictatime"])
def test_sets_relatime(container_with, source):
    mount = container_with(source, "relatime").mount(f"/mnt/{source}-relatime")

    assert mount.options & {"noatime", "relatime"} == {"relatime"}


@clause("config.mounts.options.strictatime")
def test_sets_strictatime(container_with):
    mount = container_with("tmpfs", "strictatime").mount("/mnt/tmpfs-strictatime")

    # The kernel has no name for it: it is there where the two others are not.
    assert mount.options & {"noatime", "relatime"} == set()


@clause("config.mounts.options.nostrictatime")
def test_keeps_relatime_without_strictatime(container_with):
    mount = container_with("tmpfs", "nostrictatime").mount("/mnt/tmpfs-nostrictatime")

    assert mount.options & {"noatime", "relatime"} == {"relatime"}


@each_of("ro")
@KINDS
def test_keeps_the_program_from_writing(container_with, kind, option):
    container = container_with(kind, option)

    assert container.tried(f"/mnt/{kind}-{option}/new")["errno"] == errno.EROFS


@clause("config.mounts.options.rw")
@KINDS
def test_lets_the_program_write(container_with, kind):
    container = container_with(kind, "rw")

    assert container.tried(f"/mnt/{kind}-rw/new")["errno"] == 0


@each_of("nodev")
@requires(host.real_root)
def test_keeps_devices_from_being_opened(container_with, option):
    container = container_with("bind", option)

    assert container.tried(f"/mnt/bind-{option}/null")["errno"] == errno.EACCES


@clause("config.mounts.options.dev")
@requires(host.real_root)
def test_lets_devices_be_opened(container_with):
    container = container_with("bind", "dev")

    assert container.tried("/mnt/bind-dev/null")["errno"] == 0


@each_of("noexec")
def test_keeps_programs_from_being_executed(container_with, option):
    container = container_with("bind", option)

    assert container.tried(f"/mnt/bind-{option}/helper")["errno"] == errno.EACCES


@clause("config.mounts.options.exec")
def test_lets_programs_be_executed(container_with):
    container = container_with("bind", "exec")

    assert container.tried("/mnt/bind-exec/helper")["errno"] == 0


@each_of("nosuid", "suid")
@requires(host.many_ids)
def test_minds_the_set_user_id_bit_unless_told_not_to(unprivileged, option):
    container = unprivileged(option)

    effective = {"nosuid": 1000, "suid": 0}[option]
    assert container.ran(f"/mnt/{option}/helper")["uid"] == [1000, effective, effective]


@clause("config.mounts.options.nosymfollow")
@KINDS
def test_sets_nosymfollow(container_with, kind):
    container = container_with(kind, "nosymfollow")

    assert "nosymfollow" in container.mount(f"/mnt/{kind}-nosymfollow").options


@clause("config.mounts.options.nosymfollow")
def test_follows_no_link_of_the_mount(container_with):
    container = container_with("bind", "nosymfollow")

    assert container.tried("/mnt/bind-nosymfollow/link")["errno"] == errno.ELOOP


@clause("config.mounts.options.symfollow")
def test_follows_links_with_symfollow(mounted, foreign_tree):
    container = mounted(
        Asked([bind(foreign_tree(), "/mnt", "nosymfollow", "symfollow")], ["read=/mnt/link"])
    )

    assert container.tried("/mnt/link")["errno"] == 0


@clause("config.mounts.options.remount")
@KINDS
def test_changes_the_flags_of_a_mount(container_with, kind):
    container = container_with("remount", kind)

    points = [mount.point for mount in container.mounts]
    assert points.count(f"/mnt/remount-{kind}") == 1
    assert container.tried(f"/mnt/remount-{kind}/new")["errno"] == errno.EROFS


@clause("config.mounts.options.{option}")
@pytest.mark.parametrize("option", ["mand", "nomand"])
def test_may_take_the_name(container_with, mounted, record, option):
    container_with("tmpfs", "rw")

    with tolerates_an_error() as outcome:
        mounted(Asked([tmpfs("/mnt", option)]))

    record(f"tmpfs with {option}", "error" if outcome.refused else "success")
