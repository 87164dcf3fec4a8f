"""Groups of resctrl (config-linux.md#intelrdt), in a directory that stands for the filesystem."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from reference_runtime import errors, mountinfo, resctrl, validate

if TYPE_CHECKING:
    from pathlib import Path

# Launchers as a mutant's: the kernel makes the files of a group, and removes them with it.
FAKE = """\
import os, shutil
from reference_runtime import resctrl

resctrl.mount_point = lambda: {top!r}
def make_directory(path):
    os.mkdir(path)
    os.mkdir(path + "/mon_groups")
    for name in ("tasks", "schemata"):
        open(f"{{path}}/{{name}}", "w").close()
resctrl.make_directory = make_directory
resctrl.remove_directory = shutil.rmtree
cli.main()
"""


@pytest.fixture
def top(runtime, launcher, tmp_path):
    top: Path = tmp_path / "resctrl"
    make_group(top)
    fake = tmp_path / "fake"
    fake.write_text(launcher.read_text().replace("cli.main()\n", FAKE.format(top=str(top))))
    fake.chmod(0o755)
    runtime.launcher = fake
    return top


def make_group(path: Path, schemata: str = "    L3:0=7ff;1=7ff\n    MB:0=100;1=100\n") -> Path:
    (path / "mon_groups").mkdir(parents=True)
    (path / "tasks").touch()
    (path / "schemata").write_text(schemata)
    return path


@pytest.fixture
def assigned(runtime, config, make_bundle):
    """Create a container with intelRdt; return its ID and its process's."""

    def create(**rdt: Any) -> tuple[str, str]:
        config["linux"]["intelRdt"] = rdt
        identifier = runtime.create(make_bundle(config))
        return identifier, str(runtime.state(identifier)["pid"])

    return create


@pytest.fixture
def refused(runtime, config, make_bundle):
    def create(**rdt: Any) -> str:
        config["linux"]["intelRdt"] = rdt
        identifier = runtime.new_id()
        result = runtime("create", "-b", str(make_bundle(config)), identifier)
        assert result.status == 1
        assert len(result.stderr.splitlines()) == 1, result.stderr
        assert not runtime.knows(identifier)
        text: str = result.stderr
        return text

    return create


def delete(runtime, identifier: str) -> None:
    runtime.stop(identifier)
    assert runtime("delete", identifier).ok


L3, MB = "L3:0=7f0;1=1f", "MB:0=20;1=70"


def test_without_a_name_the_group_is_the_containers_own(top, runtime, assigned):
    identifier, pid = assigned(memBwSchema=MB, schemata=["L2:0=f", "MB:1=80"], l3CacheSchema=L3)

    group = top / identifier
    assert (group / "tasks").read_text() == pid
    assert (group / "schemata").read_text() == f"{L3}\n{MB}\nL2:0=f\nMB:1=80\n"
    delete(runtime, identifier)
    assert not group.exists()


def test_without_schemata_none_are_written(top, assigned):
    identifier, pid = assigned()

    assert (top / identifier / "tasks").read_text() == pid
    assert not (top / identifier / "schemata").read_text()


def test_the_default_group(top, runtime, assigned):
    before = (top / "schemata").read_text()

    identifier, pid = assigned(closID="/")

    assert (top / "tasks").read_text() == pid
    assert (top / "schemata").read_text() == before
    delete(runtime, identifier)
    assert top.is_dir()
    assert not (top / identifier).exists()


def test_a_group_with_a_name_is_made_and_stays(top, runtime, assigned):
    identifier, pid = assigned(closID="gold", schemata=[L3])

    assert (top / "gold/tasks").read_text() == pid
    assert (top / "gold/schemata").read_text() == f"{L3}\n"
    delete(runtime, identifier)
    assert (top / "gold").is_dir()


def test_a_group_of_the_containers_name_that_was_there_stays(top, runtime, config, make_bundle):
    config["linux"]["intelRdt"] = {}
    identifier = runtime.new_id()
    make_group(top / identifier)
    assert runtime("create", "-b", str(make_bundle(config)), identifier).ok

    delete(runtime, identifier)

    assert (top / identifier).is_dir()


@pytest.mark.parametrize("rdt", [
    {}, {"l3CacheSchema": "L3:0=7F0;1=01f"}, {"memBwSchema": "MB:1=70"},
    {"l3CacheSchema": L3, "memBwSchema": MB},
], ids=str)  # fmt: skip
def test_a_group_that_exists_and_agrees_is_taken(top, assigned, rdt):
    make_group(top / "gold", f"   {L3}\n    {MB}\n")

    _, pid = assigned(closID="gold", **rdt)

    assert (top / "gold/tasks").read_text() == pid


