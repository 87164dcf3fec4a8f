"""Read-only paths."""

import pytest

from harness import clause, generates_an_error, tolerates_an_error

TEXT = "read only"
EROFS = 30
FORWARD = "/proc/sys/net/ipv4/ip_forward"

READ_ONLY = ["/etc/fixed", "/opt", "/proc/sys"]
CHANGES = {
    "create": "open=wc:/opt/new",
    "write": "open=w:/opt/deep/file",
    "mkdir": "mkdir=/opt/deep/new",
    "unlink": "unlink=/opt/deep/file",
    "rename": "syscall=renameat2,-100,s:/opt/deep/file,-100,s:/opt/deep/moved,0",
    "chmod": "syscall=fchmodat,-100,s:/opt/deep/file,0x1ff",
}
FREE = {name: word.replace("/opt", "/srv") for name, word in CHANGES.items()}
TRIES = [
    "read=/etc/fixed", "open=w:/etc/fixed", "open=w:/etc/free",
    *CHANGES.values(), *FREE.values(), f"open=w:{FORWARD}",
]  # fmt: skip


@pytest.fixture
def errors(create, bundle):
    """Start a program that tries TRIES in a container with these paths read-only.

    Returns what a word of TRIES ended in, in that order.
    """

    def run(*paths):
        made = bundle("tries", tries=TRIES, linux={"readonlyPaths": list(paths)})
        for name in ("/etc/fixed", "/etc/free", "/opt/deep/file", "/srv/deep/file"):
            made.inside(name).parent.mkdir(parents=True, exist_ok=True)
            made.inside(name).write_text(TEXT)
        container = create(made).start().printed("ready")
        seen = [line.data for line in container.lines if line.event == "try"]
        return dict(zip(TRIES, seen, strict=True))

    return run


@clause("linux.readonly-paths.file")
def test_lets_a_file_be_read_only(errors):
    seen = errors(*READ_ONLY)

    assert seen["read=/etc/fixed"].get("text") == TEXT
    assert (seen["open=w:/etc/fixed"]["errno"], seen["open=w:/etc/free"]["errno"]) == (EROFS, 0)


@clause("linux.readonly-paths.directory")
@pytest.mark.parametrize("change", CHANGES)
def test_refuses_changes_below_a_directory(errors, change):
    seen = errors(*READ_ONLY)

    assert seen[CHANGES[change]]["errno"] == EROFS
    # In the order of TRIES the file is gone before it is renamed and its mode changed.
    assert seen[FREE[change]]["errno"] in {0, 2}


@clause("linux.readonly-paths.submounts")
def test_may_protect_mounts_below(create, record):
    mounts = [{"destination": "/mnt/below", "type": "tmpfs", "source": "tmpfs"}]
    values = {"mounts": mounts, "linux": {"readonlyPaths": ["/mnt"]}}

    container = create("tries", tries=["open=wc:/mnt/below/new"], **values).start()

    record("errno of writing to a mount below", container.tried("/mnt/below/new")["errno"])


@clause("linux.readonly-paths.proc-sys")
def test_refuses_changes_of_parameters(errors):
    with_it, without = errors(*READ_ONLY), errors()

    assert with_it[f"open=w:{FORWARD}"]["errno"] == EROFS
    assert without[f"open=w:{FORWARD}"]["errno"] == 0


@clause("linux.readonly-paths.nonexistent")
def test_may_take_a_path_where_nothing_is(errors, record):
    errors(*READ_ONLY)

    with tolerates_an_error() as outcome:
        errors("/no/such")

    record("a path where nothing is", "an error" if outcome.refused else "ignored")


@clause("linux.readonly-paths.absolute")
def test_refuses_a_relative_path(errors, create):
    errors(*READ_ONLY)

    with generates_an_error():
        create("waits", offence={"linux": {"readonlyPaths": ["etc"]}})
