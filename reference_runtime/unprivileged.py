"""What an ordinary user mounts in place of what only root may: mount_namespaces(7), Restrictions.

A filesystem that shows a namespace belongs to whoever owns that: of a namespace of the host the
host's own mount is bound instead. What a more privileged mount namespace has locked stays so.
"""

from __future__ import annotations

import errno
import os

from reference_runtime import privileges, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime import mount_options
    from reference_runtime.model import Json

# type: where the host has it
_HOSTS = {"sysfs": "/sys", "mqueue": "/dev/mqueue"}

# flag of statvfs(3): (flag of mount(2), options that name it)
_LOCKED = {
    os.ST_RDONLY: (syscalls.MS_RDONLY, {"ro", "rw"}),
    os.ST_NOSUID: (syscalls.MS_NOSUID, {"nosuid", "suid"}),
    os.ST_NODEV: (syscalls.MS_NODEV, {"nodev", "dev"}),
    os.ST_NOEXEC: (syscalls.MS_NOEXEC, {"noexec", "exec"}),
    os.ST_NOATIME: (syscalls.MS_NOATIME, {"noatime", "atime", "relatime", "strictatime"}),
    os.ST_NODIRATIME: (syscalls.MS_NODIRATIME, {"nodiratime", "diratime"}),
    os.ST_RELATIME: (syscalls.MS_RELATIME, {"relatime", "norelatime", "noatime", "strictatime"}),
}


def in_place_of(entry: Json, data: str, error: OSError) -> Json | None:
    """Return what to mount where an entry of mounts met this error, None if there is nothing."""
    kind = entry.get("type", "")
    options = entry.get("options", [])
    if error.errno == errno.EPERM and kind in _HOSTS:
        kept = [name for name in options if name not in data.split(",")]
        return {**entry, "type": "none", "source": _HOSTS[kind], "options": ["rbind", *kept]}
    if error.errno == errno.EINVAL and kind == "devpts":
        mapped = [name for name in options if not is_unmapped_group(name)]
        return {**entry, "options": mapped} if mapped != options else None
    return None


def is_unmapped_group(option: str) -> bool:
    """Say whether it is gid=N of a group that does not exist here: tty, 5, in what engines ask."""
    name, _, value = option.partition("=")
    return name == "gid" and value.isdigit() and not privileges.is_mapped("gid", int(value))


def remount(target: str, entry: Json, options: mount_options.Options) -> None:
    """Change the flags of a mount, but leave those that it has and no option speaks of."""
    flags = options.flags | options.bind & syscalls.MS_BIND
    has = os.statvfs(target).f_flag
    named = set(entry.get("options", []))
    for flag, (kept, names) in _LOCKED.items():
        if has & flag and not named & names:
            flags |= kept
    syscalls.mount(entry.get("source"), target, entry.get("type"), flags, options.data)
