"""What is done at the same time as something else."""

import time

import pytest

from harness import Hook, Status
from harness.faults import OperationError

ORDER = ["none", Status.CREATING, Status.CREATED, Status.RUNNING, Status.STOPPED, "none again"]


@pytest.fixture
def race(in_background):
    """Begin operations at once, finish them all; returns for each whether it has succeeded.

    ``then`` is called when all have begun. An error is how one may lose; a crash or a hang is none.
    """

    def succeeds(call):
        try:
            call.finish()
        except OperationError:
            return False
        return True

    def run(*begin, then=lambda: None):
        calls = [in_background(start()) for start in begin]
        then()
        return [succeeds(call) for call in calls]

    return run


@pytest.fixture
def asked(runtime):
    """Query the state of a container; returns None where that errs."""

    def query(id_):
        try:
            return runtime.state(id_)
        except OperationError:
            return None

    return query


@pytest.fixture
def queried(asked, in_background):
    """Begin an operation, query the state of a container until it has ended; returns the states.

    The first query is made while a hook of the operation waits, until it is answered.
    """

    def watch(call, id_, bundle, kind):
        gate = bundle.gate(kind)
        in_background(call())
        bundle.awaits(f"{kind} 1", "facts")
        states = [asked(id_)]
        gate.open()
        running = bundle.calls[-1]
        while running.started.running:
            states.append(asked(id_))
        running.finish()
        return [*states, asked(id_)]

    return watch


@pytest.fixture
def queried_until(asked, runtime):
    """Query the state of a container until it has a status; returns the states."""

    def wait(id_, status):
        states = [asked(id_)]
        deadline = time.monotonic() + runtime.deadline
        while states[-1] and states[-1].status != status and time.monotonic() < deadline:
            # Each turn waits for one whole operation of the runtime: there is no event for this.
            states.append(asked(id_))
        return states

    return wait


@pytest.fixture
def queried_lifecycle(bundle, runtime, new_id, queried, queried_until):
    """The states that queries have found from the beginning of create to the end of delete."""
    places = {"createRuntime": "host", "startContainer": "root", "poststop": "host"}
    hooks = {kind: [Hook(words=(f"wait={{{at}}}/{kind}",))] for kind, at in places.items()}
    made, id_ = bundle("waits", hooks=hooks), new_id()
    create = queried(lambda: runtime.creating(id_, str(made.path)), id_, made, "createRuntime")
    start = queried(lambda: runtime.starting(id_), id_, made, "startContainer")
    running = queried_until(id_, Status.RUNNING)
    runtime.kill(id_, "KILL")
    stopped = queried_until(id_, Status.STOPPED)
    delete = queried(lambda: runtime.deleting(id_), id_, made, "poststop")
    return [*create, *start, *running, *stopped, *delete]


@pytest.fixture
def steps_back():
    """Return the pairs of statuses of which the second comes before the first in a lifecycle."""

    def of(states):
        statuses = [state.status if state else "none" for state in states]
        place = {status: number for number, status in enumerate(ORDER)}
        begun, found, last = False, [], "none"
        for status in statuses:
            now = "none again" if begun and status == "none" else status
            begun |= status != "none"
            if place.get(now, place.get(last, 0)) < place.get(last, 0):
                found.append((last, now))
            last = now if now in place else last
        return found

    return of
