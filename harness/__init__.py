"""What a case may say: ``from harness import Status, clause, generates_an_error``."""

from __future__ import annotations

from harness.clauses import clause
from harness.demands import (
    control,
    generates_an_error,
    may_be_unsupported,
    provokes_an_error,
    requires,
    tolerates_an_error,
)
from harness.hooks import IN_CREATE, KINDS, Hook
from harness.state import Status

__version__ = "0.1.0"

__all__ = [
    "IN_CREATE",
    "KINDS",
    "Hook",
    "Status",
    "clause",
    "control",
    "generates_an_error",
    "may_be_unsupported",
    "provokes_an_error",
    "requires",
    "tolerates_an_error",
]
