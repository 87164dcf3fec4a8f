"""The catalogue loads or says in one line why not; what stands in it keeps its own rules."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from harness import clauses
from harness.clauses import Clause, ran, resolve
from harness.clauses import __main__ as coverage
from harness.faults import CatalogueError
from harness.results import Case, Verdict

DOCUMENTS = {
    "spec.md", "glossary.md", "bundle.md", "runtime.md", "runtime-linux.md", "config.md",
    "config-linux.md", "features.md", "features-linux.md", clauses.ENGINE_DOCUMENT,
}  # fmt: skip

CLAUSE = """
["a.b"]
summary = "A does b."
anchor = "runtime.md#a"
keyword = "must"
level = "must"
since = "1.0.0"
census = ["a.b"]
"""


@pytest.fixture
def catalogue(tmp_path, monkeypatch):
    """Load a catalogue of the test's own; files by name."""
    monkeypatch.setattr(clauses, "DIRECTORY", tmp_path)
    clauses.catalogue.cache_clear()

    def load(text: str = "", **others: str) -> dict[str, Clause]:
        for name, content in {"own": text, **others}.items():
            (tmp_path / f"{name}.toml").write_text(content, encoding="utf-8")
        return clauses.catalogue()

    yield load
    clauses.catalogue.cache_clear()


def refused(load: Any, *texts: str, **others: str) -> str:
    with pytest.raises(CatalogueError) as caught:
        load(*texts, **others)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


# Loading


def test_a_table_is_a_clause(catalogue):
    found = catalogue(CLAUSE + 'operation = ["create", "start"]\ndemands_error = true\n')

    assert found == {
        "a.b": Clause(
            id="a.b", summary="A does b.", anchor="runtime.md#a", keyword="must", level="must",
            since="1.0.0", operations=("create", "start"), demands_error=True, census=("a.b",),
        )
    }  # fmt: skip


def test_one_operation_needs_no_list(catalogue):
    assert catalogue(CLAUSE + 'operation = "kill"')["a.b"].operations == ("kill",)


def test_the_files_are_one_catalogue(catalogue):
    assert set(catalogue(CLAUSE, other=CLAUSE.replace("a.b", "c.d"))) == {"a.b", "c.d"}


def test_an_id_in_two_files_is_refused(catalogue):
    assert refused(catalogue, CLAUSE, zzz=CLAUSE) == "suites/clauses/zzz.toml: [a.b] is there twice"


def test_an_id_twice_in_a_file_is_refused(catalogue):
    assert refused(catalogue, CLAUSE + CLAUSE).startswith("suites/clauses/own.toml: ")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("summary", "sumary", "sumary"),
        ('summary = "A does b."\n', "", "summary"),
        ('level = "must"', 'level = "shall"', "level 'shall' is none of must, should, may"),
        ('level = "must"', "level = 1", "level is of the wrong type"),
        ('keyword = "must"', 'keyword = "MUST"', "keyword 'MUST'"),
        ('since = "1.0.0"', 'since = "1.4.0"', "since '1.4.0'"),
        ('since = "1.0.0"', 'since = ""', "since ''"),
        ('since = "1.0.0"', 'since = "1.0.0"\nuntil = "1.0"', "until '1.0'"),
        ('since = "1.0.0"', 'since = "1.0.0"\nprofile = "cloud"', "profile 'cloud'"),
        ('since = "1.0.0"', 'since = "1.0.0"\noperation = "exec"', "no operation 'exec'"),
        ('since = "1.0.0"', 'since = "1.0.0"\noperation = [1]', "no operation 1"),
        ('since = "1.0.0"', 'since = "1.0.0"\noperation = 1', "operation is of the wrong type"),
        ('census = ["a.b"]', 'census = "a.b"', "census is of the wrong type"),
        ('since = "1.0.0"', 'since = "1.0.0"\ndemands_error = "no"', "demands_error is of the"),
        ('since = "1.0.0"', 'since = "1.0.0"\nid = "c.d"', "id"),
    ],
)
def test_a_wrong_member_is_one_line_with_file_and_table(catalogue, old, new, said):
    message = refused(catalogue, CLAUSE.replace(old, new))

    assert message.startswith("suites/clauses/own.toml: [a.b]")
    assert said in message


@pytest.mark.parametrize("text", ["[", "a =", CLAUSE + "= 1", "a = '\x01'"])
def test_broken_toml_is_one_line_with_the_file(catalogue, text):
    assert refused(catalogue, text).startswith("suites/clauses/own.toml: ")


def test_a_value_outside_of_a_table_is_refused(catalogue):
    assert refused(catalogue, "summary = 'x'") == "suites/clauses/own.toml: [summary] is no table"


ENGINE = CLAUSE.replace("runtime.md#a", "engine-profile.md#a").replace(
    'census = ["a.b"]', 'profile = "engine"\nclients = ["podman"]\nbreaks = "podman run."'
)


def test_what_engines_need_names_clients_and_what_breaks(catalogue):
    found = catalogue(ENGINE + 'operation = "exec"')["a.b"]

    assert (found.clients, found.breaks, found.operations) == (
        ("podman",),
        "podman run.",
        ("exec",),
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('profile = "engine"', 'profile = "core"', "has profile, clients and breaks"),
        ('clients = ["podman"]', "clients = []", "has profile, clients and breaks"),
        ('clients = ["podman"]', 'clients = ["pod"]', "client 'pod' is none of podman,"),
        ('clients = ["podman"]', 'clients = "podman"', "clients is of the wrong type"),
        ('breaks = "podman run."', "", "has profile, clients and breaks"),
        ("engine-profile.md#a", "runtime.md#a", "only clauses of engine-profile.md have clients"),
    ],
)
def test_what_engines_need_is_refused_without_them(catalogue, old, new, said):
    assert said in refused(catalogue, ENGINE.replace(old, new))