@pytest.mark.parametrize("rdt", [
    {"l3CacheSchema": "L3:0=7f0;1=1e"}, {"memBwSchema": "MB:2=70"}, {"l3CacheSchema": "L2:0=7f0"},
], ids=str)  # fmt: skip
def test_a_group_that_exists_and_differs_is_an_error(top, refused, rdt):
    make_group(top / "gold", f"   {L3}\n    {MB}\n")

    text = refused(closID="gold", **rdt)

    assert f"linux.intelRdt: {next(iter(rdt))}: the group" in text
    assert not (top / "gold/tasks").read_text()
    assert (top / "gold").is_dir()


def test_a_group_that_is_to_exist_and_does_not_is_an_error(top, refused):
    assert "linux.intelRdt.closID: there is no group gold" in refused(closID="gold")
    assert not (top / "gold").exists()


@pytest.mark.parametrize("rdt", [{}, {"closID": "gold", "schemata": [L3]}, {"closID": "/"}])
def test_monitoring(top, runtime, assigned, rdt):
    identifier, pid = assigned(enableMonitoring=True, **rdt)

    group = top / rdt.get("closID", identifier).strip("/")
    monitoring = group / "mon_groups" / identifier
    assert (group / "tasks").read_text() == (monitoring / "tasks").read_text() == pid
    delete(runtime, identifier)
    assert not monitoring.exists()
    assert group.is_dir() == ("closID" in rdt)


def test_monitoring_that_cannot_be_is_an_error_and_leaves_nothing(top, refused):
    (top / "mon_groups").rmdir()

    text = refused(closID="/", enableMonitoring=True)

    assert "linux.intelRdt: " in text
    assert "no such file or directory" in text


@pytest.mark.parametrize("rdt", [{}, {"closID": "gold", "schemata": [L3]}], ids=str)
def test_a_create_that_fails_later_removes_what_it_has_made(top, config, refused, rdt):
    config["hooks"] = {"createRuntime": [{"path": "/bin/false"}]}

    refused(enableMonitoring=True, **rdt)

    assert {path.name for path in top.iterdir()} == {"mon_groups", "tasks", "schemata"}


def test_programs_of_exec_are_in_the_group(top, runtime, assigned, tmp_path):
    identifier, _ = assigned()
    process = {"cwd": "/", "args": ["/program", "wait"], "user": {"uid": 0, "gid": 0}}
    (tmp_path / "process.json").write_text(json.dumps(process))
    words = ("--process", str(tmp_path / "process.json"), "--pid-file", str(tmp_path / "pid"))

    assert runtime("exec", "--detach", *words, identifier).ok

    assert (top / identifier / "tasks").read_text() == (tmp_path / "pid").read_text()


@pytest.mark.parametrize("rdt", [{}, {"closID": "/"}, {"enableMonitoring": True}], ids=str)
def test_a_host_without_resctrl_is_an_error(runtime, config, make_bundle, cgroups, rdt):
    if any(mount.type == "resctrl" for mount in mountinfo.mounts()):
        pytest.skip("needs a host without resctrl")
    config["linux"]["intelRdt"] = rdt

    result = runtime("create", "-b", str(make_bundle(config)), runtime.new_id())

    assert result.status == 1
    assert "linux.intelRdt: this host has no resctrl filesystem mounted" in result.stderr
    assert not cgroups()


def test_the_mount_point_is_found(monkeypatch):
    line = "30 20 0:25 / /my\\040resctrl rw,relatime shared:1 - resctrl resctrl rw"
    monkeypatch.setattr(mountinfo, "mounts", lambda: [mountinfo.Mount(line)])

    assert resctrl.mount_point() == "/my resctrl"


INVALID = [
    ("closID", ""), ("closID", "a/b"), ("closID", ".."), ("closID", "//"), ("closID", "info"),
    ("closID", "mon_groups"), ("closID", 1), ("l3CacheSchema", 1), ("memBwSchema", "L3:0=1"),
    ("memBwSchema", "MB:0=1\nL3:0=1"), ("schemata", "L3:0=1"), ("enableMonitoring", "true"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [*INVALID, ("schemata[0]", ["L3:0=1\n"])])
def test_an_invalid_property_errors_with_the_path(name, value):
    linux = {"intelRdt": {name.partition("[")[0]: value}}

    with pytest.raises(errors.OperationError) as caught:
        validate.configuration({"ociVersion": "1.3.0", "root": {"path": "x"}, "linux": linux})

    assert str(caught.value).startswith(f"linux.intelRdt.{name}: ")
