"""What is done at the same time as something else."""

import time

import pytest

from harness import Status
from harness.faults import OperationError

ORDER = ["none", Status.CREATING, Status.CREATED, Status.RUNNING, Status.STOPPED, "none again"]


@pytest.fixture
def race(in_background):
    """Begin operations at once, finish them all; returns for each whether it has succeeded.

    An error is how one may lose; a crash or a hang is none.
    """

    def succeeds(call):
        try:
            call.finish()
        except OperationError:
            return False
        return True

    def run(*begin):
        calls = [in_background(start()) for start in begin]
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

    None stands for a query that has erred.
    """

    def watch(call, id_):
        in_background(call)
        states = []
        while call.running:
            states.append(asked(id_))
        call.finish()
        return [*states, asked(id_)]

    return watch


@pytest.fixture
def queried_lifecycle(bundle, runtime, new_id, queried, asked):
    """The states that queries have found from the beginning of create to the end of delete."""
    made, id_ = bundle("waits"), new_id()
    states = [
        *queried(runtime.creating(id_, str(made.path)), id_),
        *queried(runtime.starting(id_), id_),
        *queried(runtime.killing(id_, "KILL"), id_),
    ]
    deadline = time.monotonic() + runtime.deadline
    while states[-1] and states[-1].status != Status.STOPPED and time.monotonic() < deadline:
        # Each turn waits for one whole operation of the runtime: there is no event for this.
        states.append(asked(id_))
    return [*states, *queried(runtime.deleting(id_), id_)]


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
