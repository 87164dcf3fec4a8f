"""A template renders what it was given, is checked, and is spoilt in one way only."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import configuration
from harness.configuration import merge, render, spoil
from harness.faults import TemplateError

TEMPLATES = sorted(path.name.partition(".")[0] for path in configuration.TEMPLATES.iterdir())

# What the harness itself gives each template.
GIVEN: dict[str, Any] = {"oci_version": "1.0.0", "name": "case-1", "nonce": "abc", "hooks": {}}

SPECIAL = [
    '"',
    "\\",
    "'",
    "\n\t\r",
    "{{ x }}",
    "{% raw %}",
    "<&>",
    "é\u2028\U0001f4a9",
    "\\u0041",
    "",
]
TEXTS = st.sampled_from(SPECIAL) | st.text(max_size=8)


@pytest.fixture
def template(tmp_path, monkeypatch):
    """Write templates of the test's own; they may extend one another."""
    monkeypatch.setattr(configuration, "TEMPLATES", tmp_path)
    configuration.environment.cache_clear()

    def write(text: str, name: str = "own") -> str:
        (tmp_path / f"{name}.json.j2").write_text(text, encoding="utf-8")
        return name

    yield write
    configuration.environment.cache_clear()


def refused(name: str, **values: Any) -> str:
    with pytest.raises(TemplateError) as caught:
        render(name, values)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


# Templates


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_renders_with_its_default_values(name):
    document = render(name, GIVEN)

    program = document["process"]
    script = [*program["args"], *" ".join(program.get("env", [])).replace("\n", " ").split()]
    assert program["args"][0] == "/probe"
    assert any(word.endswith("nonce=abc") for word in script)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_says_first_what_it_is(name):
    text = (configuration.TEMPLATES / f"{name}.json.j2").read_text(encoding="utf-8")

    assert text.startswith("{# ")
    assert text.partition("#}")[0].rstrip().endswith(".")


@settings(deadline=None, database=None, max_examples=60)
@given(st.lists(TEXTS, min_size=1, max_size=3), TEXTS, st.dictionaries(TEXTS.filter(bool), TEXTS))
def test_values_reach_the_configuration_as_they_are(words, text, annotations):
    values = {"program": words, "env": words, "hostname": text, "annotations": annotations}

    document = render("base", GIVEN | values)

    assert document["process"]["args"][2:] == words
    assert document["process"]["env"] == words
    assert (document.get("hostname", ""), document["annotations"]) == (text, annotations)


def test_values_reach_the_bytes_as_they_are():
    raw = spoil(render("base", GIVEN | {"env": SPECIAL}), None)

    assert json.loads(raw)["process"]["env"] == SPECIAL
    assert "é\u2028\U0001f4a9".encode() in raw


def test_bytes_that_are_no_utf_8_survive_in_a_value():
    assert b'"\xff"' in spoil({"hostname": "\udcff"}, None)


# What is wrong with a template is one line that names it


def test_an_unknown_variable_names_the_template(template):
    said = refused(template('{"ociVersion": {{ oci_vrsion | tojson }}}'), oci_version="1.0.0")

    assert said == "bundle_templates/own.json.j2: 'oci_vrsion' is undefined"


def test_a_template_that_is_not_there_is_named(template):
    assert "bundle_templates/nowhere.json.j2" in refused("nowhere")
    assert "bundle_templates/lost.json.j2" in refused(template('{% extends "lost.json.j2" %}'))


@pytest.mark.parametrize("text", ["{% if %}", "{{", "{% block a %}", "{{ 1 | nofilter }}"])
def test_a_syntax_error_names_the_template(template, text):
    assert refused(template(text)).startswith("bundle_templates/own.json.j2: ")


@pytest.mark.parametrize("text", ["{{ 1 / 0 }}", "{{ none.x() }}", "{{ 1 | tojson(2) }}"])
def test_an_expression_that_fails_names_the_template(template, text):
    assert refused(template(text)).startswith("bundle_templates/own.json.j2: ")


@pytest.mark.parametrize("text", ["", "{", "{},", '{"a": 1,}', "[" * 100_000])
def test_what_is_no_json_names_the_template(template, text):
    assert refused(template(text)).startswith("bundle_templates/own.json.j2: renders no JSON")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[]", "$"),
        ('{"ociVersion": "1.0.0"}', "$"),
        ('{"ociVersion": "1", "root": {"path": "x"}}', "$.ociVersion"),
    ],
)
def test_what_is_no_configuration_names_the_template_and_the_place(template, text, place):
    prefix = f"bundle_templates/own.json.j2: renders no configuration: {place}: "

    assert refused(template(text)).startswith(prefix)


# Offences


def test_an_offence_comes_after_the_check():
    assert json.loads(spoil(render("base", GIVEN), {"ociVersion": 1}))["ociVersion"] == 1


def test_an_offence_may_be_the_bytes_themselves():
    assert spoil({"a": 1}, b"\xff{") == b"\xff{"


def test_an_offence_may_be_a_function():
    assert json.loads(spoil({"a": [1]}, lambda document: document["a"].append(2))) == {"a": [1, 2]}


# RFC 7396. Its appendix has the examples with an object as target and patch.

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXTS, below, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)
property_ = settings(deadline=None, database=None)


@pytest.mark.parametrize(
    ("document", "patch", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": 1}, {"a": {"b": None, "c": 2}}, {"a": {"c": 2}}),
    ],
)
def test_merge_does_what_the_rfc_shows(document, patch, merged):
    assert merge(document, patch) == merged


@property_
@given(OBJECTS)
def test_an_empty_patch_changes_nothing(document):
    assert merge(document, {}) == document


@property_
@given(OBJECTS, OBJECTS)
def test_a_patch_once_applied_changes_nothing_more(document, patch):
    once = merge(document, patch)

    assert merge(once, patch) == once


@property_
@given(OBJECTS, OBJECTS)
def test_a_member_is_kept_removed_replaced_or_merged(document, patch):
    merged = merge(document, patch)

    for name in document.keys() | patch.keys():
        if name not in patch:
            assert merged[name] == document[name]
        elif patch[name] is None:
            assert name not in merged
        elif not isinstance(patch[name], dict):
            assert merged[name] == patch[name]
        elif isinstance(document.get(name), dict):
            assert merged[name] == merge(document[name], patch[name])
        else:
            assert merged[name] == merge({}, patch[name])


@property_
@given(OBJECTS, OBJECTS)
def test_neither_the_document_nor_the_patch_is_changed(document, patch):
    before = copy.deepcopy((document, patch))

    merge(document, patch)

    assert (document, patch) == before
