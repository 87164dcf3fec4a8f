"""Whole lifecycles by model: arbitrary sequences of operations against a small table of runtime.md.

``model`` is the table, ``example`` performs one sequence and compares, ``search`` looks for the
sequence that the runtime does not follow, ``table`` prints docs/lifecycle-model.md.
"""

from __future__ import annotations

from harness.lifecycle.model import SCENARIOS, clauses_of

__all__ = ["SCENARIOS", "clauses_of"]
