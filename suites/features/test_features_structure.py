"""Features structure: its form, versions, hooks, platforms and annotations."""

import pytest

from harness import KINDS, Hook, clause, linux, schemas, tolerates_an_error
from harness.features import SEMVER, defined, precedence

OPTIONAL = ["hooks", "mountOptions", "linux", "annotations", "potentiallyUnsafeConfigAnnotations"]

READING = {"CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"}
"""To execute a runtime wherever it lies."""

CALLERS = {
    "unprivileged": {"lacks": [name for name in linux.CAPABILITIES if name not in READING]},
    "without-sys": {"sees_no": ["/sys"]},
}

ENDS = pytest.mark.parametrize("end", ["min", "max"])


def steady(features):
    """Return a structure without what may depend on the libraries that the runtime finds."""
    document = {**features.document, "annotations": None}
    seccomp = {**(features.get("linux.seccomp") or {}), "supportedFlags": None}
    return {**document, "linux": {**(features.get("linux") or {}), "seccomp": seccomp}}


@clause("features.provided")
def test_may_say_what_it_implements(shared, offered, record):
    shared("waits").printed("ready")

    record("features", offered is not None)


@clause("features.json-object")
def test_prints_one_json_object_of_the_right_types(features):
    assert schemas.problem("features", features.document) == ""


@clause("features.compile-time")
@pytest.mark.parametrize("caller_", CALLERS.values(), ids=CALLERS)
def test_says_the_same_to_everybody(features, features_of, caller_):
    assert steady(features_of(**caller_)) == steady(features)


@clause("features.optional-null")
def test_may_say_nothing_of_what_is_optional(features, record):
    record("says nothing of", [name for name in OPTIONAL if features.get(name) is None])


@clause("features.version-{end}.present")
@ENDS
def test_names_the_oldest_and_the_newest_release(features, end):
    version = features.get(f"ociVersion{end.capitalize()}")

    assert SEMVER.fullmatch(version if isinstance(version, str) else "")


@clause("features.version-{end}.accepted")
@ENDS
def test_accepts_the_oldest_and_the_newest_release(features, create, end):
    version = features.said(f"ociVersion{end.capitalize()}")

    container = create("waits", offence={"ociVersion": version}).start().printed("ready")

    assert container.status() == "running"


@clause("features.version-max.not-below-min")
def test_names_no_newest_release_before_the_oldest(features):
    oldest, newest = features.said("ociVersionMin"), features.said("ociVersionMax")

    assert precedence(newest) >= precedence(oldest)


@clause("features.no-undefined-properties")
def test_has_no_property_that_its_newest_release_does_not_define(features):
    newest = features.said("ociVersionMax")

    assert features.properties - defined(newest) == set()


@clause("features.hooks.supported")
@pytest.mark.parametrize("kind", KINDS)
def test_calls_hooks_of_each_kind_that_it_lists(features, lifecycle, kind):
    features.claimed("hooks", kind)

    assert lifecycle(hooks={kind: [Hook()]}).ran == [f"{kind} 1"]


@clause("features.hooks.names")
def test_lists_kinds_of_hooks_by_their_names(features):
    assert set(features.said("hooks")) <= set(KINDS)


@clause("features.hooks.complete")
def test_may_call_hooks_that_it_does_not_list(features, bundle, attempt, record):
    hooks = {kind: [Hook()] for kind in KINDS}
    made = bundle("waits", hooks=hooks)

    attempt(made)

    listed = features.said("hooks")
    record("not listed", sorted({label.split()[0] for label in made.ran} - set(listed)))


@clause("features.linux.optional")
def test_may_have_a_section_for_linux(features, record):
    record("linux", features.get("linux") is not None)


@clause("features.annotations.map")
def test_annotates_with_strings(features):
    annotations = features.said("annotations")

    assert all(key and isinstance(value, str) for key, value in annotations.items())


@clause("features.annotations.arbitrary")
def test_may_annotate_with_anything(features, record):
    record("annotations", features.said("annotations"))


@clause("features.potentially-unsafe-annotations.listed")
def test_may_know_annotations_that_change_what_it_does(features, create, record):
    unsafe = features.said("potentiallyUnsafeConfigAnnotations")
    keys = [f"{name}conformance" if name.endswith(".") else name for name in unsafe]

    with tolerates_an_error() as outcome:
        create("waits", annotations=dict.fromkeys(keys, "conformance")).start().printed("ready")

    record("potentially unsafe", unsafe)
    record("with all of them", "an error" if outcome.refused else "success")
