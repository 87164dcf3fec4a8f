"""Default devices."""

import pytest

from harness import clause

NUMBERS = {
    "null": [1, 3],
    "zero": [1, 5],
    "full": [1, 7],
    "random": [1, 8],
    "urandom": [1, 9],
    "tty": [5, 0],
}
ENXIO, ENOSPC = 6, 28

LOOKS = [f"stat=/dev/{name}" for name in (*NUMBERS, "ptmx", "pts/ptmx")]


@pytest.fixture
def seen(shared):
    """What its program sees at a path of /dev, links followed."""
    container = shared("tries", tries=LOOKS).printed("ready")
    return lambda name: container.tried(f"/dev/{name}")


@pytest.fixture
def used(shared):
    """How one use of a default device ended, by the word of the probe."""

    def use(word):
        container = shared("tries", tries=[word]).printed("ready")
        return next(line.data for line in container.lines if line.event == "try")

    return use


@clause("linux.default-devices.{name}")
@pytest.mark.parametrize("name", NUMBERS)
def test_supplies_the_device(seen, record, name):
    found = seen(name)
    record(f"mode of /dev/{name}", f"{found.get('mode', 0):o}")

    assert (found["errno"], found.get("rdev")) == (0, NUMBERS[name])


@clause("linux.default-devices.{name}")
@pytest.mark.parametrize(("name", "text"), [("null", ""), ("zero", "\0" * 8), ("full", "\0" * 8)])
def test_lets_the_program_read(used, name, text):
    found = used(f"head=8:/dev/{name}")

    assert (found["errno"], found.get("text")) == (0, text)


@clause("linux.default-devices.{name}")
@pytest.mark.parametrize("name", ["random", "urandom"])
def test_lets_the_program_read_random_bytes(used, name):
    found = used(f"head=32:/dev/{name}")

    assert (found["errno"], len(set(found.get("text", ""))) > 1) == (0, True)


@clause("linux.default-devices.{name}")
@pytest.mark.parametrize(
    ("name", "errno"), [("null", 0), ("zero", 0), ("full", ENOSPC), ("random", 0), ("urandom", 0)]
)
def test_lets_the_program_write(used, name, errno):
    assert used(f"write=/dev/{name}")["errno"] == errno


@clause("linux.default-devices.tty")
def test_lets_the_program_ask_for_its_terminal(used):
    # Without a controlling terminal there is none to open (tty(4)).
    assert used("open=rw:/dev/tty")["errno"] in {0, ENXIO}


@clause("linux.default-devices.console")
def test_binds_the_terminal_of_the_program_to_the_console(create):
    words = ["to=/log", "facts", "stat=/proc/self/fd/0", "stat=/dev/console", "write=/dev/console"]
    values = {"process": {"terminal": True}, "words": [*words, "say=ready", "pause"]}

    container = create("program", **values).start().printed("ready")

    terminal, console = (container.tried(p) for p in ("/proc/self/fd/0", "/dev/console"))
    assert console.get("rdev") == terminal["rdev"]
    assert "/dev/console" in container.process.mount_points
    assert container.terminal.shows(container.bundle.nonce)


@clause("linux.default-devices.ptmx-present")
def test_lets_the_program_make_a_terminal(used):
    assert used("open=rw:/dev/ptmx")["errno"] == 0


@clause("linux.default-devices.ptmx-form")
def test_leads_to_the_multiplexer_of_its_own_devpts(seen):
    found, own = seen("ptmx"), seen("pts/ptmx")

    assert (found["errno"], own["errno"]) == (0, 0)
    assert (found["dev"], found["ino"]) == (own["dev"], own["ino"])
