"""Options before the operation."""

import pytest

from harness import clause, control, generates_an_error, requires
from harness.engine import no_systemd


@pytest.fixture
def lives(create, runtime):
    """Run a whole lifecycle with these options before each operation; the facts of its program."""

    def live(*options):
        with control():
            create("waits").start().printed("ready")
        runtime.options = [word.format(runtime.root) for word in options]
        container = create("waits").start().printed("ready")
        container.kill(9).stopped().delete()
        return container.facts

    return live


@clause("engine.options.root-forms")
@pytest.mark.parametrize("form", ["--root {}", "--root={}"], ids=["blank", "equals"])
@pytest.mark.usefixtures("engine")
def test_takes_its_root_in_both_forms(lives, form):
    assert lives(*form.split())["ids"]["pid"] == 1


@clause("engine.options.debug")
@pytest.mark.usefixtures("engine")
def test_takes_the_option_for_debugging(lives):
    assert lives("--root", "{}", "--debug")["ids"]["pid"] == 1


@clause("engine.options.systemd-cgroup")
@requires(no_systemd)
def test_refuses_a_systemd_that_is_not_there(engine, create, runtime):
    with control():
        create("waits").start().printed("ready")
    runtime.options = ["--root", str(runtime.root), "--systemd-cgroup"]

    with generates_an_error():
        engine.create("waits")
