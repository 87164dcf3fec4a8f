"""Warnings."""

import pytest

from harness import Hook, Status, clause, tolerates_an_error


@pytest.fixture
def with_a_warning(container_in):
    """A stopped container whose delete has to log a warning: a poststop hook fails."""
    hooks = {"poststop": [Hook("1", exit=1), Hook("2")]}
    return container_in(Status.STOPPED, hooks=hooks)


@clause("runtime.warnings.exposure")
def test_may_show_a_warning_as_it_likes(with_a_warning, runtime, record):
    with tolerates_an_error():
        with_a_warning.delete()

    record("standard error of delete", runtime.journal.operations[-1].stderr)


@clause("runtime.warnings.flow-continues")
def test_goes_on_after_a_warning(with_a_warning):
    with_a_warning.delete()

    assert sorted(with_a_warning.bundle.ran) == ["poststop 1", "poststop 2"]
