"""The mounts of config.json, in the listed order (config.md#mounts)."""

from __future__ import annotations

import os

from reference_runtime import errors, lsm, mount_options, rootfs, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation
    from reference_runtime.model import Json

CGROUP_TYPES = frozenset(("cgroup", "cgroup2"))


def mount_all(creation: Creation) -> None:
    """Mount every entry; an error names the entry."""
    for index, entry in enumerate(creation.config.get("mounts", [])):
        with creation.naming(f"mounts[{index}] ({entry['destination']})"):
            mount_one(creation, entry)


def mount_one(creation: Creation, entry: Json) -> None:
    """Mount one entry as what it is: a change of a mount, a bind mount, cgroups or a filesystem."""
    options = mount_options.Options(entry.get("options", []))
    if options.flags & syscalls.MS_REMOUNT:
        remount(creation, entry, options)
    elif options.bind:
        bind(creation, entry, options)
    elif entry.get("type") in CGROUP_TYPES:
        from reference_runtime import cgroup_mounts  # loaded already

        cgroup_mounts.mount(creation, entry, options)
    else:
        filesystem(creation, entry, options)


def bind(creation: Creation, entry: Json, options: mount_options.Options) -> None:
    """Attach a copy of the source's mount; what no option names stays as it is at the source."""
    tree = creation.idmapped.get(id(entry))  # only a copy that idmaps.py has opened is mapped
    if tree is None:
        tree = open_source(creation, entry, options)
    attach(creation, tree, entry["destination"], options)


def open_source(creation: Creation, entry: Json, options: mount_options.Options) -> int:
    """Open a copy of the source's mount, with those below it if the bind is recursive."""
    flags = syscalls.OPEN_TREE_CLONE
    if options.bind & syscalls.MS_REC:
        flags |= syscalls.AT_RECURSIVE
    source = os.path.join(creation.bundle, entry.get("source", ""))  # relative: to the bundle
    try:
        return syscalls.open_tree(syscalls.AT_FDCWD, source, flags)
    except OSError as error:
        message = f"cannot bind {source}: {errors.reason(error)}"
        raise errors.OperationError(message) from None


def attach(creation: Creation, tree: int, destination: str, options: mount_options.Options) -> None:
    """Change a detached mount as the options say, then move it to its place."""
    set_attributes(tree, 0, options.attributes)
    set_attributes(tree, syscalls.AT_RECURSIVE, options.recursive)
    target = rootfs.make_in(creation.root_fd, destination, directory=rootfs.is_directory(tree))
    syscalls.move_mount(tree, target)
    set_propagation(tree, options)
    os.close(target)
    os.close(tree)
    follow_root(creation, destination)


def follow_root(creation: Creation, destination: str) -> None:
    """Take what was mounted at / for the root: what follows is mounted on it."""
    if os.path.normpath(f"/{destination}") in {"/", "//"}:
        os.close(creation.root_fd)
        creation.root_fd = os.open(creation.rootfs, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def filesystem(creation: Creation, entry: Json, options: mount_options.Options) -> None:
    """Mount a filesystem of the kernel's by mount(2)."""
    kind = entry.get("type", "")
    target = rootfs.make_in(creation.root_fd, entry["destination"], directory=True)
    # What is to be copied into it cannot be if it is read-only from the beginning.
    flags = options.flags & ~syscalls.MS_RDONLY if options.copy_up else options.flags
    try:
        source = entry.get("source") or kind
        data = lsm.mount_data(creation, kind, options.data)
        syscalls.mount(source, rootfs.by_fd(target), kind, flags, data)
    except OSError as error:
        instead = in_place_of(creation, entry, options, error)
        if instead is None:
            raise errors.OperationError(explain(kind, options, error)) from None
        os.close(target)
        mount_one(creation, instead)
        return
    follow_root(creation, entry["destination"])
    complete(creation, entry, options, target)
    os.close(target)


def in_place_of(
    creation: Creation, entry: Json, options: mount_options.Options, error: OSError
) -> Json | None:
    """Return what an ordinary user mounts instead, if this is one."""
    if not creation.is_unprivileged:
        return None
    from reference_runtime import unprivileged  # loaded already

    return unprivileged.in_place_of(entry, options.data, error)


def complete(creation: Creation, entry: Json, options: mount_options.Options, covered: int) -> None:
    """Do with a new mount what mount(2) cannot, seldom anything."""
    userns = creation.idmapped.get(id(entry))
    changes = options.propagation or options.recursive.set or options.recursive.clear
    if not (changes or options.copy_up or userns is not None):
        return
    # The descriptor still shows the covered directory: look again.
    mounted = rootfs.open_in(creation.root_fd, entry["destination"])
    if options.copy_up:
        from reference_runtime import copy_up  # loaded already

        copy_up.copy_to_mount(covered, mounted, options)
    if userns is not None:
        from reference_runtime import idmaps  # likewise

        mounted = idmaps.replace(creation, entry["destination"], mounted, userns)
    set_attributes(mounted, syscalls.AT_RECURSIVE, options.recursive)
    set_propagation(mounted, options)
    os.close(mounted)


def remount(creation: Creation, entry: Json, options: mount_options.Options) -> None:
    """Change the flags of what is mounted at the destination already."""
    target = rootfs.open_in(creation.root_fd, entry["destination"])
    flags = options.flags | options.bind & syscalls.MS_BIND
    path = rootfs.by_fd(target)
    try:
        syscalls.mount(entry.get("source"), path, entry.get("type"), flags, options.data)
    except PermissionError:
        if not creation.is_unprivileged:
            raise
        from reference_runtime import unprivileged  # loaded already

        unprivileged.remount(path, entry, options)
    set_attributes(target, syscalls.AT_RECURSIVE, options.recursive)
    set_propagation(target, options)
    os.close(target)


def set_attributes(tree: int, flags: int, attributes: mount_options.Attributes) -> None:
    """Apply the attributes of the options by mount_setattr(2)."""
    if attributes.set or attributes.clear:
        syscalls.mount_setattr(tree, flags, attributes.set, attributes.clear)


def set_propagation(tree: int, options: mount_options.Options) -> None:
    """Apply the propagation options in their order."""
    for propagation in options.propagation:
        recursive = syscalls.AT_RECURSIVE if propagation & syscalls.MS_REC else 0
        kind = propagation & ~syscalls.MS_REC
        syscalls.mount_setattr(tree, recursive, propagation=kind)


def explain(kind: str, options: mount_options.Options, error: OSError) -> str:
    """Say why a filesystem was not mounted: fsconfig(2) has words where mount(2) has a number."""
    text = f"cannot mount {kind or 'without a type'}: {errors.reason(error)}"
    try:
        fs = syscalls.fsopen(kind)
    except OSError:
        return text if kind else f"{text} (type is missing)"
    try:
        for option in filter(None, options.data.split(",")):
            key, has_value, value = option.partition("=")
            command = syscalls.FSCONFIG_SET_STRING if has_value else syscalls.FSCONFIG_SET_FLAG
            syscalls.fsconfig(fs, command, key, value if has_value else None)
    except OSError:
        try:
            text += ": " + os.read(fs, 4096).decode(errors="replace").partition(" ")[2].strip()
        except OSError:
            pass
    finally:
        os.close(fs)
    return text
