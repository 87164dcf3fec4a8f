"""Mount tables read."""

from __future__ import annotations

from harness import mountinfo

TABLE = r"""20 1 0:18 / / rw,relatime - tmpfs none rw
25 20 0:22 /sub\040dir /mnt\011x ro,nosuid shared:3 master:1 - ext4 /dev/sda\134 rw,size=64k
31 30 0:24 / /m rw - tmpfs upper rw
30 20 0:23 / /m rw unbindable - tmpfs lower rw
"""


def test_a_line_is_read_with_its_escapes():
    mount = mountinfo.parse(TABLE)[1]

    assert (mount.root, mount.point, mount.source) == ("/sub dir", "/mnt\tx", "/dev/sda\\")
    assert sorted(mount.options) == ["nosuid", "ro"]
    assert sorted(mount.tags) == ["master", "shared"]
    assert (mount.type, sorted(mount.super_options)) == ("ext4", ["rw", "size=64k"])


def test_the_mount_on_top_is_found_whatever_the_order():
    mounts = mountinfo.parse(TABLE)

    for table in (mounts, mounts[::-1]):
        found = mountinfo.on_top(table, "/m")
        assert found is not None
        assert found.source == "upper"


def test_where_nothing_is_mounted_there_is_none():
    assert mountinfo.on_top(mountinfo.parse(TABLE), "/mn") is None
