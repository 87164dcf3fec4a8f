"""How a verdict is shown: a word, a symbol and a meaning, so that colour never stands alone."""

from __future__ import annotations

from harness.results import Verdict

SYMBOLS = {
    Verdict.PASS: "✓",
    Verdict.FAIL: "✗",
    Verdict.BLOCKED: "⊘",
    Verdict.ERROR: "!",
    Verdict.UNSTABLE: "≈",
    Verdict.KNOWN: "◆",
    Verdict.ADVICE: "△",
    Verdict.RECORDED: "•",
    Verdict.SKIP: "–",  # noqa: RUF001 - a dash is the symbol
    Verdict.NOT_APPLICABLE: "○",
}
"""In the order in which reports show the verdicts."""

MEANINGS = {
    Verdict.PASS: "the clause held",
    Verdict.FAIL: "the runtime does not do what the clause says",
    Verdict.BLOCKED: "another operation failed first; no evidence about the clause",
    Verdict.ERROR: "a fault of the suite or of the host, not of the runtime",
    Verdict.UNSTABLE: "the verdict differs between repeats",
    Verdict.KNOWN: "fails, as the expectation file says",
    Verdict.ADVICE: "a SHOULD that does not hold",
    Verdict.RECORDED: "the text leaves it open; this is what the runtime chose",
    Verdict.SKIP: "this host cannot run it",
    Verdict.NOT_APPLICABLE: "not part of what this runtime claims",
}

NEEDS_A_LOOK = frozenset({Verdict.FAIL, Verdict.BLOCKED, Verdict.ERROR, Verdict.UNSTABLE})
"""Verdicts whose cases a report shows unfolded."""
