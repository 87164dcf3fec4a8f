"""The exceptions of the project, one tree.

::

    ConformanceError                 everything of ours
    |-- RuntimeFault                 the runtime under test did this; never a bug of ours
    |   |-- OperationError           exit status > 0: the specification's "generate an error"
    |   |-- RuntimeCrashed           died by a signal
    |   |-- RuntimeHung              still running at the deadline
    |   `-- MalformedOutput          succeeded, but what it printed cannot be read
    |-- NotShown                     the container never showed the sign that the case waits for
    |-- HostLacks                    this host cannot do what a configuration asks for: verdict skip
    |-- NotClaimed                   the runtime does not say that it does this: not-applicable
    |-- Unsupported                  it refuses a value that it need not support: verdict recorded
    |-- HarnessError                 the world could not be built, watched or cleaned: verdict error
    `-- UsageError                   bad input from the user: one clear line, exit status 4
        |-- ProbeError               the probe cannot be built here
        |-- CatalogueError
        |-- TemplateError
        |-- ExpectationError
        `-- ResultsError
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.results import Operation


class ConformanceError(Exception):
    """Root of the tree."""


class RuntimeFault(ConformanceError):
    """The runtime did not do what it was asked.

    ``operation`` is the call as it is reported; its ``name`` decides between fail and blocked.
    """

    control = False
    """Whether it happened in a control: then it says nothing about the clause."""

    def __init__(self, message: str, operation: Operation) -> None:
        super().__init__(message)
        self.operation = operation


class OperationError(RuntimeFault):
    """The operation ended with an exit status above zero, which is how a command line errors."""


class RuntimeCrashed(RuntimeFault):
    """The runtime was ended by a signal; a segmentation fault is not an error message."""


class RuntimeHung(RuntimeFault):
    """The operation had not ended at the deadline, or several in a row had not: then no more."""


class MalformedOutput(RuntimeFault):
    """The operation succeeded, but its output is not what the operation returns."""


class NotShown(ConformanceError):
    """A sign of the container (a line of the probe, the end of its process) did not come in time.

    ``operation`` is the name of the one after which it was due.
    """

    control = False

    def __init__(self, message: str, operation: str) -> None:
        super().__init__(message)
        self.operation = operation


class Deviation(AssertionError):
    """What a runtime did is not what these clauses say, of all those that the case is about.

    It is what ``assert`` raises, with the clauses told: outside of the tree, as that one is.
    """

    def __init__(self, clauses: Sequence[str], message: str) -> None:
        super().__init__(message)
        self.clauses = list(clauses)


class HostLacks(ConformanceError):
    """This host, or this lane of it, lacks what the bundle of the case needs."""


class NotClaimed(ConformanceError):
    """The case is about what a runtime says of itself, and this one does not say it."""


class Unsupported(ConformanceError):
    """The runtime refuses a valid value, as it may (config.md#valid-values): nothing to show."""


class HarnessError(ConformanceError):
    """The harness could not build, watch or clean the world."""


class UsageError(ConformanceError):
    """Bad input; the message is one line that names the thing and the way out."""


class ProbeError(UsageError):
    """The probe cannot be built: no compiler, or it fails; the first line says what to do."""


class CatalogueError(UsageError):
    """A file of suites/clauses/ is broken, or a case names a clause that no file has."""


class TemplateError(UsageError):
    """A bundle template does not render, or renders something that is no configuration."""


class ExpectationError(UsageError):
    """An expectation file is broken."""


class ResultsError(UsageError):
    """A results.jsonl cannot be read or written."""
