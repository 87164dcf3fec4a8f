"""Symbolic links that lead out of the root filesystem, and races on them: nothing is touched.

A link is meant as it is inside the container: absolute ones begin at the container's root.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

RENAME_EXCHANGE, AT_FDCWD = 2, -100
DEVICE = {"type": "c", "major": 1, "minor": 3}


class Outside:
    """A directory of the host's to which links of the root filesystem lead."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "sub").mkdir(parents=True)
        (path / "file").write_text("outside")
        (path / "null").write_text("no device")
        self.before = self.snapshot()

    def snapshot(self) -> list[Any]:
        found: list[Any] = []
        for path in sorted([self.path, *self.path.rglob("*")]):
            info = path.lstat()
            content = path.read_text() if path.is_file() else ""
            numbers = info.st_mode, info.st_uid, info.st_nlink, info.st_ino, info.st_ctime_ns
            found.append((str(path), content, *numbers))
        return found

    @property
    def is_untouched(self) -> bool:
        return self.snapshot() == self.before


@pytest.fixture
def outside(tmp_path):
    return Outside(tmp_path / "outside")


@pytest.fixture
def rootfs(config, make_bundle, tmp_path, outside):
    """A root filesystem with a link out of it; the same path may be there inside as well."""
    make_bundle(config)
    rootfs = tmp_path / "bundle/rootfs"
    (rootfs / "absolute").symlink_to(outside.path)
    (rootfs / "relative").symlink_to("../" * 20 + str(outside.path).lstrip("/"))
    return rootfs


