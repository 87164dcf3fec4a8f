"""Linux mount options that concern a tree of mounts: bind and rbind, and what is recursive."""

import errno

import pytest

from harness import clause, host, requires
from harness.linux import (
    MS_NOATIME,
    MS_NODEV,
    MS_NODIRATIME,
    MS_NOEXEC,
    MS_NOSUID,
    MS_NOSYMFOLLOW,
    MS_RDONLY,
    MS_STRICTATIME,
)
from harness.mounts import Asked, bind

FREE = 0
BOUND = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NODIRATIME | MS_NOSYMFOLLOW | MS_NOATIME
"""Flags of a source: none of those that restrict, and all of them."""

TIMES = {"noatime", "relatime"}

SET = {
    "rnoatime": "noatime",
    "rnodiratime": "nodiratime",
    "rnoexec": "noexec",
    "rnosuid": "nosuid",
    "rnosymfollow": "nosymfollow",
    "rro": "ro",
}

CLEARED = {
    "ratime": "noatime",
    "rdev": "nodev",
    "rdiratime": "nodiratime",
    "rexec": "noexec",
    "rrw": "ro",
    "rsuid": "nosuid",
    "rsymfollow": "nosymfollow",
}

ACCESS_TIMES = {
    "rnostrictatime": (MS_STRICTATIME, {"relatime"}),
    "rrelatime": (MS_NOATIME, {"relatime"}),
    "rstrictatime": (MS_NOATIME, set()),
}
"""Flags of the source, and what is shown of these times then."""

WHERE = pytest.mark.parametrize("below", ["", "/below"], ids=["top", "below"])

OUTCOME = {
    "rro": ("open=wc:{}/new", "new", errno.EROFS),
    "rnoexec": ("run={}/helper", "helper", errno.EACCES),
    "rnosymfollow": ("read={}/link", "link", errno.ELOOP),
    "rrw": ("open=wc:{}/new", "new", 0),
    "rexec": ("run={}/helper", "helper", 0),
    "rsymfollow": ("read={}/link", "link", 0),
}


def tries(option):
    word = OUTCOME.get(option, ("open=r:{}/null",))[0]
    return [word.format(f"/mnt/{option}{below}") for below in ("", "/below")]


@pytest.fixture
def container_with(among, foreign_tree):
    """Give the container that has trees of the host, one at /mnt/OPTION for each option."""
    sources = {
        **dict.fromkeys(SET, FREE),
        **dict.fromkeys(CLEARED, BOUND),
        **{option: flags for option, (flags, _) in ACCESS_TIMES.items()},
        "rnorelatime": FREE,
    }
    recursive = {
        option: Asked([bind(foreign_tree(flags), f"/mnt/{option}", "rbind", option)], tries(option))
        for option, flags in sources.items()
    }
    binds = {
        option: Asked(
            [bind(foreign_tree(), f"/mnt/{option}", option)],
            [f"read=/mnt/{option}/marker", f"read=/mnt/{option}/below/marker"],
        )
        for option in ("bind", "rbind")
    }
    return lambda option: among({**binds, **recursive}, option)


@pytest.fixture
def unprivileged(among, foreign_tree):
    """Give the container, of user 1000, that has a tree of the host under /mnt/OPTION."""
    everything = {
        option: Asked(
            [bind(foreign_tree(flags), f"/mnt/{option}", "rbind", option)],
            [f"run=/mnt/{option}/helper", f"run=/mnt/{option}/below/helper"],
        )
        for option, flags in (("rsuid", MS_NOSUID), ("rnosuid", FREE))
    }
    user = {"user": {"uid": 1000, "gid": 1000}}
    return lambda option: among(everything, option, process=user)


@pytest.fixture
def text_of(foreign_tree):
    """The text that the file marker has at the source."""
    return lambda below: foreign_tree().joinpath(*below, "marker").read_text()


@pytest.mark.parametrize(
    "option",
    [
        pytest.param("bind", marks=pytest.mark.clause("config.mounts.options.bind"), id="bind"),
        pytest.param("bind", marks=pytest.mark.clause("config.mounts.options.mount8"), id="before"),
    ],
)
def test_binds_what_lies_on_one_mount(container_with, text_of, option):
    container = container_with(option)

    assert container.tried(f"/mnt/{option}/marker").get("text") == text_of([])
    assert container.tried(f"/mnt/{option}/below/marker")["errno"] == errno.ENOENT


@pytest.mark.parametrize(
    "option",
    [
        pytest.param("rbind", marks=pytest.mark.clause("config.mounts.options.rbind"), id="rbind"),
        pytest.param(
            "rbind", marks=pytest.mark.clause("config.mounts.options.mount8"), id="before"
        ),
    ],
)
def test_binds_the_mounts_below_as_well(container_with, text_of, option):
    container = container_with(option)

    assert container.tried(f"/mnt/{option}/marker").get("text") == text_of([])
    assert container.tried(f"/mnt/{option}/below/marker").get("text") == text_of(["below"])


@clause("config.mounts.options.{option}")
@requires(host.mount_setattr)
@pytest.mark.parametrize("option", SET)
@WHERE
def test_sets_the_flag_for_the_tree(container_with, option, below):
    container = container_with(option)

    assert SET[option] in container.mount(f"/mnt/{option}{below}").options


@clause("config.mounts.options.{option}")
@requires(host.mount_setattr)
@pytest.mark.parametrize("option", CLEARED)
@WHERE
def test_clears_the_flag_for_the_tree(container_with, option, below):
    container = container_with(option)

    assert CLEARED[option] not in container.mount(f"/mnt/{option}{below}").options


@clause("config.mounts.options.{option}")
@requires(host.mount_setattr)
@pytest.mark.parametrize("option", ACCESS_TIMES)
@WHERE
def test_sets_the_access_times_of_the_tree(container_with, option, below):
    container = container_with(option)

    assert container.mount(f"/mnt/{option}{below}").options & TIMES == ACCESS_TIMES[option][1]


@clause("config.mounts.options.rnorelatime")
@requires(host.mount_setattr)
def test_takes_rnorelatime(container_with, record):
    container = container_with("rnorelatime")

    mounts = [container.mount(f"/mnt/rnorelatime{below}") for below in ("", "/below")]
    assert [mount.type for mount in mounts] == ["tmpfs"] * 2
    record("flags after rnorelatime", [sorted(mount.options) for mount in mounts])


@clause("config.mounts.options.{option}")
@requires(host.mount_setattr)
@pytest.mark.parametrize("option", OUTCOME)
@WHERE
def test_gives_the_flag_its_effect_in_the_tree(container_with, option, below):
    _, name, expected = OUTCOME[option]

    container = container_with(option)

    assert container.tried(f"/mnt/{option}{below}/{name}")["errno"] == expected


@clause("config.mounts.options.rdev")
@requires(host.mount_setattr, host.real_root)
@WHERE
def test_lets_devices_of_the_tree_be_opened(container_with, below):
    container = container_with("rdev")

    assert container.tried(f"/mnt/rdev{below}/null")["errno"] == 0


@clause("config.mounts.options.{option}")
@requires(host.mount_setattr, host.many_ids)
@pytest.mark.parametrize(("option", "effective"), [("rsuid", 0), ("rnosuid", 1000)])
@WHERE
def test_minds_the_set_user_id_bits_of_the_tree(unprivileged, option, effective, below):
    container = unprivileged(option)

    ran = container.ran(f"/mnt/{option}{below}/helper")
    assert ran["uid"] == [1000, effective, effective]
