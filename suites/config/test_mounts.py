"""Mounts: their order, places, sources and types."""

from pathlib import Path

import pytest

from harness import (
    clause,
    control,
    generates_an_error,
    host,
    may_be_unsupported,
    requires,
    tolerates_an_error,
)
from harness.mounts import Asked, bind, tmpfs

RESTRICTIONS = {"ro", "nosuid", "nodev", "noexec"}

MAGIC = {
    "tmpfs": 0x01021994,
    "proc": 0x9FA0,
    "sysfs": 0x62656572,
    "devpts": 0x1CD1,
    "mqueue": 0x19800202,
}
"""What statfs(2) calls each type."""

TYPES = {"none": "none", "empty": "", "absent": None, "tmpfs": "tmpfs", "unknown": "nosuchfs"}
BINDS = pytest.mark.parametrize("option", ["bind", "rbind"])


def reading(*mounts, at):
    """Mount this and read the file marker there."""
    return Asked(mounts, [f"read={at}/marker"])


def given(entry):
    """Return the entry without the members that are None."""
    return {name: value for name, value in entry.items() if value is not None}


@pytest.fixture
def trees(foreign_tree):
    """Two trees of mounts of the host, the file marker of each with a text of its own."""
    return {name: foreign_tree(name=name) for name in ("a", "b")}


@pytest.fixture
def text_of(trees):
    """The text that the file marker has there: a, b, or below one of them."""
    return lambda name, *below: trees[name].joinpath(*below, "marker").read_text()


@pytest.fixture
def container_with(among, trees):
    """Give the container that has all the mounts of this module, and thus this one."""
    a, b = trees["a"], trees["b"]
    ordered = {
        "below": reading(bind(a, "/mnt/below"), bind(b, "/mnt/below/below"), at="/mnt/below/below"),
        "above": reading(
            bind(b, "/mnt/above/below"), bind(a, "/mnt/above", "rbind"), at="/mnt/above/below"
        ),
        "upon": reading(tmpfs("/mnt/upon"), bind(a, "/mnt/upon"), at="/mnt/upon"),
        "under": reading(bind(a, "/mnt/under"), tmpfs("/mnt/under"), at="/mnt/under"),
    }
    sources = {
        "named": Asked([tmpfs("/mnt/named", "noexec", source="a-name")]),
        "dummy": Asked([tmpfs("/mnt/dummy", source="no/such/path")]),
        "sourceless": Asked([given(tmpfs("/mnt/sourceless", source=None))]),
        "directory": reading(bind(a, "/mnt/directory"), at="/mnt/directory"),
        "file": Asked([bind(a / "marker", "/mnt/file")], ["read=/mnt/file"]),
        "of-the-host": reading(bind(b, str(a)), at=a),
    }
    bound = {
        f"{kind}-{option}": reading(
            given(bind(a, f"/mnt/{kind}-{option}", option, type=type_)), at=f"/mnt/{kind}-{option}"
        )
        for kind, type_ in TYPES.items()
        for option in ("bind", "rbind")
    }
    types = {
        f"type-{kind}": Asked(
            [{"destination": f"/mnt/type-{kind}", "type": kind, "source": kind}],
            [f"statfs=/mnt/type-{kind}"],
        )
        for kind in MAGIC
    }
    plain = {
        "no-options": Asked([given({**tmpfs("/mnt/no-options"), "options": None})]),
        "empty-options": Asked([tmpfs("/mnt/empty-options")]),
    }
    everything = {**ordered, **sources, **bound, **types, **plain}
    return lambda name: among(everything, name)


@pytest.fixture
def two_sources(bundle, foreign_directory):
    """Make a bundle that binds a relative source, which is in both directories with a name."""

    def make(source):
        words = ["read=/mnt/marker", "say=ready", "pause"]
        made = bundle("program", mounts=[bind(source, "/mnt")], words=words)
        for place in (made.path, foreign_directory):
            (place / "data").mkdir()
            (place / "up").mkdir()
            (place / "data" / "marker").write_text(place.name)
        return made

    return make