@pytest.fixture
def attempt(runtime, config, outside, tmp_path):
    """Create a container; return why not, and the mounts before and after pivot_root."""
    (tmp_path / "shared").mkdir()

    def create() -> tuple[str, list[str], list[str]]:
        script = f"cat /proc/self/mountinfo > {tmp_path}/shared/mounts"
        hook = {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/bin"]}
        config["hooks"] = {"createContainer": [hook]}
        (tmp_path / "bundle/config.json").write_text(json.dumps(config))
        identifier = runtime.new_id()
        host = own_mounts(tmp_path)
        result = runtime("create", "-b", str(tmp_path / "bundle"), identifier)
        assert own_mounts(tmp_path) == host
        assert outside.is_untouched
        if not result.ok:
            assert len(result.stderr.splitlines()) == 1, result.stderr
            return result.stderr, [], []
        seen = mount_points((tmp_path / "shared/mounts").read_text())
        assert not [point for point in seen if point.startswith(str(outside.path))]
        pid = runtime.state(identifier)["pid"]
        return "", seen, mount_points(Path(f"/proc/{pid}/mountinfo").read_text())

    return create


def own_mounts(directory: Path) -> list[str]:
    """The mounts of the host, but those that other tests have meanwhile in their directories."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    tests = str(directory.parents[1])
    return [line for line in lines if str(directory) in line or tests not in line]


def mount_points(mountinfo: str) -> list[str]:
    return [line.split()[4] for line in mountinfo.splitlines()]


def add(key: str, value: Any) -> Any:
    return lambda config: config["linux"].setdefault(key, []).append(value)


def mount(destination: str, **entry: Any) -> Any:
    return lambda config: config["mounts"].append({"destination": destination, **entry})


def bind(destination: str, source: str) -> Any:
    return mount(destination, source=source, options=["bind"])


# what is asked for below a link: (how, what is then mounted there or made there)
REQUESTS = {
    "a tmpfs": (mount("/LINK/new", type="tmpfs"), "new"),
    "a tmpfs on what is there": (mount("/LINK/sub", type="tmpfs"), "sub"),
    "a tmpfs on the link": (mount("/LINK", type="tmpfs"), ""),
    "a tmpfs with a copy": (mount("/LINK/sub", type="tmpfs", options=["tmpcopyup"]), "sub"),
    "a bind mount": (bind("/LINK/new", "/usr"), "new"),
    "a bind mount of a file": (bind("/LINK/new", "/dev/null"), "new"),
    "a bind mount on a file": (bind("/LINK/file", "/dev/null"), "file"),
    "a mapped bind mount": (
        mount("/LINK/new", source="/usr", options=["bind", "idmap"],
              uidMappings=[{"containerID": 0, "hostID": 5, "size": 1}],
              gidMappings=[{"containerID": 0, "hostID": 5, "size": 1}]), "new"),
    "cgroups": (mount("/LINK/sub", type="cgroup"), "sub"),
    "a device": (add("devices", {"path": "/LINK/new", **DEVICE}), "new"),
    "a device below": (add("devices", {"path": "/LINK/a/b/new", **DEVICE}), "a/b/new"),
    "a masked directory": (add("maskedPaths", "/LINK/sub"), "sub"),
    "a masked file": (add("maskedPaths", "/LINK/file"), "file"),
    "a read-only path": (add("readonlyPaths", "/LINK/sub"), "sub"),
    "the working directory": (lambda c: c["process"].update(cwd="/LINK/new"), "new"),
}  # fmt: skip
ON_THE_LINK = {"a tmpfs on the link"}


def with_link(value: Any, name: str) -> Any:
    """Put the name of the link into every text."""
    if isinstance(value, dict):
        return {key: with_link(item, name) for key, item in value.items()}
    if isinstance(value, list):
        return [with_link(item, name) for item in value]
    return value.replace("LINK", name) if isinstance(value, str) else value


@pytest.mark.parametrize("link", ["absolute", "relative"])
@pytest.mark.parametrize("request_", REQUESTS)
def test_a_link_leads_to_where_it_leads_inside(config, rootfs, outside, attempt, link, request_):
    inside = rootfs / str(outside.path).lstrip("/")
    (inside / "sub").mkdir(parents=True)
    (inside / "file").write_text("inside")
    change, made = REQUESTS[request_]
    change(config)
    changed = with_link(config, link)
    config.clear()
    config.update(changed)

    error, _, mounts = attempt()

    assert not error
    place = os.path.normpath(f"{outside.path}/{made}")
    assert place in mounts or (inside / made).lstat()
    if made in {"sub", "file", ""} and request_ != "the working directory":
        assert place in mounts


@pytest.mark.parametrize("link", ["absolute", "relative"])
@pytest.mark.parametrize("request_", REQUESTS)
def test_a_link_that_leads_nowhere_inside_makes_nothing_outside(
    config, rootfs, attempt, link, request_
):
    REQUESTS[request_][0](config)
    changed = with_link(config, link)
    config.clear()
    config.update(changed)

    error, _, _ = attempt()

    is_optional = {"maskedPaths", "readonlyPaths"} & config["linux"].keys()
    assert bool(error) != bool(is_optional)
    assert (rootfs / link).is_symlink()


@pytest.mark.parametrize("name", ["dev", "proc"])
def test_a_directory_of_every_container_that_is_a_link(rootfs, outside, attempt, name):
    (rootfs / name).symlink_to(outside.path)

    error, _, _ = attempt()

    assert f"mounts[{['proc', 'dev'].index(name)}] (/{name}): no such file" in error


@pytest.mark.parametrize("target", ["null", "no-such"])
def test_a_device_is_not_made_at_the_end_of_a_link(config, rootfs, outside, attempt, target):
    del config["mounts"][1]
    (rootfs / "dev").mkdir()
    (rootfs / "dev/null").symlink_to(outside.path / target)

    error, _, _ = attempt()

    assert "the default device /dev/null: a file that is not this device exists" in error


def test_a_link_to_itself(config, rootfs, attempt):
    (rootfs / "loop").symlink_to("loop")
    config["linux"]["maskedPaths"] = ["/loop"]

    error, _, _ = attempt()

    assert "linux.maskedPaths[0]: too many levels of symbolic links" in error


def test_magic_links_of_proc_lead_nowhere(config, rootfs, attempt):
    """In the runtime's mount namespace they lead out of every root."""
    (rootfs / "magic").symlink_to("/proc/self/root")
    config["mounts"].append({"destination": "/magic/tmp/planted", "type": "tmpfs"})

    error, _, _ = attempt()

    assert "mounts[2] (/magic/tmp/planted): " in error
    assert not Path("/tmp/planted").exists()  # noqa: S108 (it is to be none)


def test_dots_do_not_lead_out(config, rootfs, attempt, outside):
    config["mounts"].append({"destination": "/../../../../planted", "type": "tmpfs"})
    config["linux"]["devices"] = [{"path": "/../../planted-device", **DEVICE}]
    config["linux"]["maskedPaths"] = [f"/{'../' * 30}{outside.path}/file"]

    error, _, after = attempt()

    assert not error
    assert "/planted" in after
    assert (rootfs / "planted-device").is_char_device()


def test_the_pid_file_replaces_a_link(runtime, rootfs, outside, tmp_path):
    (tmp_path / "pid").symlink_to(outside.path / "file")
    bundle = rootfs.parent

    identifier = runtime.create(bundle, "--pid-file", str(tmp_path / "pid"))

    assert (tmp_path / "pid").read_text() == str(runtime.state(identifier)["pid"])
    assert not (tmp_path / "pid").is_symlink()
    assert outside.is_untouched


def test_a_configuration_that_is_a_link_is_not_shown(runtime, rootfs, tmp_path):
    (tmp_path / "secret").write_text("{secret words")
    (rootfs.parent / "config.json").unlink()
    (rootfs.parent / "config.json").symlink_to(tmp_path / "secret")

    result = runtime("create", "-b", str(rootfs.parent), runtime.new_id())

    assert result.status == 1
    assert "secret words" not in result.stderr


class Swapper(threading.Thread):
    """Exchange two names again and again: in bursts, which lookups meet, and with pauses."""

    def __init__(self, first: Path, second: Path) -> None:
        super().__init__(daemon=True)
        self.names = os.fsencode(first), os.fsencode(second)
        self.ends = threading.Event()
        self.libc = ctypes.CDLL(None, use_errno=True)

    def run(self) -> None:
        first, second = self.names
        pauses = itertools.cycle([0, 0, 0, 0.0001, 0, 0, 0.001, 0, 0, 0, 0, 0.003])
        while not self.ends.wait(next(pauses)):
            self.libc.renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE)

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self.ends.set()
        self.join()


