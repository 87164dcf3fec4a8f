"""Devices: entries that are wrong."""

import os
import stat

import pytest

from harness import clause, generates_an_error, host

DEVICE = {"path": "/dev/device", "type": "c", "major": 1, "minor": 3}

UNCOVERED = {**DEVICE, "path": "/opt/device"}
"""Outside of all mounts: what the bundle has there is what the runtime finds."""


def without(member):
    """Return the entry without this member."""
    return {name: value for name, value in DEVICE.items() if name != member}


@pytest.fixture
def valid(shared):
    """Show that the valid entry works: a container with it, whose program has looked at it."""
    return shared("tries", tries=["stat=/dev/device"], linux={"devices": [DEVICE]}).tried(
        "/dev/device"
    )


def fifo(path):
    """A file of another type."""
    os.mkfifo(path)


def other_device(path):
    """A device of another number."""
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))


def look(path):
    """What is at the path: type, mode, device, owner, length, contents of a file."""
    seen = path.lstat()
    text = path.read_text() if stat.S_ISREG(seen.st_mode) else ""
    return seen.st_mode, seen.st_rdev, seen.st_uid, seen.st_ino, text


@clause("linux.devices.type-required")
@pytest.mark.parametrize("type_", [{}, {"type": "z"}, {"type": ""}], ids=["absent", "z", "empty"])
@pytest.mark.usefixtures("valid")
def test_refuses_an_entry_without_a_known_type(create, type_):
    with generates_an_error():
        create("waits", offence={"linux": {"devices": [{**without("type"), **type_}]}})


@clause("linux.devices.path-required")
@pytest.mark.usefixtures("valid")
def test_refuses_an_entry_without_a_path(create):
    with generates_an_error():
        create("waits", offence={"linux": {"devices": [without("path")]}})


@clause("linux.devices.existing-mismatch-errors")
@pytest.mark.parametrize(
    "put",
    [
        pytest.param(lambda path: path.write_text("kept"), id="file"),
        pytest.param(fifo, id="fifo"),
        pytest.param(
            other_device, id="other-number", marks=pytest.mark.requires.with_args(host.real_root)
        ),
    ],
)
def test_refuses_a_path_where_something_else_is(create, shared, bundle, put):
    assert shared("tries", tries=["stat=/opt/device"], linux={"devices": [UNCOVERED]}).facts
    made = bundle("waits", offence={"linux": {"devices": [UNCOVERED]}})
    taken = made.inside("/opt/device")
    taken.parent.mkdir()
    put(taken)
    before = look(taken)

    with generates_an_error():
        create(made)

    assert look(taken) == before