@clause("config.mounts.optional")
@pytest.mark.parametrize("mounts", [None, []], ids=["absent", "empty"])
def test_may_need_mounts(create, shared, record, mounts):
    with control():
        shared("waits").printed("ready")

    with tolerates_an_error() as outcome:
        create("waits", offence={"mounts": mounts})

    record(f"create with mounts {mounts}", "error" if outcome.refused else "success")


@clause("config.mounts.listed-order")
@pytest.mark.parametrize(
    ("name", "at", "seen"),
    [
        ("below", "/mnt/below/below", ["b"]),
        ("above", "/mnt/above/below", ["a", "below"]),
        ("upon", "/mnt/upon", ["a"]),
    ],
)
def test_mounts_in_the_listed_order(container_with, text_of, name, at, seen):
    container = container_with(name)

    assert container.tried(f"{at}/marker").get("text") == text_of(*seen)


@clause("config.mounts.listed-order")
def test_covers_an_earlier_mount_by_a_later_one(container_with):
    container = container_with("under")

    assert container.mount("/mnt/under").type == "tmpfs"
    assert container.tried("/mnt/under/marker")["errno"] == 2


# crun 1.8, youki 0.7, runc 1.1 and 1.5 refuse this one; nothing says whether they may.
@clause("config.mounts.listed-order")
def test_mounts_on_what_an_earlier_one_has_put_at_the_root(bundle, shared, create):
    with control():
        shared("waits").printed("ready")
    words = ["stat=/mnt/marker", "stat=/marker", "say=ready", "pause"]
    mounts = [bind(Path("rootfs/other"), "/", "rbind"), tmpfs("/mnt")]
    made = bundle("program", mounts=mounts, words=words)
    made.plant(made.inside("/other/probe"))
    made.inside("/other/mnt").mkdir()
    made.inside("/other/marker").touch()
    made.inside("/other/mnt/marker").touch()

    with may_be_unsupported("a mount at the root"):
        container = create(made).start().printed("ready")

    assert container.tried("/marker")["errno"] == 0
    assert container.tried("/mnt/marker")["errno"] == 2


@clause("config.mounts.mount2-parameters")
def test_passes_source_type_and_flags_to_the_kernel(container_with):
    mount = container_with("named").mount("/mnt/named")

    assert (mount.source, mount.type) == ("a-name", "tmpfs")
    assert mount.options & RESTRICTIONS == {"noexec"}


@clause("config.mounts.destination.required")
@pytest.mark.parametrize("destination", [None, ""], ids=["absent", "empty"])
def test_may_choose_a_place_if_there_is_no_destination(
    container_with, create, trees, record, destination
):
    with control():
        container_with("directory")
    entry = {"source": str(trees["a"]), "options": ["rbind"], "destination": destination}

    with tolerates_an_error() as outcome:
        create("waits", offence=lambda config: config["mounts"].insert(0, given(entry)))

    record(f"create with destination {destination}", "error" if outcome.refused else "success")


@clause("config.mounts.destination.path-inside")
def test_mounts_at_the_path_in_the_container(container_with, trees, text_of):
    container = container_with("of-the-host")

    assert container.tried(f"{trees['a']}/marker").get("text") == text_of("b")


@clause("config.mounts.destination.path-inside")
@pytest.mark.parametrize("destination", ["/link", "/link/new"])
def test_follows_no_link_out_of_the_root(
    bundle, create, container_with, foreign_directory, destination
):
    with control():
        container_with("directory")
    made = bundle("program", mounts=[tmpfs(destination)], words=["facts", "say=ready", "pause"])
    made.inside("/link").symlink_to(foreign_directory)
    made.inside(f"{foreign_directory}/new").mkdir(parents=True)

    with tolerates_an_error() as outcome:
        container = create(made).start().printed("ready")

    inside = destination.replace("/link", str(foreign_directory))
    assert list(foreign_directory.iterdir()) == []
    assert outcome.refused or container.mount(inside).type == "tmpfs"


