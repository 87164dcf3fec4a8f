"""Annotations."""

import signal

import pytest

from harness import clause, generates_an_error, tolerates_an_error

OBSERVED = ["cwd", "uts", "caps", "rlimits", "no_new_privs", "seccomp"]
IMAGE = "org.opencontainers.image."
# Key, a value that the image specification allows, one that it does not.
IMAGE_ANNOTATIONS = {
    "os": (IMAGE + "os", "linux", "no such system"),
    "os-version": (IMAGE + "os.version", "10.0.14393.1066", ""),
    "os-features": (IMAGE + "os.features", "win32k", "no such feature"),
    "architecture": (IMAGE + "architecture", "amd64", "no such machine"),
    "variant": (IMAGE + "variant", "v8", "no such variant"),
    "author": (IMAGE + "author", "Jane Doe <jane@example.org>", ""),
    "created": (IMAGE + "created", "2026-01-02T03:04:05Z", "yesterday"),
    "stop-signal": (IMAGE + "stopSignal", "SIGTERM", "SIGNOSUCH"),
}
UNKNOWN = {
    "random": "org.example.f3b1c7",
    "long": "org.example." + "k" * 1000,
    "unicode": "größe 😀",
}


@pytest.fixture
def annotated(create):
    """A started container with these annotations; what it reports of them."""

    def run(annotations):
        container = create("waits", annotations=annotations).start().printed("ready")
        return container.state().annotations

    return run


def annotations_with_null(config):
    """The offence of a value null, which a merge patch cannot write."""
    config["annotations"] = {"org.example.key": None}


@clause("config.annotations.arbitrary")
@pytest.mark.parametrize(
    "value",
    ["plain text", '{"a": [1, true, null]}', "two\nlines\t\x01"],
    ids=["text", "json", "control"],
)
def test_takes_arbitrary_metadata(create, value):
    plain = create("waits").start().printed("ready")

    other = create("waits", annotations={"org.example.key": value})
    facts = other.start().printed("ready").facts

    assert other.state().annotations["org.example.key"] == value
    assert [facts[name] for name in OBSERVED] == [plain.facts[name] for name in OBSERVED]


@clause("config.annotations.map")
@pytest.mark.parametrize(
    "annotations", [["org.example.key"], "org.example.key", 1], ids=["array", "string", "number"]
)
def test_refuses_annotations_that_are_no_map(create, annotated, annotations):
    annotated({"org.example.key": "value"})

    with generates_an_error():
        create("waits", offence={"annotations": annotations})


@clause("config.annotations.absent-or-empty")
@pytest.mark.parametrize("values", [{}, {"annotations": {}}], ids=["absent", "empty"])
def test_takes_no_annotations(create, values):
    container = create("waits", **values)

    assert container.start().printed("ready").facts["argv"][0] == "/probe"


@clause("config.annotations.keys-non-empty")
def test_may_refuse_an_empty_key(create, annotated, record):
    annotated({"org.example.key": "value"})
    seen = "an error"

    with tolerates_an_error():
        container = create("waits", offence={"annotations": {"": "value"}})
        seen = container.start().printed("ready").state().annotations

    record("annotations of the state", seen)


@clause("config.annotations.keys-reverse-domain")
def test_takes_a_key_without_dots(annotated, record):
    annotations = annotated({"key": "value"})

    record("annotations of the state", annotations)


@clause("config.annotations.org-opencontainers-reserved")
@clause("config.annotations.unknown-keys-ignored")
def test_ignores_unknown_keys_of_the_reserved_prefix(create):
    annotations = {"org.opencontainers.unknown": "value"}

    container = create("waits", annotations=annotations).start().printed("ready")

    assert "CONTAINER=1" in container.facts["env"]


@clause("config.annotations.image.{name}")
@pytest.mark.parametrize("value", ["valid", "invalid"])
@pytest.mark.parametrize("name", IMAGE_ANNOTATIONS)
def test_may_check_values_of_image_annotations(annotated, record, name, value):
    key, valid, invalid = IMAGE_ANNOTATIONS[name]
    annotated({"org.example.key": "value"})
    seen = "an error"

    with tolerates_an_error():
        seen = annotated({key: {"valid": valid, "invalid": invalid}[value]}).get(key, "absent")

    record(f"{value} value in the state", seen)


@clause("config.annotations.image.stop-signal.used-by-callers")
def test_kills_by_the_annotated_signal(create, runtime):
    annotations = {IMAGE + "stopSignal": "SIGUSR1"}
    container = create("reports_signals", annotations=annotations).start().printed("ready")

    # A runtime may demand a signal.
    with tolerates_an_error():
        runtime.kill(container.id, None)
    container.kill(signal.SIGUSR1)

    assert container.caught(1)[0] == signal.SIGUSR1


@clause("config.annotations.org-opencontainers.defined-keys")
def test_takes_the_defined_keys(annotated):
    given = {key: valid for key, valid, _ in IMAGE_ANNOTATIONS.values()}

    annotations = annotated(given)

    assert {key: annotations.get(key) for key in given} == given


@clause("config.annotations.unknown-keys-ignored")
@pytest.mark.parametrize("key", UNKNOWN.values(), ids=UNKNOWN)
def test_ignores_unknown_keys(create, key):
    plain = create("waits").start().printed("ready")

    container = create("waits", annotations={key: "value"}).start().printed("ready")

    assert sorted(container.facts["env"]) == sorted(plain.facts["env"])


@clause("config.annotations.values-strings")
@pytest.mark.parametrize("value", [5, True, {}, ["5"]], ids=["number", "boolean", "map", "array"])
def test_refuses_values_that_are_no_strings(create, annotated, value):
    annotated({"org.example.key": "5"})

    with generates_an_error():
        create("waits", offence={"annotations": {"org.example.key": value}})


@clause("config.annotations.values-strings.null")
def test_may_refuse_a_value_null(create, annotated, record):
    annotated({"org.example.key": "5"})
    seen = "an error"

    with tolerates_an_error():
        container = create("waits", offence=annotations_with_null)
        seen = container.start().printed("ready").state().document.get("annotations", "absent")

    record("annotations of the state", seen)


@clause("config.annotations.values-may-be-empty")
def test_takes_an_empty_value(annotated):
    annotations = annotated({"org.example.key": ""})

    assert annotations.get("org.example.key") == ""
