"""Linux mount options that say how a bind mount propagates."""

from contextlib import ExitStack

import pytest

from harness import clause, linux
from harness.mounts import Asked, bind

TAGS = {
    "private": set(),
    "shared": {"shared"},
    "slave": {"master"},
    "unbindable": {"unbindable"},
}
"""What a mount table says of each."""

ALONE = pytest.mark.parametrize("option", TAGS)
RECURSIVE = pytest.mark.parametrize("option", [f"r{option}" for option in TAGS])
ALL = pytest.mark.parametrize("option", [*TAGS, *(f"r{option}" for option in TAGS)])


@pytest.fixture
def shared_tree(foreign_tree):
    """A tree of mounts of the host whose mounts propagate."""
    return foreign_tree(name="shared", shared=True)


@pytest.fixture
def container_with(among, foreign_tree, shared_tree):
    """Give the container that has a tree of the host at /mnt/OPTION, and one without at /mnt/no-….

    What is to be shared is private on the host, and the reverse: so a change can be seen.
    """
    everything = {
        option: Asked(
            [
                bind(tree, f"/mnt/{option}", "rbind", option),
                bind(tree, f"/mnt/no-{option}", "rbind"),
            ]
        )
        for kind in TAGS
        for tree in [foreign_tree() if kind == "shared" else shared_tree]
        for option in (kind, f"r{kind}")
    }
    slaves = {option: asked for option, asked in everything.items() if "slave" in option}
    others = {option: asked for option, asked in everything.items() if "slave" not in option}

    def give(option):
        if option in slaves:
            # Where the root is a slave so are copies of shared mounts: no change could be seen.
            return among(slaves, option, linux={"rootfsPropagation": "shared"})
        # Unset, or recursive, runtimes give it to all mounts in the end.
        return among(others, option, linux={"rootfsPropagation": "slave"})

    return give


@pytest.fixture
def mounts_later(shared_tree):
    """Mount something in the shared tree of the host; it goes with the case."""
    point = shared_tree / "later"
    with ExitStack() as until_the_end:

        def mount():
            point.mkdir(exist_ok=True)
            linux.mount("tmpfs", str(point), "tmpfs")
            until_the_end.callback(linux.umount2, str(point), linux.MNT_DETACH)

        yield mount


def expected(container, option):
    """What the option makes of a copy; where nothing propagates to it, it is no slave."""
    kind = TAGS[option.removeprefix("r")]
    tied = container.mount(f"/mnt/no-{option}").tags
    return kind if tied or kind != {"master"} else set()


@clause("config.mounts.options.{option}")
@ALL
def test_sets_the_propagation(container_with, option):
    container = container_with(option)

    assert container.mount(f"/mnt/{option}").tags == expected(container, option)


@clause("config.mounts.options.{option}")
@ALONE
def test_leaves_the_propagation_of_what_is_below(container_with, option):
    container = container_with(option)

    without = container.mount(f"/mnt/no-{option}/below").tags
    assert container.mount(f"/mnt/{option}/below").tags == without


@clause("config.mounts.options.{option}")
@RECURSIVE
def test_sets_the_propagation_of_what_is_below(container_with, option):
    container = container_with(option)

    assert container.mount(f"/mnt/{option}/below").tags == expected(container, option)


@clause("config.mounts.options.{option}")
@pytest.mark.parametrize("option", ["private", "rprivate", "unbindable", "runbindable"])
def test_keeps_later_mounts_of_the_host_out(container_with, mounts_later, option):
    container = container_with(option)

    mounts_later()

    assert f"/mnt/{option}/later" not in container.process.mount_points


@clause("config.mounts.options.{option}")
@pytest.mark.parametrize("option", ["slave", "rslave"])
def test_lets_later_mounts_of_the_host_in(container_with, mounts_later, option):
    container = container_with(option)

    mounts_later()

    points = container.process.mount_points
    assert (f"/mnt/{option}/later" in points) == bool(expected(container, option))
