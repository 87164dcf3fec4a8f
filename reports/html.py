"""report.html: the run as one file that opens from disk, without network and without a build.

Text of the run reaches the page through one gate: every expression of the templates is made visible
and bounded by ``_finalize`` and then escaped by Jinja. Only our own css and js are inserted as they
are, and the page's Content-Security-Policy allows those two by their digest and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports import marks, text
from reports.page import LIMITS, Limits, Page
from reports.pretty import pretty

if TYPE_CHECKING:
    from harness.results import Run

BUDGET = 2_900_000
"""Bytes that a page of up to 900 cases may take before evidence is cut shorter."""

BUDGET_OF_A_CASE = 4_500
"""Bytes more for each further case."""


def render(run: Run) -> str:
    """Render the page; of a run with very much evidence, with less of it for each case."""
    page = ""
    budget = BUDGET + BUDGET_OF_A_CASE * max(0, len(run.cases) - 900)
    for limits in LIMITS:
        if limits is not LIMITS[-1] and sum(map(limits.least, run.cases)) > budget:
            continue
        page = _render(run, limits)
        if len(page.encode()) <= budget:
            break
    return page


def _render(run: Run, limits: Limits) -> str:
    css, js = _static("report.css"), _static("report.js")
    template = _environment().get_template("report.html.j2")
    return template.render(
        page=Page.of(run, limits),
        css=Markup(css),  # noqa: S704 - our own file
        js=Markup(js),  # noqa: S704 - our own file
        css_digest=_digest(css),
        js_digest=_digest(js),
    )


def _finalize(value: object) -> object:
    """Make an expression of a template fit to be escaped; markup is our own and stays."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return text.visible(text.clip(value, text.MAX_TEXT))
    return value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "clip": text.clip,
        "line": text.line,
        "duration": text.duration,
        "command": text.command,
        "outcome": text.outcome,
        "pretty": pretty,
        "json": partial(json.dumps, ensure_ascii=False, default=str),
        "counted": Counter,
    }
    environment.globals |= {
        "symbols": marks.SYMBOLS,
        "meanings": marks.MEANINGS,
        "needs_a_look": marks.NEEDS_A_LOOK,
        "plural": text.plural,
    }
    return environment


@cache
def _static(name: str) -> str:
    return files("reports").joinpath("static", name).read_text(encoding="utf-8")


def _digest(source: str) -> str:
    return base64.b64encode(hashlib.sha256(source.encode()).digest()).decode("ascii")
