"""Root."""

import errno
import json
import shutil

import pytest

from harness import clause, control, generates_an_error, tolerates_an_error
from harness.configuration import spoil
from harness.mounts import Asked, bind, make_points, tmpfs

TRIES = ["open=wc:/new", "mkdir=/run/new", "unlink=/etc/gone", "write=/log"]
IN_ROOT = ["/new", "/run/new", "/etc/gone", "/log"]
"""What the tries are on: in the root, below it, and files that are there already."""

WORDS = ["read=/marker", "say=ready", "pause"]

IN_MOUNTS = ["/dev/new", "/mnt/tmpfs/new", "/mnt/bind/new"]


@pytest.fixture
def rooted(shared, foreign_tree):
    """Give the container that tries to change its root, for all cases with the same values."""
    tries = [*TRIES, *(f"open=wc:{path}" for path in IN_MOUNTS)]
    asked = Asked([tmpfs("/mnt/tmpfs"), bind(foreign_tree(), "/mnt/bind")], tries)
    given = {"mounts": asked.mounts, "words": asked.words}

    def prepare(bundle):
        make_points(bundle)
        bundle.inside("/etc/gone").touch()

    def make(**values):
        return shared("program", prepare=prepare, **given, **values).printed("ready")

    return make


@pytest.fixture
def everywhere(bundle):
    """Make a bundle whose program has one path in rootfs, in the bundle and on the host."""

    def make(offence=None):
        made = bundle("waits")
        program = made.path / "program"
        for root in (made.rootfs, made.path):
            inside = root / str(program).lstrip("/")
            made.plant(inside, "say=ready", "pause")
        made.plant(program, "say=ready", "pause")
        for name in ("proc", "dev"):
            (made.path / name).mkdir()
        document = made.document
        document["process"]["args"] = [str(program)]
        made.config.write_bytes(spoil(document, offence))
        return made

    return make


@pytest.fixture
def root_of(foreign_directory):
    """Make another root file system on the host that runs the same program as the bundle's."""

    def make(made, name):
        root = foreign_directory / name
        shutil.copytree(made.rootfs, root)
        (root / "marker").write_text("elsewhere")
        (made.rootfs / "marker").write_text("bundle")
        return root

    return make


@clause("config.root.required")
def test_refuses_a_configuration_without_root(create, everywhere):
    create(everywhere()).start().printed("ready")

    with generates_an_error():
        create(everywhere({"root": None}))


@clause("config.root.path.required")
@pytest.mark.parametrize("root", [{}, {"path": ""}], ids=["absent", "empty"])
def test_may_choose_a_root_if_it_has_no_path(create, everywhere, record, root):
    with control():
        create(everywhere()).start().printed("ready")

    with tolerates_an_error() as outcome:
        create(everywhere(lambda document: document.update(root=root)))

    record(f"create with root {json.dumps(root)}", "error" if outcome.refused else "success")


@clause("config.root.path.relative-to-bundle")
def test_takes_a_relative_path_from_the_bundle(bundle, create, root_of, foreign_directory):
    made = bundle("program", words=WORDS)
    root_of(made, "rootfs")

    container = create(made, cwd=foreign_directory).start().printed("ready")

    assert container.tried("/marker")["text"] == "bundle"


@clause("config.root.path.absolute")
def test_takes_an_absolute_path_as_it_is(bundle, create, root_of, foreign_directory):
    outside = foreign_directory / "outside"
    made = bundle("program", words=WORDS, root_path=str(outside))
    root_of(made, "outside")

    container = create(made).start().printed("ready")

    assert container.tried("/marker")["text"] == "elsewhere"


@clause("config.root.path.directory-exists")
@pytest.mark.parametrize("name", ["missing", "config.json"])
def test_refuses_a_path_without_a_directory(bundle, create, shared, name):
    shared("waits").printed("ready")
    made = bundle("waits", root_path=name)
    # Whatever becomes the root then, the program is in it.
    mounts = [*made.document["mounts"], bind(made.program, "/probe")]
    made.config.write_text(json.dumps({**made.document, "mounts": mounts}))

    with generates_an_error():
        create(made)

    assert (made.path / name).is_dir() is False


@clause("config.root.readonly.true")
@pytest.mark.parametrize("path", IN_ROOT)
def test_makes_the_root_read_only(rooted, path):
    assert rooted(readonly=True).tried(path)["errno"] == errno.EROFS


@clause("config.root.readonly.does-not-cover-mounts")
@pytest.mark.parametrize("path", IN_MOUNTS)
def test_leaves_mounts_writable_in_a_root_that_is_not(rooted, path):
    assert rooted(readonly=True).tried(path)["errno"] == 0


@clause("config.root.readonly.default-false")
@pytest.mark.parametrize("readonly", [None, False], ids=["absent", "false"])
@pytest.mark.parametrize("path", IN_ROOT)
def test_leaves_the_root_writable(rooted, record, readonly, path):
    container = rooted(offence={"root": {"readonly": readonly}})

    assert container.tried(path)["errno"] == 0
    record("its file is in the bundle", container.bundle.inside("/new").exists())
