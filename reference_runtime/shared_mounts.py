"""The mounts of a container without a mount namespace: they are on the host, so delete ends them.

All of them lie on one mount of the root filesystem onto itself: that gone, they are gone.
"""

from __future__ import annotations

from reference_runtime import mountinfo, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.model import Json


def remember(rootfs: str) -> Json:
    """Note, before anything is mounted, which mount the root filesystem is on."""
    return {"path": rootfs, "mount": mountinfo.mount_id(rootfs)}


def detach(remembered: Json) -> None:
    """Unmount what create has mounted over that."""
    try:
        while mountinfo.mount_id(remembered["path"]) != remembered["mount"]:
            syscalls.umount2(remembered["path"], syscalls.MNT_DETACH)
    except FileNotFoundError:
        pass