@clause(
    "config.mounts.destination.relative-from-root", "config.mounts.destination.relative-accepted"
)
def test_mounts_a_relative_destination_from_the_root(bundle, create, trees, text_of):
    entry = bind(trees["a"], "data/relative")
    words = ["read=/data/relative/marker", "say=ready", "pause"]
    made = bundle("program", mounts=[entry], words=words, process={"cwd": "/srv"})
    made.inside("/data/relative").mkdir(parents=True)
    made.inside("/srv/data/relative").mkdir(parents=True)

    container = create(made).start().printed("ready")

    assert container.tried("/data/relative/marker").get("text") == text_of("a")


@clause("config.mounts.destination.absolute.must")
def test_refuses_a_relative_destination_of_older_releases(container_with, bundle, create, trees):
    container_with("directory")
    made = bundle("waits", mounts=[bind(trees["a"], "data/relative")])
    made.inside("/data/relative").mkdir(parents=True)

    with generates_an_error():
        create(made)


@clause("config.mounts.source.absolute-bind")
def test_takes_an_absolute_source_from_the_host(container_with, text_of):
    container = container_with("directory")

    assert container.tried("/mnt/directory/marker").get("text") == text_of("a")


@clause("config.mounts.source.relative-to-bundle")
@pytest.mark.parametrize("source", ["data", "./data", "up/../data"])
def test_takes_a_relative_source_from_the_bundle(create, two_sources, foreign_directory, source):
    made = two_sources(source)

    container = create(made, cwd=foreign_directory).start().printed("ready")

    assert container.tried("/mnt/marker").get("text") == made.path.name


@clause("config.mounts.source.file-or-dir")
@pytest.mark.parametrize(
    ("name", "path"), [("file", "/mnt/file"), ("directory", "/mnt/directory/marker")]
)
def test_binds_files_and_directories(container_with, text_of, name, path):
    container = container_with(name)

    assert container.tried(path).get("text") == text_of("a")


@clause("config.mounts.source.device")
@requires(host.loop_devices)
def test_mounts_the_file_system_of_a_device(mounted, foreign_device):
    entry = {"destination": "/mnt", "type": "ext2", "source": str(foreign_device)}
    allowed = {"resources": {"devices": [{"allow": True, "access": "rwm"}]}}

    container = mounted(reading(entry, at="/mnt"), linux=allowed)

    assert container.mount("/mnt").type == "ext2"
    assert container.tried("/mnt/marker").get("text") == "on the device"


@clause("config.mounts.source.dummy")
@pytest.mark.parametrize("name", ["dummy", "sourceless"])
def test_looks_up_no_source_of_a_virtual_file_system(container_with, name):
    container = container_with(name)

    assert container.mount(f"/mnt/{name}").type == "tmpfs"


@clause("config.mounts.bind-by-option", "config.mounts.type.dummy-for-bind")
@pytest.mark.parametrize("kind", TYPES)
@BINDS
def test_binds_because_of_the_option_whatever_the_type(container_with, text_of, kind, option):
    container = container_with(f"{kind}-{option}")

    assert container.tried(f"/mnt/{kind}-{option}/marker").get("text") == text_of("a")


@clause("config.mounts.options.absent")
@pytest.mark.parametrize("name", ["no-options", "empty-options"])
def test_restricts_nothing_without_options(container_with, name):
    container = container_with(name)

    assert container.mount(f"/mnt/{name}").options & RESTRICTIONS == set()


@clause("config.mounts.type.filesystem")
@pytest.mark.parametrize("kind", MAGIC)
def test_mounts_the_file_system_of_the_type(container_with, kind):
    container = container_with(f"type-{kind}")

    assert container.mount(f"/mnt/type-{kind}").type == kind
    assert container.tried(f"/mnt/type-{kind}")["type"] == MAGIC[kind]


@clause("config.mounts.type.unknown-errors")
def test_refuses_a_type_that_the_kernel_lacks(container_with, mounted, trees):
    container_with("type-tmpfs")
    unknown = {"destination": "/mnt", "type": "nosuchfs", "source": str(trees["a"])}

    with generates_an_error():
        mounted(Asked([unknown]))
