"""The features structure: what is read of it, and what a case may rely on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.faults import NotClaimed
from harness.features import SEMVER, SINCE, Features, defined, precedence

IN_ORDER = [
    "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11",
    "1.0.0-rc.1", "1.0.0", "1.0.2-dev", "1.0.2", "1.2.0", "1.10.0",
]  # fmt: skip

SAID: dict[str, Any] = {
    "ociVersionMin": "1.0.0",
    "ociVersionMax": "1.1.0",
    "hooks": [],
    "mountOptions": None,
    "linux": {"cgroup": {"v1": True, "v2": False, "rdma": None}, "namespaces": ["pid", "net"]},
    "annotations": {"a.b": "c"},
}


@pytest.fixture
def features() -> Features:
    return Features.parse(json.dumps(SAID))


def test_versions_are_in_the_order_of_semver():
    assert sorted(set(IN_ORDER), key=precedence) == IN_ORDER


def test_a_build_does_not_count():
    assert precedence("1.0.0+a") == precedence("1.0.0+b.2")


@pytest.mark.parametrize("text", ["", "1.0", "v1.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0\n"])
def test_what_is_no_version(text):
    assert SEMVER.fullmatch(text) is None
    with pytest.raises(ValueError, match="no SemVer"):
        precedence(text)


@pytest.mark.parametrize("text", ["", "[]", "null", '{"a": 1} {}', '{"a": NaN}', "level=info {}"])
def test_anything_but_one_object_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - json has words of its own
        Features.parse(text)


def test_null_and_absent_say_nothing(features):
    for path in (
        "mountOptions",
        "linux.cgroup.rdma",
        "linux.cgroup.systemd",
        "linux.seccomp.enabled",
    ):
        with pytest.raises(NotClaimed):
            features.said(path)
        with pytest.raises(NotClaimed):
            features.denied(path)


def test_an_empty_list_and_false_say_something(features):
    assert features.said("hooks") == []
    features.denied("linux.cgroup.v2")
    with pytest.raises(NotClaimed):
        features.claimed("linux.cgroup.v2")


def test_what_is_true_or_listed_is_claimed(features):
    features.claimed("linux.cgroup.v1")
    features.claimed("linux.namespaces", "pid")
    with pytest.raises(NotClaimed):
        features.claimed("linux.namespaces", "user")
    with pytest.raises(NotClaimed):
        features.denied("linux.cgroup.v1")


def test_others_are_what_is_listed_beyond_what_is_known(features):
    assert features.others("linux.namespaces", ["pid"]) == ["net"]
    with pytest.raises(NotClaimed):
        features.others("linux.namespaces", ["pid", "net"])


def test_properties_leave_out_null_and_the_names_of_annotations(features):
    assert features.properties == {
        "ociVersionMin", "ociVersionMax", "hooks", "annotations", "linux", "linux.cgroup",
        "linux.cgroup.v1", "linux.cgroup.v2", "linux.namespaces",
    }  # fmt: skip


def test_a_release_defines_what_it_and_earlier_ones_brought():
    of_1_1, of_1_3 = defined("1.1.0"), defined("1.3.0")

    assert of_1_1 == set(SINCE["1.1.0"].split())
    assert "linux.mountExtensions" in defined("1.2.1") - of_1_1
    assert of_1_3 == {name for names in SINCE.values() for name in names.split()}


def test_what_is_no_plain_release_may_have_all():
    assert defined("1.1.0+dev") == defined("1.3.0")
