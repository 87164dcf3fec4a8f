"""Mount options."""

import pytest

from harness import clause, host
from harness.mounts import Asked, bind, tmpfs

PLAIN = """
    async atime defaults dev diratime dirsync exec iversion lazytime loud mand noatime nodev
    nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid private relatime
    ro rprivate rshared rslave runbindable rw shared silent slave strictatime suid sync unbindable
"""

OF_5_10 = ["nosymfollow", "symfollow"]

RECURSIVE = """
    ratime rdev rdiratime rexec rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime
    rnosuid rnosymfollow rrelatime rro rrw rstrictatime rsuid rsymfollow
"""
"""Of mount_setattr(2)."""

ALONE = [*PLAIN.split(), *OF_5_10, *RECURSIVE.split()]
OTHER = ["bind", "rbind", "remount", "tmpcopyup"]

OF_FILE_SYSTEMS = """
    size nr_blocks nr_inodes mode uid gid mpol huge inode32 inode64 newinstance ptmxmode max hidepid
    subset lowerdir upperdir workdir subvol subvolid data journal errors discard barrier compress
"""

MUST = """
    async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev
    nodiratime noexec noiversion nolazytime norelatime nostrictatime nosuid private rbind relatime
    remount ro rprivate rshared rslave runbindable rw shared silent slave strictatime suid sync
    unbindable
"""

BY_SETATTR = pytest.mark.requires.with_args(host.mount_setattr)


@pytest.fixture
def mounted_with(features, among, foreign_tree):
    """Give the container that has a mount for each option that is listed, and thus for this one.

    They are at /mnt/OPTION, most of them a tmpfs: it refuses what a runtime has not recognized.
    """
    tree = foreign_tree()
    asked = {
        **{name: [tmpfs(f"/mnt/{name}", name)] for name in ALONE},
        "bind": [bind(tree, "/mnt/bind")],
        "rbind": [bind(tree, "/mnt/rbind", "rbind")],
        "remount": [tmpfs("/mnt/remount"), tmpfs("/mnt/remount", "remount", "nosuid")],
        "tmpcopyup": [tmpfs("/mnt/tmpcopyup", "tmpcopyup")],
    }
    listed = features.said("mountOptions")
    everything = {name: Asked(mounts) for name, mounts in asked.items() if name in listed}
    return lambda option: among(everything, option)


@clause("features.mount-options.recognized")
@pytest.mark.parametrize(
    "option",
    [
        *(*PLAIN.split(), *OTHER),
        *(pytest.param(o, marks=BY_SETATTR) for o in (*OF_5_10, *RECURSIVE.split())),
    ],
)
def test_recognizes_each_option_that_it_lists(features, mounted_with, option):
    features.claimed("mountOptions", option)

    mount = mounted_with(option).mount(f"/mnt/{option}")

    assert mount.type == "tmpfs"


@clause("features.mount-options.no-fs-specific")
def test_lists_no_options_of_single_file_systems(features):
    listed = features.said("mountOptions")

    assert [o for o in listed if o in OF_FILE_SYSTEMS.split() or "=" in o] == []


@clause("features.mount-options.complete")
def test_may_list_all_options_that_it_has_to_support(features, record):
    listed = features.said("mountOptions")

    record("not listed", sorted(set(MUST.split()) - set(listed)))
