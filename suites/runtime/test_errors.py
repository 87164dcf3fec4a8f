"""Errors."""

import pytest

from harness import clause, control, provokes_an_error, tolerates_an_error


@clause("runtime.errors.exposure")
@pytest.mark.parametrize("name", ["state", "start", "delete"])
def test_may_show_an_error_as_it_likes(create, runtime, new_id, record, name):
    create("waits").start().printed("ready")

    with tolerates_an_error():
        getattr(runtime, name)(new_id())

    operation = runtime.journal.operations[-1]
    record(f"exit status of {name}", operation.exit_status)
    record(f"standard error of {name}", operation.stderr)


@clause("runtime.errors.rollback")
def test_leaves_nothing_of_a_create_that_fails(bundle, create, watch_world, record, unfit):
    with control():
        create("waits").start().printed("ready")
    made = bundle("waits", offence=unfit)
    changed = watch_world()

    with provokes_an_error():
        create(made)

    assert changed() == []
    record("in the root file system", sorted(path.name for path in made.rootfs.iterdir()))
