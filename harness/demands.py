"""What a case demands beyond a bare assert: an error, a control that works, a host that can."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import pytest

from harness import current
from harness.faults import NotShown, OperationError, RuntimeFault, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

F = TypeVar("F", bound="Callable[..., object]")

ROLLBACK = "runtime.errors.rollback"


@contextmanager
def generates_an_error() -> Iterator[None]:
    """Demand that the one operation inside *generates an error* (runtime.md#errors).

    On a command line that is an exit status above zero; a crash or a hang is none. What the failed
    operation changed in the world is noted as a finding for the clause that forbids it.
    """
    session = current.session()
    before = session.workspace.look()
    try:
        yield
    except RuntimeFault as fault:
        if fault.control:
            raise
        if not isinstance(fault, OperationError):
            raise AssertionError(f"demanded: an error; seen: {fault}") from fault
        for fact in session.workspace.look().beyond(before):
            session.workspace.runtime.journal.finding(ROLLBACK, f"after a failed operation: {fact}")
    else:
        done = session.workspace.runtime.journal.operations
        name = done[-1].name if done else "nothing"
        raise AssertionError(f"demanded: an error; seen: {name} succeeded")


@dataclass
class Outcome:
    """How the operation of ``tolerates_an_error`` ended."""

    refused: bool = False


@contextmanager
def tolerates_an_error() -> Iterator[Outcome]:
    """Let the operation inside err or succeed: the case is about what it leaves behind.

    A crash or a hang is not tolerated.
    """
    outcome = Outcome()
    try:
        yield outcome
    except OperationError as error:
        if error.control:
            raise
        outcome.refused = True


@contextmanager
def may_be_unsupported(value: str) -> Iterator[None]:
    """Let the runtime refuse a valid value: it may choose a subset (config.md#valid-values).

    An error ends the case, which is `recorded` then and no pass: of a value that is not supported
    the clause says nothing else. A crash or a hang is no refusal.
    """
    try:
        yield
    except OperationError as error:
        if error.control:
            raise
        message = f"refuses {value}, which it need not support"
        raise Unsupported(message) from error


@contextmanager
def provokes_an_error() -> Iterator[None]:
    """Provoke the error whose consequences the case is about.

    If the operation inside succeeds there are none to judge: that is no evidence about the clause.
    """
    try:
        yield
    except OperationError as error:
        if error.control:
            raise
        return
    done = current.session().workspace.runtime.journal.operations
    name = done[-1].name if done else "create"
    fault = NotShown(f"{name} succeeded, so what follows its error cannot be seen", name)
    fault.control = True
    raise fault


@contextmanager
def control() -> Iterator[None]:
    """Show that what a case builds on works: a fault inside is never evidence about its clause."""
    try:
        yield
    except (RuntimeFault, NotShown) as fault:
        fault.control = True
        raise
    except AssertionError as error:
        done = current.session().workspace.runtime.journal.operations
        unmet = NotShown(f"what the case builds on does not hold: {error}", done[-1].name)
        unmet.control = True
        raise unmet from error


def requires(*conditions: Callable[[], str]) -> Callable[[F], F]:
    """Skip the case on a host that cannot: functions of harness.host that say why, or nothing."""
    # with_args: a mark called with one function alone takes it for the one to be marked.
    mark = pytest.mark.requires.with_args(*conditions)

    def decorate(function: F) -> F:
        mark(function)
        return function

    return decorate
