"""The state of a container: read strictly, and held against our schema of it."""

import json

import pytest

from harness import schemas, state
from harness.state import Status

SAMPLE = {
    "ociVersion": "1.3.0",
    "id": "c1",
    "status": "running",
    "pid": 4422,
    "bundle": "/containers/c1",
    "annotations": {"org.example.key": "value"},
}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "Expecting value"),
        ("ID  PID  STATUS\nc1  12  running", "Expecting value"),
        ("{} {}", "Extra data"),
        ('{"id": "c1"', "Expecting ',' delimiter"),
        ("[]", "a JSON list, not an object"),
        ("null", "a JSON NoneType, not an object"),
        ('"running"', "a JSON str, not an object"),
        ('{"pid": NaN}', "NaN is no JSON"),
        ('{"pid": Infinity}', "Infinity is no JSON"),
        ('{"pid": -Infinity}', "-Infinity is no JSON"),
        ('{"id": "c1", "id": "c1"}', "a name is given twice"),
        ('{"annotations": {"a": "1", "a": "2"}}', "a name is given twice"),
        ('{"id": "a\nb"}', "Invalid control character"),
        ('{"pid": ' + "9" * 5000 + "}", "Exceeds the limit"),
    ],
)
def test_parse_refuses_what_is_no_object_of_json(text, problem):
    with pytest.raises(ValueError, match=problem):
        state.parse(text)


def test_parse_refuses_deep_nesting():
    """A caller has to expect this beside ValueError: the parser's stack is Python's."""
    with pytest.raises(RecursionError):
        state.parse('{"a":' * 100_000 + "1" + "}" * 100_000)


def test_parse_keeps_the_document_as_it_was_given():
    """Members of a runtime's own and large integers are kept, none is converted."""
    document = {**SAMPLE, "pid": 2**70, "owner": None, "deep": {"list": [1, 2.5]}}

    assert state.parse(json.dumps(document)).document == document


def test_attributes_of_a_whole_state():
    found = state.State(SAMPLE)

    assert (found.oci_version, found.id, found.bundle) == ("1.3.0", "c1", "/containers/c1")
    assert (found.status, found.pid) == (Status.RUNNING, 4422)
    assert found.annotations == {"org.example.key": "value"}


def test_attributes_of_an_empty_state():
    found = state.State({})

    assert (found.oci_version, found.id, found.bundle, found.status) == ("", "", "", "")
    assert (found.pid, found.annotations, found.defined) == (None, {}, {})


@pytest.mark.parametrize("pid", [0, -1, True, 1.0, "12", None, [12], {}])
def test_pid_is_none_unless_a_positive_integer(pid):
    assert state.State({"pid": pid}).pid is None


@pytest.mark.parametrize("name", ["ociVersion", "id", "status", "bundle"])
@pytest.mark.parametrize("value", [None, 1, True, ["c1"], {"c1": "c1"}])
def test_strings_are_empty_where_another_type_stands(name, value):
    found = state.State({name: value})

    assert (found.oci_version, found.id, found.status, found.bundle) == ("", "", "", "")


@pytest.mark.parametrize("annotations", [None, [], ["a"], "a", 1])
def test_annotations_are_empty_where_another_type_stands(annotations):
    assert state.State({"annotations": annotations}).annotations == {}


def test_defined_leaves_out_members_of_the_runtime():
    """What the specification defines may not change by itself; the rest may vary."""
    assert state.State({**SAMPLE, "created": "2026-01-02", "owner": ""}).defined == SAMPLE


@pytest.mark.parametrize("status", [*Status])
def test_schema_accepts_every_defined_status(status):
    assert schemas.problem("state", {**SAMPLE, "status": status}) == ""


def test_schema_accepts_a_state_without_what_is_optional():
    document = {name: SAMPLE[name] for name in ("ociVersion", "id", "status", "bundle")}

    assert schemas.problem("state", {**document, "status": "creating"}) == ""


def test_schema_accepts_additional_members_and_pid_zero():
    assert schemas.problem("state", {**SAMPLE, "pid": 0, "owner": None, "annotations": {}}) == ""


@pytest.mark.parametrize("name", ["ociVersion", "id", "status", "bundle"])
def test_schema_names_a_required_member_that_is_missing(name):
    document = {key: value for key, value in SAMPLE.items() if key != name}

    assert schemas.problem("state", document) == f"$: '{name}' is a required property"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"status": "starting"}, "$.status"),
        ({"status": ""}, "$.status"),
        ({"pid": "4422"}, "$.pid"),
        ({"pid": -1}, "$.pid"),
        ({"pid": 1.5}, "$.pid"),
        ({"pid": True}, "$.pid"),
        ({"pid": None}, "$.pid"),
        ({"id": 1}, "$.id"),
        ({"ociVersion": 1.0}, "$.ociVersion"),
        ({"bundle": None}, "$.bundle"),
        ({"annotations": None}, "$.annotations"),
        ({"annotations": ["a"]}, "$.annotations"),
        ({"annotations": {"key": 1}}, "$.annotations.key"),
    ],
)
def test_schema_names_the_member_that_is_wrong(change, path):
    assert schemas.problem("state", {**SAMPLE, **change}).partition(": ")[0] == path


@pytest.mark.parametrize("document", [[], None, "running", 1])
def test_schema_refuses_what_is_no_object(document):
    assert "is not of type 'object'" in schemas.problem("state", document)


def test_pattern_of_older_releases_has_types_but_no_list_of_statuses():
    """Releases before 1.1.0 printed a sample and named no schema."""
    assert schemas.problem("state-pattern", {"status": "starting", "pid": -1}) == ""
    assert schemas.problem("state-pattern", {"pid": "4422"}).startswith("$.pid: ")
    assert schemas.problem("state-pattern", {"annotations": []}).startswith("$.annotations: ")
