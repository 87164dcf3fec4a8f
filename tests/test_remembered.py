"""What is kept between processes is given back for the same text only."""

from __future__ import annotations

import pytest

from harness import remembered


@pytest.fixture
def seen(tmp_path, monkeypatch):
    """The texts that were really parsed, with a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return []


def parse(text, seen):
    """Parse through the cache."""

    def parsing(text):
        seen.append(text)
        return {"text": text}

    return remembered.parsed("name", text, parsing)


def test_a_text_is_parsed_once(seen):
    found = [parse("a", seen) for _ in range(2)]

    assert (found, seen) == ([{"text": "a"}] * 2, ["a"])


def test_a_text_that_has_changed_is_parsed_again(seen):
    parse("a", seen)

    assert parse("b", seen) == {"text": "b"}
    assert seen == ["a", "b"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff"])
def test_a_broken_cache_only_costs_time(content, tmp_path, seen):
    parse("a", seen)
    (tmp_path / "oci-conformance" / "parsed" / "name.json").write_bytes(content)

    assert parse("a", seen) == {"text": "a"}
    assert seen == ["a", "a"]


def test_no_cache_only_costs_time(tmp_path, seen):
    (tmp_path / "oci-conformance").write_text("a file where the directory would be")

    assert parse("a", seen) == {"text": "a"}
