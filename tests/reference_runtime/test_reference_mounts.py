"""Mounts (config.md#mounts): the table of options, ID-mapped mounts, tmpcopyup."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from reference_runtime import errors, mount_options, validate
from tests.reference_runtime.views import line_of, owner

ON_DISK, SHOWN = 1000, 2000
MAP = [{"containerID": ON_DISK, "hostID": SHOWN, "size": 1}]
MAPS = {"uidMappings": MAP, "gidMappings": MAP}


@pytest.fixture
def source():
    """A directory of the host's with one file, to be bound."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory)
        path.chmod(0o755)
        (path / "file").touch()
        os.chown(path / "file", ON_DISK, ON_DISK)
        (path / "below").mkdir()
        yield path


@pytest.fixture
def view(runtime, launcher, tmp_path):
    """Have the runtime see mounts that nobody else sees."""
    holders: list[subprocess.Popen[bytes]] = []

    def mount(commands: str) -> None:
        command = ["unshare", "-m", "sh", "-c", f"{commands} && echo made && exec cat"]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holders.append(holder)
        assert holder.stdout
        assert holder.stdout.readline() == b"made\n"
        script = tmp_path / "view"
        script.write_text(f'#!/bin/sh\nexec nsenter -m -t {holder.pid} {launcher} "$@"\n')
        script.chmod(0o755)
        runtime.launcher = script

    yield mount
    runtime.launcher = launcher
    for holder in holders:
        holder.communicate()


@pytest.fixture
def bound(mounted, source):
    return lambda *options, **entry: mounted(source=str(source), options=list(options), **entry)


def add_user_namespace(config: dict[str, Any]) -> None:
    ids = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    os.chown(config["root"]["path"], 100000, 100000)
    config["linux"]["namespaces"].append({"type": "user"})
    config["linux"] |= {"uidMappings": ids, "gidMappings": ids}


@pytest.mark.parametrize("options", [["bind", "idmap"], ["rbind", "ridmap"], ["bind"]], ids=str)
def test_the_mappings_of_a_mount_show_what_is_on_disk_as_another(bound, source, options):
    root = bound(*options, **MAPS)

    assert owner(root / "data/file") == (SHOWN, SHOWN)
    assert owner(source / "file") == (ON_DISK, ON_DISK)


def test_uids_and_gids_have_mappings_of_their_own(bound):
    gids = [
        {"containerID": 7, "hostID": 8, "size": 1},
        {"containerID": 900, "hostID": 5000, "size": 200},
    ]

    root = bound("bind", "idmap", uidMappings=MAP, gidMappings=gids)

    assert owner(root / "data/file") == (SHOWN, 5000 + ON_DISK - 900)


@pytest.mark.parametrize("maps", [{}, MAPS], ids=["the container's", "its own"])
def test_mappings_in_a_user_namespace(bound, config, maps):
    add_user_namespace(config)

    root = bound("bind", "idmap", **maps)

    expected = SHOWN if maps else 100000 + ON_DISK
    assert owner(root / "data/file") == (expected, expected)


def test_the_mapping_of_a_user_namespace_that_is_joined(bound, config, runtime, reachable):
    plain = {**config, "linux": {**config["linux"]}}
    plain["linux"]["namespaces"] = [*plain["linux"]["namespaces"]]
    add_user_namespace(plain)
    pid = runtime.state(runtime.create(other_bundle(plain, reachable)))["pid"]
    config["linux"]["cgroupsPath"] += "x"
    config["linux"]["namespaces"].append({"type": "user", "path": f"/proc/{pid}/ns/user"})

    root = bound("bind", "idmap")

    assert owner(root / "data/file") == (100000 + ON_DISK,) * 2


def other_bundle(config: dict[str, Any], reachable: Any) -> Path:
    made: Path = reachable()
    path = made.rename(made.parent / "other")
    (path / "config.json").write_text(json.dumps(config))
    return path


@pytest.mark.parametrize(("option", "below"), [("idmap", ON_DISK), ("ridmap", SHOWN)])
def test_only_ridmap_reaches_the_mounts_below(bound, source, view, option, below):
    view(
        f"mount -t tmpfs x {source}/below && touch {source}/below/f && "
        f"chown {ON_DISK} {source}/below/f"
    )

    root = bound("rbind", option, **MAPS)

    assert owner(root / "data/file")[0] == SHOWN
    assert owner(root / "data/below/f")[0] == below


