"""Dev symbolic links."""

import stat

import pytest

from harness import clause, tolerates_an_error

SOURCES = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}


def without_proc(config):
    """Leave the mount of proc out."""
    config["mounts"] = [mount for mount in config["mounts"] if mount["destination"] != "/proc"]


@clause("runtime-linux.dev-symlink.{name}")
@pytest.mark.parametrize("name", SOURCES)
def test_links_to_the_descriptors_of_whoever_looks(shared, name):
    link = shared("waits").facts["dev"][name] or {"mode": 0}

    assert stat.S_ISLNK(link["mode"])
    assert link["target"] == SOURCES[name]


@clause("runtime-linux.dev-symlinks.only-if-source-exists")
def test_may_link_to_what_is_not_there(create, record):
    create("waits").start().printed("ready")
    dev = dict.fromkeys(SOURCES, "an error")

    with tolerates_an_error():
        dev = create("waits", offence=without_proc).start().facts["dev"]

    record("links without proc", {name: dev[name] for name in SOURCES})


@clause("runtime-linux.dev-symlinks.at-create")
@pytest.mark.parametrize("name", SOURCES)
def test_makes_the_links_before_start(container_in, name):
    container = container_in("created")

    link = container.process.link(f"/dev/{name}")

    assert container.start().printed("ready").facts
    assert link == SOURCES[name]
