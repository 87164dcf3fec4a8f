"""AppArmor and SELinux: applied where the host has them, an error where it has not."""

from __future__ import annotations

from pathlib import Path

import pytest

from reference_runtime import creation, errors, lsm, validate

PROFILE = "reference-runtime-test"
BASE = {"ociVersion": "1.3.0", "root": {"path": "rootfs"}}


@pytest.mark.parametrize(
    ("path", "here"),
    [
        ("process.apparmorProfile", lsm.has_apparmor),
        ("process.selinuxLabel", lsm.has_selinux),
        ("linux.mountLabel", lsm.has_selinux),
    ],
)
def test_without_the_module_a_label_is_an_error(runtime, config, make_bundle, path, here):
    if here():
        pytest.skip("needs a host without the security module")
    group, name = path.split(".")
    config[group][name] = "a-label"

    result = runtime("create", "-b", str(make_bundle(config)), runtime.new_id())

    assert not result.ok
    assert f"{path}: " in result.stderr
    assert "is not enabled on this host" in result.stderr
    assert not runtime.root.exists()


def test_an_empty_label_asks_for_nothing(runtime, config, make_bundle):
    config["process"].update(apparmorProfile="", selinuxLabel="")
    config["linux"]["mountLabel"] = ""

    runtime.create(make_bundle(config))


@pytest.mark.skipif(not lsm.has_apparmor(), reason="needs AppArmor")
def test_an_unknown_profile_is_an_error_of_start(runtime, config, make_bundle):
    config["process"]["apparmorProfile"] = "no-such-profile"
    identifier = runtime.create(make_bundle(config))

    result = runtime("start", identifier)

    assert not result.ok
    assert "process.apparmorProfile (no-such-profile): " in result.stderr


@pytest.mark.skipif(not lsm.has_apparmor(), reason="needs AppArmor")
def test_the_profile_of_the_program(runtime, config, make_bundle):
    config["process"]["apparmorProfile"] = "unconfined"
    identifier = runtime.create(make_bundle(config))

    assert runtime("start", identifier).ok

    pid = runtime.state(identifier)["pid"]
    assert Path(f"/proc/{pid}/attr/current").read_text().strip() == "unconfined"


def test_labels_are_written_as_their_modules_read_them(tmp_path):
    made = creation.Creation(BASE, "/", 0)
    made.process = {"apparmorProfile": PROFILE, "selinuxLabel": "a:b:c:s0:c1,c2"}
    written = {}
    for name in made.process:
        file = (tmp_path / name).open("wb")
        made.attribute_fds[name] = file.fileno()
        written[name] = file

    lsm.SetAttributes().run(made)

    assert {name: (tmp_path / name).read_text() for name in written} == {
        "apparmorProfile": f"exec {PROFILE}",
        "selinuxLabel": "a:b:c:s0:c1,c2",
    }


@pytest.mark.parametrize(
    ("kind", "data", "found"),
    [
        ("tmpfs", "mode=755", 'mode=755,context="a:b:c1,c2"'),
        ("devpts", "", 'context="a:b:c1,c2"'),
        ("proc", "", ""),
        ("sysfs", "x", "x"),
    ],
)
def test_the_label_of_a_mount(kind, data, found):
    made = creation.Creation({**BASE, "linux": {"mountLabel": "a:b:c1,c2"}}, "/", 0)

    assert lsm.mount_data(made, kind, data) == found


def test_a_label_cannot_end_its_mount_option():
    with pytest.raises(errors.OperationError, match=r"^linux.mountLabel: "):
        validate.configuration({**BASE, "linux": {"mountLabel": 'x",mode="0'}})