def test_a_new_filesystem_can_be_mapped(mounted):
    """The root of the tmpfs belongs to 0 on it."""
    maps = [{"containerID": 0, "hostID": 33, "size": 1}]

    root = mounted(
        type="tmpfs", options=["idmap", "nosuid", "ro"], uidMappings=maps, gidMappings=maps
    )

    assert owner(root / "data") == (33, 33)
    assert {"ro", "nosuid"} <= set(line_of(root, "/data")[5].split(","))


def test_a_new_filesystem_in_a_user_namespace_cannot_be_mapped(runtime, config, reachable):
    add_user_namespace(config)
    config["mounts"].append({"destination": "/data", "type": "tmpfs", "options": ["idmap"]})

    result = runtime("create", "-b", str(reachable()), runtime.new_id())

    assert result.status == 1
    assert "mounts[2].options: in a user namespace only bind mounts" in result.stderr


def test_a_filesystem_that_cannot_be_mapped_is_an_error(runtime, config, reachable):
    config["mounts"].append({"destination": "/data", "type": "proc", "options": ["ridmap"], **MAPS})

    result = runtime("create", "-b", str(reachable()), runtime.new_id())

    assert result.status == 1
    assert "mounts[2] (/data): cannot be ID-mapped: its filesystem" in result.stderr


def test_a_mapping_that_the_kernel_refuses_is_an_error(runtime, config, reachable, source):
    overlapping = [*MAP, {"containerID": ON_DISK, "hostID": 5, "size": 1}]
    entry = {"destination": "/data", "source": str(source), "options": ["bind", "idmap"]}
    config["mounts"].append({**entry, "uidMappings": MAP, "gidMappings": overlapping})

    result = runtime("create", "-b", str(reachable()), runtime.new_id())

    assert result.status == 1
    assert "mounts[2] (/data): gidMappings: invalid argument" in result.stderr


BIND = {"destination": "/x", "source": "/srv", "options": ["bind"]}
TMPFS = {"destination": "/x", "type": "tmpfs"}
INVALID = [
    ("gidMappings", BIND | {"uidMappings": MAP}),
    ("gidMappings", BIND | {"uidMappings": MAP, "gidMappings": []}),
    ("uidMappings", BIND | {"gidMappings": MAP, "options": ["bind", "idmap"]}),
    ("options", BIND | {"options": ["bind", "idmap"]}),
    ("options", BIND | {"options": ["rbind", "ridmap"]}),
    ("options", BIND | {"options": ["bind", "remount", "idmap"], **MAPS}),
    ("type", TMPFS | {"type": "cgroup", **MAPS}),
    ("options", TMPFS | {"type": "ramfs", "options": ["tmpcopyup"]}),
    ("options", BIND | {"options": ["bind", "tmpcopyup"]}),
    ("options", TMPFS | {"options": ["remount", "tmpcopyup"]}),
    ("uidMappings[0].size", BIND | {"uidMappings": [MAP[0] | {"size": 0}], "gidMappings": MAP}),
]


@pytest.mark.parametrize(("member", "entry"), INVALID, ids=str)
def test_an_invalid_mount_errors_with_the_path(member, entry):
    config = {"ociVersion": "1.3.0", "root": {"path": "x"}, "mounts": [entry]}

    with pytest.raises(errors.OperationError) as caught:
        validate.configuration(config)

    assert str(caught.value).startswith(f"mounts[0].{member}: ")


def test_what_a_bind_mount_takes_no_notice_of_is_said(runtime, config, reachable, source):
    options = ["rbind", "size=1m", "sync", "nosuid", "rro", "defaults", "rslave"]
    config["mounts"].append({"destination": "/data", "source": str(source), "options": options})

    result = runtime("create", "-b", str(reachable()), runtime.new_id())

    assert result.ok
    assert [line.split("'")[1] for line in result.stderr.splitlines()] == ["size=1m", "sync"]


def test_features_name_every_option_of_the_specification(runtime):
    named = set(json.loads(runtime("features").stdout)["mountOptions"])

    assert named == set(mount_options.KNOWN)
    assert {"idmap", "ridmap", "tmpcopyup", "rro", "rsymfollow", "mand", "runbindable"} <= named
    assert len(named) == 62  # the rows of the table


WITHOUT = {"bind", "rbind", "remount", "idmap", "ridmap"}  # have tests of their own
NEEDS_BINDS = {*mount_options.PROPAGATION, *mount_options.RECURSIVE}


