"""Masked paths."""

import pytest

from harness import clause, generates_an_error, tolerates_an_error

TEXT = "not to be read"


@pytest.fixture
def masking(create, bundle):
    """Start a program that tries `words`, in a container that masks `paths`.

    Its root filesystem has secrets in /secret, /other, /vault/inner and /etc/secret.
    """

    def run(*paths, tries, **values):
        made = bundle("tries", tries=tries, linux={"maskedPaths": list(paths)}, **values)
        for name in ("/secret", "/other", "/vault/inner", "/etc/secret"):
            made.inside(name).parent.mkdir(exist_ok=True)
            made.inside(name).write_text(TEXT)
        made.inside("/lnk").symlink_to("/etc/secret")
        return create(made).start().printed("ready")

    return run


@clause("linux.masked-paths.unreadable.file")
def test_hides_what_a_file_holds(masking):
    container = masking("/secret", tries=["read=/secret", "read=/other"])

    assert container.tried("/secret").get("text", "") == ""
    assert container.tried("/other").get("text") == TEXT


@clause("linux.masked-paths.unreadable.directory")
def test_hides_what_a_directory_holds(masking):
    tries = ["list=/vault", "read=/vault/inner"]
    container, plain = masking("/vault", tries=tries), masking(tries=tries)

    hidden = [container.tried("/vault"), container.tried("/vault/inner")]
    assert (hidden[0].get("names", []), hidden[1].get("text", "")) == ([], "")
    assert plain.tried("/vault/inner").get("text") == TEXT


@clause("linux.masked-paths.proc")
@pytest.mark.parametrize("path", ["/proc/version", "/proc/self/mountinfo"])
def test_hides_files_of_proc(masking, path):
    container, plain = (masking(*paths, tries=[f"head=64:{path}"]) for paths in ([path], []))

    assert container.tried(path).get("text", "") == ""
    assert plain.tried(path).get("text", "") != ""


@clause("linux.masked-paths.after-mounts")
def test_hides_files_of_mounts(masking, foreign_directory):
    bind = {"destination": "/mnt", "type": "bind", "source": str(foreign_directory)}
    values = {"mounts": [{**bind, "options": ["bind"]}], "tries": ["read=/mnt/a", "read=/mnt/b"]}
    (foreign_directory / "a").write_text(TEXT)
    (foreign_directory / "b").write_text(TEXT)

    container = masking("/mnt/a", **values)

    assert container.tried("/mnt/a").get("text", "") == ""
    assert container.tried("/mnt/b").get("text") == TEXT


@clause("linux.masked-paths.nonexistent")
def test_may_take_a_path_where_nothing_is(masking, record):
    masking("/secret", tries=["read=/secret"])

    with tolerates_an_error() as outcome:
        container = masking("/no/such", tries=["lstat=/no/such"])

    there = "" if outcome.refused else container.tried("/no/such")["errno"] == 0
    record("a path where nothing is", "an error" if outcome.refused else f"made: {there}")


@clause("linux.masked-paths.absolute")
def test_refuses_a_relative_path(masking, create):
    masking("/secret", tries=["read=/secret"])

    with generates_an_error():
        create("waits", offence={"linux": {"maskedPaths": ["log"]}})


@clause("linux.masked-paths.symlink")
def test_follows_a_link_inside_the_container(masking, record):
    tries = ["read=/lnk", "read=/secret"]
    plain = masking(tries=tries)

    with tolerates_an_error() as outcome:
        container = masking("/lnk", tries=tries)
    record("a path that is a link", "an error" if outcome.refused else "followed")

    read = {} if outcome.refused else container.tried("/lnk")
    assert read.get("text", "") == ""
    assert plain.tried("/lnk").get("text") == TEXT
    assert outcome.refused or container.tried("/secret").get("text") == TEXT
