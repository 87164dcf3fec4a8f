"""Whole lifecycles against the model of docs/lifecycle-model.md."""

import pytest

from harness import clause
from harness.lifecycle import clauses_of

BY_CREATE = pytest.mark.clause("config.hooks.prestart.timing.during-create")
"""Of prestart only while it belongs to create."""


@clause(*clauses_of("one"))
@pytest.mark.parametrize("scenario", ["one", "several"])
def test_follows_the_model(follows_the_model, scenario):
    follows_the_model(scenario)


@clause(*clauses_of("hooks"))
def test_follows_the_model_with_hooks(follows_the_model):
    follows_the_model("hooks")


@clause(*clauses_of("prestart fails"))
@BY_CREATE
def test_follows_the_model_where_a_prestart_hook_fails(follows_the_model):
    follows_the_model("prestart fails")


@clause(
    "runtime.lifecycle.{kind}.failure-errors",
    "runtime.lifecycle.{kind}.failure-destroys",
    "runtime.lifecycle.{kind}.failure-runs-poststop",
    "runtime.lifecycle.{kind}.failure-skips-later-steps",
    *clauses_of("one"),
)
@pytest.mark.parametrize(
    "kind", ["createRuntime", "createContainer", "startContainer", "poststart"]
)
def test_follows_the_model_where_a_hook_fails(follows_the_model, kind):
    follows_the_model(f"{kind} fails")


@clause(*clauses_of("poststart fails, as before 1.3.0"))
def test_follows_the_model_where_a_poststart_hook_fails_in_older_releases(follows_the_model):
    follows_the_model("poststart fails, as before 1.3.0")


@clause(*clauses_of("poststop fails"))
def test_follows_the_model_where_a_poststop_hook_fails(follows_the_model):
    follows_the_model("poststop fails")
