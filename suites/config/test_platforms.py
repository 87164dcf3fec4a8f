"""Platform-specific configuration."""

import pytest

from harness import clause, control, disposable, tolerates_an_error

OTHERS = {
    "freebsd": {"jail": {"parent": "conformance"}},
    "solaris": {"milestone": "svc:/milestone/container:default", "limitpriv": "default"},
    "vm": {"kernel": {"path": "/nowhere/vmlinuz"}},
    "windows": {"layerFolders": ["C:\\layer"]},
    "zos": {"namespaces": [{"type": "pid"}]},
}


@clause("config.linux.optional")
def test_may_do_without_linux(create, record):
    with control():
        create("waits").start().printed("ready")
    bare = {"linux": None, "hostname": None}

    with tolerates_an_error() as outcome:
        disposable.in_new_mounts(lambda: create("waits", offence=bare))

    record("without linux", "an error" if outcome.refused else "success")


@clause("config.other-platforms-ignored")
@pytest.mark.parametrize("platform", OTHERS)
def test_may_ignore_the_sections_of_other_platforms(create, shared, record, platform):
    with control():
        shared("waits").printed("ready")

    with tolerates_an_error() as outcome:
        create("waits", offence={platform: OTHERS[platform]}).start().printed("ready")

    record(platform, "an error" if outcome.refused else "success")
