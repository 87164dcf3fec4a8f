"""Small functions on text, links and order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.results import Operation
from reports import text
from reports.pretty import pretty
from reports.specification import link, sections

if TYPE_CHECKING:
    from tests.reports.conftest import Runs


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain é ✓\n\t", "plain é ✓\n\t"),
        ("\x00\x1b\r\x7f", "␀␛␍␡"),
        ("\u202e\u2066\u200b\u2028\x85", "⟨U+202E⟩⟨U+2066⟩⟨U+200B⟩⟨U+2028⟩⟨U+0085⟩"),
        ("\ud800\U000e0001", "⟨U+D800⟩⟨U+E0001⟩"),
    ],
)
def test_visible(raw: str, shown: str) -> None:
    """What prints stays; what does not is shown by its picture or its number."""
    assert text.visible(raw) == shown


def test_clip_keeps_both_ends() -> None:
    """The start and the end of a long output are kept, with the number of what is missing."""
    assert text.clip("a" * 90 + "z" * 10, 40) == "a" * 30 + (
        " [… 60 characters left out …] " + "z" * 10
    )
    assert text.clip("short", 5) == "short"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0004, "0.4 ms"), (0.0123, "12 ms"), (3.21, "3.2 s"), (245, "4 min 5 s")],
)
def test_duration(seconds: float, shown: str) -> None:
    """Times have the unit that people use."""
    assert text.duration(seconds) == shown


@pytest.mark.parametrize(
    ("members", "shown"),
    [
        ({"exit_status": 3}, "exit 3"),
        ({"signal": 11}, "SIGSEGV"),
        ({"signal": 99}, "signal 99"),
        ({"fault": "RuntimeHung"}, "ended at the deadline"),
        ({}, "no exit status"),
    ],
)
def test_outcome(members: dict[str, int | str], shown: str) -> None:
    """An exit status, the name of a signal, or the deadline."""
    operation = Operation("kill", [], 0.0, 0.0, **members)  # type: ignore[arg-type]

    assert text.outcome(operation) == shown


def test_slug_is_stable_readable_and_unique() -> None:
    """A deep link of today leads to the same case tomorrow: this value never changes."""
    assert text.slug("runtime/test_kill.py::test_sends[TERM]") == "runtime-kill-sends-term-c772d8"
    assert text.slug("a[+]") != text.slug("a[-]")


@pytest.mark.parametrize(
    ("section", "since", "spec_version", "tag"),
    [
        ("runtime.md#kill", "1.0.0", "1.2.1", "v1.2.1/runtime.md#kill"),
        ("features.md#hooks", "1.1.0", "1.0.2", "v1.1.0/features.md#hooks"),
        ("runtime.md#kill", "1.0.0", "1.10.0", "v1.10.0/runtime.md#kill"),
        ("runtime.md#kill", "1.0.0", "1.0.0-rc.1", "v1.0.0/runtime.md#kill"),
        ("runtime.md#a b/../\ud800", "1.0.0", "../../evil", "v1.0.0/runtime.md#a%20b%2F..%2F%3F"),
    ],
)
def test_link(runs: Runs, section: str, since: str, spec_version: str, tag: str) -> None:
    """The run's tag, the clause's where newer; never a tag that is no release."""
    case = runs.case("a", section=section, since=since)

    assert link(case, spec_version) == f"https://github.com/opencontainers/runtime-spec/blob/{tag}"


@pytest.mark.parametrize("section", ["engine.md#podman", "javascript:alert(1)#x", ""])
def test_no_link_outside_the_specification(runs: Runs, section: str) -> None:
    """A section of no document of the specification has no link."""
    assert link(runs.case("a", section=section), "1.2.1") == ""


def test_sections_come_in_the_order_of_the_specification(runs: Runs) -> None:
    """Documents and their headings in order; headings that are not known as their cases come."""
    order = [
        "bundle.md#container-format",
        "runtime.md#scope-of-a-container",
        "runtime.md#query-state",
        "runtime.md#delete",
        "runtime.md#new",
        "config.md#root",
        "config.md#posix-platform-hooks",
        "config.md#annotations",
        "config-linux.md#namespaces",
        "config-linux.md#memory",
        "runtime-linux.md#file-descriptors",
        "features.md#hooks",
        "features-linux.md#cgroup",
        "engine.md#podman",
    ]
    mixed = sorted(order, key=lambda name: (name != "config.md#root", name[::-1]))

    found = sections(runs.run(*(runs.case(str(n), section=s) for n, s in enumerate(mixed))))

    assert [section.name for section in found] == order


def test_pretty_only_lays_out() -> None:
    """Numbers, escapes and repeated members stay as they were written."""
    raw = '{"a":1.50,"a":[1, 2],"b":{},"c":[{"d":"\\u0041:,["}]}'

    shown = pretty(raw)

    assert shown == (
        '{\n  "a": 1.50,\n  "a": [1, 2],\n  "b": {},\n  "c": [\n    {\n'
        '      "d": "\\u0041:,["\n    }\n  ]\n}'
    )
    assert json.loads(shown) == json.loads(raw)


@pytest.mark.parametrize("raw", ["{", "", "[" * 100_000])
def test_pretty_leaves_alone_what_is_no_json(raw: str) -> None:
    """A case may write a broken config.json on purpose: it is shown as it was."""
    assert pretty(raw) == raw