def test_every_other_option_is_taken(runtime, config, reachable, source):
    """A tmpfs takes no option of these names as data but a few; so none of them has got there."""
    for option in sorted(set(mount_options.KNOWN) - WITHOUT):
        config["mounts"].append(
            {"destination": f"/new-{option}", "type": "tmpfs", "options": [option]}
        )
    for option in sorted(NEEDS_BINDS):
        config["mounts"].append(
            {"destination": f"/{option}", "source": str(source), "options": ["rbind", option]}
        )

    result = runtime("create", "-b", str(reachable()), runtime.new_id())

    assert result.ok, result.stderr
    assert not result.stderr


# option: (what mountinfo then says of the mount, what it no longer says)
SHOWN_AS = {
    "ro": ("ro", "rw"), "nosuid": ("nosuid", ""), "nodev": ("nodev", ""), "noexec": ("noexec", ""),
    "noatime": ("noatime", "relatime"), "nodiratime": ("nodiratime", ""),
    "strictatime": ("", "relatime"), "nosymfollow": ("nosymfollow", ""),
}  # fmt: skip
OPPOSITE = {
    "rw": "ro", "suid": "nosuid", "dev": "nodev", "exec": "noexec", "atime": "noatime",
    "diratime": "nodiratime", "relatime": "noatime", "symfollow": "nosymfollow",
}  # fmt: skip


@pytest.mark.parametrize("option", SHOWN_AS)
def test_flags_of_a_new_filesystem_and_of_a_bind_mount(mounted, config, source, option):
    config["mounts"].append(
        {"destination": "/bind", "source": str(source), "options": ["bind", option]}
    )
    root = mounted(type="tmpfs", options=[option])

    for mount_point in ("/data", "/bind"):
        said = set(line_of(root, mount_point)[5].split(",")) | {""}
        there, gone = SHOWN_AS[option]
        assert there in said
        assert not gone or gone not in said


@pytest.mark.parametrize("option", SHOWN_AS)
@pytest.mark.parametrize("recursive", [True, False])
def test_only_recursive_options_reach_the_mounts_below(bound, source, view, option, recursive):
    view(f"mount -t tmpfs x {source}/below")
    there, gone = SHOWN_AS[option]

    root = bound("rbind", f"r{option}" if recursive else option)

    top, below = (set(line_of(root, point)[5].split(",")) for point in ("/data", "/data/below"))
    for said, changed in ((top, True), (below, recursive)):
        assert (there in said) == changed if there else (gone not in said) == changed


@pytest.mark.parametrize("option", OPPOSITE)
def test_recursive_options_take_back_what_is_below(bound, source, view, option):
    view(f"mount -t tmpfs -o {OPPOSITE[option]} x {source}/below")

    root = bound("rbind", f"r{option}")

    assert OPPOSITE[option] not in line_of(root, "/data/below")[5].split(",")


PROPAGATION = {
    "private": ("", ""), "rprivate": ("", ""), "shared": ("shared:", ""),
    "rshared": ("shared:", "shared:"), "slave": ("master:", "master:"),
    "rslave": ("master:", "master:"), "unbindable": ("unbindable", "master:"),
    "runbindable": ("unbindable", "unbindable"),
}  # fmt: skip


@pytest.mark.parametrize("option", PROPAGATION)
def test_propagation(bound, source, view, option):
    """Of a shared source, whose copy is a slave to it, but for what is to make it shared."""
    is_shared = "shared" in option
    kind = "private" if is_shared or "private" in option else "shared"
    view(
        f"mount --bind {source} {source} && mount -t tmpfs x {source}/below && "
        f"mount --make-r{kind} {source}"
    )

    root = bound("rbind", option)

    for mount_point, expected in zip(("/data", "/data/below"), PROPAGATION[option], strict=True):
        fields = line_of(root, mount_point)[6:]
        said = " ".join(fields[: fields.index("-")])
        assert said.startswith(expected) if expected else not said


def test_private_takes_a_mount_out_of_its_group(bound, source, view):
    view(
        f"mount --bind {source} {source} && mount -t tmpfs x {source}/below && "
        f"mount --make-rshared {source}"
    )

    root = bound("rbind", "rslave", "private")

    assert line_of(root, "/data")[6] == "-"
    assert line_of(root, "/data/below")[6].startswith("master:")
