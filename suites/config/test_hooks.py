"""POSIX-platform hooks: what holds of each of the six kinds."""

import signal

import pytest
from harness import KINDS, Hook, clause


@pytest.fixture
def lifecycle(create):
    """A whole lifecycle with the given hooks; returns the bundle."""

    def run(**values):
        container = create("waits", **values).start().printed("ready")
        container.kill(signal.SIGKILL).stopped().delete()
        return container.bundle

    return run


@clause("config.hooks.{kind}.stdin-state")
@pytest.mark.parametrize("kind", KINDS)
def test_passes_the_state_on_stdin(lifecycle, kind):
    bundle = lifecycle(hooks={kind: [Hook()]}, annotations={"org.example.key": "value"})

    state = bundle.hook(f"{kind} 1").state

    assert (state.bundle, state.annotations["org.example.key"]) == (str(bundle.path), "value")


@clause("config.hooks.listed-order")
@pytest.mark.parametrize("kind", KINDS)
def test_calls_hooks_in_the_listed_order(lifecycle, kind):
    bundle = lifecycle(hooks={kind: [Hook(str(number)) for number in range(5)]})

    assert bundle.ran == [f"{kind} {number}" for number in range(5)]
