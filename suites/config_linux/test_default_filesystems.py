"""Default filesystems."""

import pytest

from harness import clause, tolerates_an_error

PLACES = {
    "proc": ("/proc", "proc"),
    "sys": ("/sys", "sysfs"),
    "dev-pts": ("/dev/pts", "devpts"),
    "dev-shm": ("/dev/shm", "tmpfs"),  # noqa: S108 - no file of ours
}
USUAL = [
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "ro"]},
    {"destination": PLACES["dev-shm"][0], "type": "tmpfs", "source": "shm"},
]


def mounted(mountinfo):
    """File system type by mount point, as proc_pid_mountinfo(5) has them."""
    lines = [line.split(" ") for line in mountinfo.splitlines()]
    return {words[4]: words[words.index("-") + 1] for words in lines}


@clause("linux.default-filesystems.{name}")
@pytest.mark.parametrize("name", PLACES)
def test_has_the_file_system_where_the_configuration_lists_it(shared, name):
    found = mounted(shared("waits", mounts=USUAL).facts["mountinfo"])

    path, kind = PLACES[name]
    assert found.get(path) == kind


@clause("linux.default-filesystems.{name}")
@pytest.mark.parametrize("name", PLACES)
def test_may_have_it_where_the_configuration_does_not(create, shared, record, name):
    path, kind = PLACES[name]
    assert shared("waits", mounts=USUAL).facts["mountinfo"]

    with tolerates_an_error() as outcome:
        container = create("waits", mounts=USUAL, offence=lambda c: unlist(c, path))
    there = not outcome.refused and mounted(container.process.mountinfo).get(path) == kind

    record(f"{path} without an entry", "an error" if outcome.refused else there)


def unlist(config, path):
    """Leave out the mount at this path, and what would be mounted below it."""
    config["mounts"] = [m for m in config["mounts"] if not m["destination"].startswith(path)]
