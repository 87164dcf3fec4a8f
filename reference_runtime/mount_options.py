"""The option strings of config.md#linux-mount-options, as tables, and how a list of them is read.

An option that is in no table belongs to the filesystem: it becomes part of mount(2)'s data.
"""

from __future__ import annotations

from reference_runtime import syscalls as sc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from reference_runtime.model import Json

# name: (flags of mount(2) to set, to clear)
FLAGS = {
    "async": (0, sc.MS_SYNCHRONOUS),
    "atime": (0, sc.MS_NOATIME),
    "defaults": (0, 0),
    "dev": (0, sc.MS_NODEV),
    "diratime": (0, sc.MS_NODIRATIME),
    "dirsync": (sc.MS_DIRSYNC, 0),
    "exec": (0, sc.MS_NOEXEC),
    "iversion": (sc.MS_I_VERSION, 0),
    "lazytime": (sc.MS_LAZYTIME, 0),
    "loud": (0, sc.MS_SILENT),
    "mand": (sc.MS_MANDLOCK, 0),
    "noatime": (sc.MS_NOATIME, sc.MS_RELATIME | sc.MS_STRICTATIME),
    "nodev": (sc.MS_NODEV, 0),
    "nodiratime": (sc.MS_NODIRATIME, 0),
    "noexec": (sc.MS_NOEXEC, 0),
    "noiversion": (0, sc.MS_I_VERSION),
    "nolazytime": (0, sc.MS_LAZYTIME),
    "nomand": (0, sc.MS_MANDLOCK),
    "norelatime": (0, sc.MS_RELATIME),
    "nostrictatime": (0, sc.MS_STRICTATIME),
    "nosuid": (sc.MS_NOSUID, 0),
    "nosymfollow": (sc.MS_NOSYMFOLLOW, 0),
    "relatime": (sc.MS_RELATIME, sc.MS_NOATIME | sc.MS_STRICTATIME),
    "remount": (sc.MS_REMOUNT, 0),
    "ro": (sc.MS_RDONLY, 0),
    "rw": (0, sc.MS_RDONLY),
    "silent": (sc.MS_SILENT, 0),
    "strictatime": (sc.MS_STRICTATIME, sc.MS_NOATIME | sc.MS_RELATIME),
    "suid": (0, sc.MS_NOSUID),
    "symfollow": (0, sc.MS_NOSYMFOLLOW),
    "sync": (sc.MS_SYNCHRONOUS, 0),
}

_OF_FILESYSTEMS = frozenset(("dirsync", "iversion", "lazytime", "mand", "sync"))

BINDS = {"bind": sc.MS_BIND, "rbind": sc.MS_BIND | sc.MS_REC}

PROPAGATION = {
    "private": sc.MS_PRIVATE,
    "shared": sc.MS_SHARED,
    "slave": sc.MS_SLAVE,
    "unbindable": sc.MS_UNBINDABLE,
    "rprivate": sc.MS_PRIVATE | sc.MS_REC,
    "rshared": sc.MS_SHARED | sc.MS_REC,
    "rslave": sc.MS_SLAVE | sc.MS_REC,
    "runbindable": sc.MS_UNBINDABLE | sc.MS_REC,
}

# What mount_setattr(2) makes of an option: (attributes to set, to clear). All times are one field.
_ATIME = sc.MOUNT_ATTR__ATIME
ATTRIBUTES = {
    "atime": (0, _ATIME),
    "dev": (0, sc.MOUNT_ATTR_NODEV),
    "diratime": (0, sc.MOUNT_ATTR_NODIRATIME),
    "exec": (0, sc.MOUNT_ATTR_NOEXEC),
    "noatime": (sc.MOUNT_ATTR_NOATIME, _ATIME),
    "nodev": (sc.MOUNT_ATTR_NODEV, 0),
    "nodiratime": (sc.MOUNT_ATTR_NODIRATIME, 0),
    "noexec": (sc.MOUNT_ATTR_NOEXEC, 0),
    "norelatime": (0, _ATIME),
    "nostrictatime": (0, _ATIME),
    "nosuid": (sc.MOUNT_ATTR_NOSUID, 0),
    "nosymfollow": (sc.MOUNT_ATTR_NOSYMFOLLOW, 0),
    "relatime": (0, _ATIME),
    "ro": (sc.MOUNT_ATTR_RDONLY, 0),
    "rw": (0, sc.MOUNT_ATTR_RDONLY),
    "strictatime": (sc.MOUNT_ATTR_STRICTATIME, _ATIME),
    "suid": (0, sc.MOUNT_ATTR_NOSUID),
    "symfollow": (0, sc.MOUNT_ATTR_NOSYMFOLLOW),
}
RECURSIVE = {f"r{name}": change for name, change in ATTRIBUTES.items()}

# What AT_RECURSIVE is to the mapping of IDs: this mount's alone, or that of all below, too.
IDMAPS = {"idmap": 0, "ridmap": sc.AT_RECURSIVE}

COPY_UP = "tmpcopyup"

KNOWN = (*FLAGS, *BINDS, *PROPAGATION, *RECURSIVE, *IDMAPS, COPY_UP)


def is_idmapped(entry: Json) -> bool:
    """Say whether a mount is to be ID-mapped: by an option, or because it has mappings."""
    return bool(entry.get("uidMappings") or IDMAPS.keys() & set(entry.get("options", [])))


def without_effect(names: Iterable[str]) -> list[str]:
    """Return what a bind mount takes no notice of: it is about the whole filesystem."""
    return [
        name
        for name in names
        if name not in KNOWN or (FLAGS.get(name, (0, 0))[0] and name in _OF_FILESYSTEMS)
    ]


class Options:
    """A list of options, read in order: of two that contradict each other the last one wins."""

    def __init__(self, names: Iterable[str]) -> None:
        """Sort the options by what they are applied with."""
        self.flags = 0  # of mount(2)
        self.bind = 0  # MS_BIND, perhaps with MS_REC
        self.attributes = Attributes()  # of this mount, for mount_setattr(2)
        self.recursive = Attributes()  # of this mount and those below it
        self.propagation: list[int] = []
        self.idmap = 0  # AT_RECURSIVE if the mapping of IDs is to reach the mounts below
        self.copy_up = False
        data = []
        for name in names:
            if name in FLAGS:
                set_, clear = FLAGS[name]
                self.flags = self.flags & ~clear | set_
                self.attributes.change(ATTRIBUTES.get(name, (0, 0)))
            elif name in BINDS:
                self.bind |= BINDS[name]
            elif name in PROPAGATION:
                self.propagation.append(PROPAGATION[name])
            elif name in RECURSIVE:
                self.recursive.change(RECURSIVE[name])
            elif name in IDMAPS:
                self.idmap |= IDMAPS[name]
            elif name == COPY_UP:
                self.copy_up = True
            else:
                data.append(name)
        self.data = ",".join(data)


class Attributes:
    """What mount_setattr(2) is to set and to clear."""

    def __init__(self) -> None:
        """Begin with no change."""
        self.set = 0
        self.clear = 0

    def change(self, change: tuple[int, int]) -> None:
        """Add a change; it takes back what contradicts it."""
        set_, clear = change
        self.set = self.set & ~clear | set_
        self.clear = self.clear & ~set_ | clear
        if self.clear & _ATIME or self.set & _ATIME:
            self.clear |= _ATIME  # the kernel wants the whole field named
