"""Container Format."""

import shutil
import signal

import pytest

from harness import clause, generates_an_error


@pytest.fixture
def moved(bundle):
    """A bundle whose config.json lies at ``to``, a path from the bundle, or nowhere."""

    def make(to=None):
        made = bundle("waits")
        if to is None:
            made.config.unlink()
            return made
        target = made.path / to
        target.parent.mkdir(exist_ok=True)
        made.config.rename(target)
        return made

    return make


@pytest.fixture
def two_roots(bundle):
    """A bundle with the directories rootfs and other, a marker in each, of which other is used."""
    made = bundle(root_path="other", program=["list=/", "say=ready", "pause"])
    shutil.copytree(made.rootfs, made.path / "other")
    (made.rootfs / "marker-rootfs").touch()
    (made.path / "other" / "marker-other").touch()
    return made


@clause("bundle.config.required")
def test_demands_a_config_json(create, runtime, new_id, moved):
    create("waits").start().printed("ready")
    id_ = new_id()

    with generates_an_error():
        create(moved(), id=id_)
    with generates_an_error():
        runtime.state(id_)


@clause("bundle.config.at-root")
@pytest.mark.parametrize("to", ["etc/config.json", "rootfs/config.json", "../config.json"])
def test_demands_config_json_in_the_top_directory(create, moved, to):
    create("waits").start().printed("ready")

    with generates_an_error():
        create(moved(to))


@clause("bundle.config.at-root")
def test_takes_no_config_json_from_its_working_directory(create, bundle, moved):
    create("waits").start().printed("ready")
    here = bundle("waits").path

    with generates_an_error():
        create(moved(), cwd=here)


@clause("bundle.config.name")
@pytest.mark.parametrize("name", ["Config.json", "config.JSON", "config.yaml", "spec.json"])
def test_demands_the_name_config_json(create, moved, name):
    create("waits").start().printed("ready")

    with generates_an_error():
        create(moved(name))


@clause("bundle.rootfs.referenced-by-root-path")
def test_takes_the_root_filesystem_from_where_root_path_says(create, two_roots):
    container = create(two_roots).start().printed("ready")

    names = container.tried("/")["names"]

    assert ("marker-other" in names, "marker-rootfs" in names) == (True, False)


@clause("bundle.directory.not-part-of-bundle")
@pytest.mark.parametrize(
    "name",
    ["with space", "größe 日本語 😀", "a:b,c;d'e\"f\\g", "%s$HOME*?[x]", "x" * 255],
    ids=["space", "unicode", "punctuation", "shell", "long"],
)
def test_gives_no_meaning_to_the_name_of_the_directory(create, bundle, name):
    container = create(bundle("waits", name=name)).start().printed("ready")
    facts = container.facts

    seen = (container.state().id, facts["uts"]["hostname"], facts["cwd"])

    assert seen == (container.id, "conformance", "/")
    container.kill(signal.SIGKILL).stopped().delete()