# Releases


def clause(since: str, until: str = "") -> Clause:
    return Clause("a.b", "A.", "runtime.md#a", "must", "must", since, until)


@pytest.mark.parametrize(
    ("since", "until", "version", "applies"),
    [
        ("1.0.0", "", "1.0.0", True),
        ("1.0.2", "", "1.0.1", False),
        ("1.0.2", "", "1.0.2", True),
        ("1.0.0", "1.2.0", "1.2.0", True),
        ("1.0.0", "1.2.0", "1.2.1", False),
        ("1.1.0", "1.1.0", "1.1.0", True),
        ("1.9.0", "", "1.10.0", True),
        ("1.10.0", "", "1.9.0", False),
        ("1.0.0", "1.9.0", "1.10.0", False),
        ("1.3.0", "", "1.3.0-rc.1", True),
        ("1.3.0", "", "1.2.1+dev", False),
        ("1.0.0", "1.2.0", "1.2.0-dev+x.y-z", True),
    ],
)
def test_a_clause_applies_from_since_to_until(since, until, version, applies):
    assert clause(since, until).applies(version) == applies


@pytest.mark.parametrize("version", ["1.0.2", "1.0.2-dev", "1.0.2+ds1", "1.0.2-rc.1+build-7.1"])
def test_the_release_of_a_version_is_its_three_numbers(version):
    assert clauses.release(version) == (1, 0, 2)


def test_the_releases_are_in_order():
    assert sorted(clauses.RELEASES, key=clauses.release) == list(clauses.RELEASES)


# What a case names


def test_a_parameter_is_spelt_as_ids_spell_it(catalogue):
    catalogue(CLAUSE.replace("a.b", "hooks.create-runtime.x").replace('"A ', '"It '))

    (found,) = resolve(["hooks.{kind}.x"], {"kind": "createRuntime", "other": 1})

    assert found.id == "hooks.create-runtime.x"


def test_clauses_come_in_the_order_in_which_they_are_named(catalogue):
    catalogue(CLAUSE + CLAUSE.replace("a.b", "c.d"))

    assert [c.id for c in resolve(["c.d", "a.b"], {})] == ["c.d", "a.b"]


@pytest.mark.parametrize("id_", ["a.c", "", "{kind}", "a.{0}", "a.{", "{kind.x}", "a.{letter}"])
def test_an_id_that_no_file_has_is_one_line(catalogue, id_):
    catalogue(CLAUSE)

    with pytest.raises(CatalogueError) as caught:
        resolve([id_], {"letter": "z"})

    assert len(str(caught.value).splitlines()) == 1


# The real catalogue


@pytest.mark.parametrize("id_", sorted(clauses.catalogue()))
def test_a_clause_keeps_the_rules_of_the_catalogue(id_):
    found = clauses.catalogue()[id_]
    document, _, heading = found.anchor.partition("#")

    assert re.fullmatch(r"[a-z0-9]+([.-][a-z0-9]+)*", id_)
    assert "." in id_
    assert document in DOCUMENTS
    assert re.fullmatch(r"[a-z0-9_-]+", heading)
    assert bool(found.census) is not bool(found.clients)
    assert found.applies(found.until or found.since)
    assert found.applies(found.since)
    assert found.summary.endswith(".")
    assert not re.search(r"[.!?]\s+[A-Z]|\n", found.summary)


# What has run


def runs_of(**verdicts):
    """Runs of one case each, of the clause a.b: verdict and reason."""
    for verdict, reason in verdicts.items():
        case = Case(verdict, ["a.b"], Verdict(verdict), "must", "s", "1", "x", reason=reason)
        yield SimpleNamespace(cases=[case])


@pytest.mark.parametrize(
    ("verdicts", "text"),
    [
        ({"skip": "no device\nmore"}, "0 of 2 entries have run somewhere\n  a.b: no device\n"),
        ({"skip": "no device", "fail": "it"}, "1 of 2 entries have run somewhere\n"),
        ({}, "0 of 2 entries have run somewhere\n  a.b: no case names it\n"),
    ],
    ids=["skip", "ran", "none"],
)
def test_an_entry_has_run_if_a_case_of_its_clause_did_anywhere(catalogue, verdicts, text):
    catalogue(CLAUSE, other=CLAUSE.replace("a.b", "a.c") + 'untestable = "nobody can see it"\n')

    found = ran.count(["a.b", "a.c"], runs_of(**verdicts))

    assert found.text == f"{text}  a.c: nobody can see it\n"


def test_a_file_that_is_no_census_is_named(tmp_path):
    (tmp_path / "census.json").write_text('[{"id": 1}]')

    with pytest.raises(CatalogueError, match="no census"):
        ran.needing_a_host(tmp_path / "census.json")


def test_results_that_cannot_be_read_are_one_line(tmp_path, capsys):
    status = coverage.main(["--ran", str(tmp_path)])

    assert status == 4
    assert capsys.readouterr().err.startswith(f"clauses: {tmp_path}/results.jsonl: cannot be read")