def hostile(config, number):
    """Let everything that a runtime makes in the root lie behind the name that is swapped."""
    kinds: dict[str, dict[str, Any]] = {
        "t": {"type": "tmpfs"},
        "b": {"source": "/dev/null", "options": ["bind"]},
        "u": {"type": "tmpfs", "options": ["tmpcopyup"]},
    }
    config["mounts"] = config["mounts"][: -6 * len(kinds) if number else None] + [
        {"destination": f"/swap/{kind}{number}-{index}/x", **entry}
        for index in range(6)
        for kind, entry in kinds.items()
    ]
    paths = [f"/swap/d{number}-{index}/x" for index in range(6)]
    config["linux"] |= {
        "devices": [{"path": path, **DEVICE} for path in paths],
        "maskedPaths": ["/swap/sub", "/swap/file"] * 3,
        "readonlyPaths": ["/swap/sub"] * 3,
        "cgroupsPath": f"{config['linux']['cgroupsPath']}{number}",
    }
    config["process"]["cwd"] = f"/swap/c{number}"


def raced(one, other):
    """Whether both places were met; few attempts come as far as the working directory."""
    return one & other >= set("tbud") and one | other >= set("tbudc")


def test_a_race_of_a_link_and_a_directory(config, rootfs, outside, attempt):
    """What has to be made is made in the one or the other of two places inside the root."""
    inside = rootfs / str(outside.path).lstrip("/")
    (rootfs / "swap/sub").mkdir(parents=True)
    (rootfs / "swap/file").touch()
    (inside / "sub").mkdir(parents=True)
    (inside / "file").touch()
    there = (rootfs / "swap", inside)
    places = [Path("/proc/self/fd", str(os.open(place, os.O_RDONLY))) for place in there]
    outcomes = []
    with Swapper(rootfs / "swap", rootfs / "absolute"):
        for number in range(300):  # 25, and on until each kind was met in both places
            hostile(config, number)
            outcomes.append(attempt())
            made = [{path.name[0] for path in place.iterdir()} for place in places]
            if number >= 24 and raced(*made):
                break

    assert raced(*made), made
    assert any(not error for error, _, _ in outcomes)
