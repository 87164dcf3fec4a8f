"""Rootfs mount propagation, seen from both sides."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from harness import Status, clause, generates_an_error, linux, may_be_unsupported

MOUNT = "mount,s:inside,s:/mnt,s:tmpfs,0,0"
BIND_ROOT = "mount,s:/,s:/run,s:none,0x1000,0"
EINVAL = 22

NESTED = [
    "child", f"syscall=unshare,{linux.CLONE_NEWNS}",
    f"syscall=mount,s:none,s:/,s:none,{linux.MS_REC | linux.MS_SHARED},0",
    f"syscall={MOUNT}", "say=nested", "pause", "end",
]  # fmt: skip
"""A nested container: a mount namespace that is shared, and a mount in it."""


@pytest.fixture
def exposed(bundle):
    """Make a bundle on a mount of the host that is shared, so that its mounts propagate."""
    with ExitStack() as until_the_end:

        def make(propagation, *tries):
            given = {"rootfsPropagation": propagation} if propagation else {}
            made = bundle("tries", tries=tries, linux=given)
            path = str(made.path)
            linux.mount(path, path, None, linux.MS_BIND)
            until_the_end.callback(linux.umount2, path, linux.MNT_DETACH)
            linux.mount("none", path, None, linux.MS_SHARED)
            return made

        yield make


@pytest.fixture
def mounted_late():
    """Mount a tmpfs on a directory of the host."""
    with ExitStack() as until_the_end:

        def mount(path):
            linux.mount("late", str(path), "tmpfs")
            until_the_end.callback(linux.umount2, str(path), linux.MNT_DETACH)

        yield mount


def tags(mountinfo, point="/"):
    """Propagation of the topmost mount at a mount point: ``{"shared:1"}``."""
    lines = [line.split(" ") for line in mountinfo.splitlines()]
    found = [words for words in lines if words[4] == point][-1]
    return set(found[6 : found.index("-")])


def groups():
    """Peer groups of the host."""
    words = Path("/proc/self/mountinfo").read_text().split()
    return {word for word in words if word.startswith("shared:")}


def on_host(bundle, name):
    """Whether the host has a mount at this directory of the root filesystem."""
    words = Path("/proc/self/mountinfo").read_text().split()
    return str(bundle.rootfs / name) in words


@clause("linux.rootfs-propagation.shared")
def test_puts_the_root_into_a_peer_group_of_its_own(create, exposed):
    container = create(exposed("shared", f"syscall={MOUNT}")).start().printed("ready")

    of_root = {tag for tag in tags(container.facts["mountinfo"]) if tag.startswith("shared:")}

    assert (len(of_root), of_root & groups()) == (1, set())
    assert container.tried(MOUNT)["errno"] == 0
    assert not on_host(container.bundle, "mnt")


@clause("linux.rootfs-propagation.shared")
def test_lets_mounts_made_further_in_reach_the_root(create, exposed):
    container = create(exposed("shared", *NESTED)).start().printed("nested")

    assert container.tried(MOUNT)["errno"] == 0
    assert ("/mnt" in container.process.mount_points, on_host(container.bundle, "mnt")) == (
        True,
        False,
    )


@clause("linux.rootfs-propagation.slave")
def test_lets_the_root_receive_from_the_host_only_or_refuses(create, exposed, mounted_late):
    create(exposed("private")).start().printed("ready")
    made = exposed("slave", f"syscall={MOUNT}")

    with may_be_unsupported("rootfsPropagation slave"):
        container = create(made).start().printed("ready")
    mounted_late(made.rootfs / "run")

    assert not on_host(made, "mnt")
    assert {"/run", "/mnt"} <= set(container.process.mount_points)


@clause("linux.rootfs-propagation.private")
def test_keeps_the_root_apart_from_the_host(create, exposed, mounted_late):
    made = exposed("private", f"syscall={MOUNT}")

    container = create(made).start().printed("ready")
    mounted_late(made.rootfs / "run")

    assert tags(container.facts["mountinfo"]) == set()
    points = container.process.mount_points
    assert ("/mnt" in points, "/run" in points, on_host(made, "mnt")) == (True, False, False)


@clause("linux.rootfs-propagation.unbindable")
def test_makes_the_root_unbindable_or_refuses(create, exposed):
    made, plain = (exposed(kind, f"syscall={BIND_ROOT}") for kind in ("unbindable", "private"))
    bindable = create(plain).start().tried(BIND_ROOT)

    with may_be_unsupported("rootfsPropagation unbindable"):
        container = create(made).start()

    seen = container.tried(BIND_ROOT)
    assert (bindable["errno"], seen["errno"]) == (0, EINVAL)


@clause("linux.rootfs-propagation.unset")
def test_chooses_the_propagation_that_is_not_given(create, exposed, record):
    container = create(exposed("")).start()

    record("propagation of the root", sorted(tags(container.facts["mountinfo"])))


@clause("linux.rootfs-propagation.invalid-errors")
@pytest.mark.parametrize("value", ["bogus", "Private"])
def test_refuses_another_value(create, container_in, value):
    container_in(Status.RUNNING, "linux", linux={"rootfsPropagation": "private"})

    with generates_an_error():
        create("waits", offence={"linux": {"rootfsPropagation": value}})


@clause("linux.rootfs-propagation.nested-private")
def test_keeps_mounts_of_nested_containers_apart(create, exposed):
    container = create(exposed("private", *NESTED)).start().printed("nested")

    assert container.tried(MOUNT)["errno"] == 0
    assert "/mnt" not in container.process.mount_points
    assert not on_host(container.bundle, "mnt")
