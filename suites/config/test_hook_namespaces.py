"""POSIX-platform hooks: where their path is looked up and where they are executed."""

import pytest

from harness import Hook, clause

BY_RUNTIME = ["prestart", "createRuntime", "poststart", "poststop"]
"""Executed in the runtime namespace."""

MADE = ["ipc", "mnt", "net", "pid", "uts"]
"""Namespaces that the configuration makes new."""


@pytest.fixture
def twins(bundle):
    """Make a bundle with one absolute path on the host and in the container, a probe at each.

    They write to one log, which has one path in both as well.
    """

    def make(kind):
        twin = Hook(members={"path": "{host}/twin", "args": ["twin"]})
        made = bundle("waits", hooks={kind: [twin]})
        outside = made.rootfs / "twin"
        for path, where in ((outside, "host"), (made.inside(outside), "container")):
            made.plant(path, f"as={kind} {where}", f"to={made.log}", "say=begin", "stdin")
        made.inside(made.log).hardlink_to(made.log)
        return made

    return make


@clause("config.hooks.{kind}.path-namespace")
@pytest.mark.parametrize(
    ("kind", "where"),
    [
        ("prestart", "host"),
        ("createRuntime", "host"),
        ("createContainer", "host"),
        ("startContainer", "container"),
        ("poststart", "host"),
        ("poststop", "host"),
    ],
)
def test_looks_up_the_path(lifecycle, twins, kind, where):
    made = twins(kind)

    lifecycle(made)

    assert made.ran == [f"{kind} {where}"]


@clause("config.hooks.start-container.path-namespace")
def test_does_not_find_on_the_host_what_the_container_lacks(lifecycle, bundle, attempt, twins):
    lifecycle(twins("startContainer"))
    only_outside = Hook(members={"path": "{host}/twin", "args": ["twin"]})
    made = bundle("logs", hooks={"startContainer": [only_outside]})
    made.plant(
        made.inside("/twin"), "as=startContainer host", f"to={made.log}", "say=begin", "stdin"
    )

    attempt(made)

    assert made.moments == []


@clause("config.hooks.{kind}.exec-namespace")
@pytest.mark.parametrize("kind", BY_RUNTIME)
def test_executes_in_the_runtime_namespace(create, own_namespaces, kind):
    container = create("waits", hooks={kind: [Hook()]}).start().printed("ready")
    inside = container.process.namespaces
    container.kill().stopped().delete()

    seen = container.bundle.hook(f"{kind} 1").facts["ns"]

    assert {name: seen[name] for name in own_namespaces} == own_namespaces
    assert [name for name in MADE if seen[name] == inside[name]] == []


@clause("config.hooks.create-container.exec-namespace")
def test_executes_create_container_hooks_in_the_container_namespace(create, own_namespaces):
    container = create("waits", hooks={"createContainer": [Hook()]}).start().printed("ready")
    inside = container.process.namespaces

    seen = container.bundle.hook("createContainer 1").facts["ns"]

    # Not pid: setns(2) does not move a process into a pid namespace, only its later children.
    for_certain = ["ipc", "mnt", "net", "uts"]
    assert [seen[name] for name in for_certain] == [inside[name] for name in for_certain]
    assert [name for name in for_certain if seen[name] == own_namespaces[name]] == []


@clause("config.hooks.start-container.exec-namespace")
def test_executes_start_container_hooks_in_the_container_namespace(create, own_namespaces):
    container = create("waits", hooks={"startContainer": [Hook()]}).start().printed("ready")
    inside = container.process.namespaces

    seen = container.bundle.hook("startContainer 1").facts

    assert [seen["ns"][name] for name in MADE] == [inside[name] for name in MADE]
    assert [name for name in MADE if seen["ns"][name] == own_namespaces[name]] == []
    assert seen["root"] == container.facts["root"]
