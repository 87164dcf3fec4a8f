"""report.html: the run as one file that opens from disk, without network and without a build.

Text of the run reaches the page through one gate, ``text.shown``, which makes it visible and
bounded: every expression of the templates passes it in ``_finalize`` and is then escaped by Jinja;
all that is shown when a case is opened passes it in ``evidence``, and the page's script makes text
nodes of it. Only our own css and js are inserted as they are, and the Content-Security-Policy of
the page allows those two by their digest and nothing else.
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
from reports.evidence import packed
from reports.page import Page

if TYPE_CHECKING:
    from harness.results import Run


def render(run: Run) -> str:
    """Render the page; of a run with very much evidence, with less of it for some cases."""
    css, js = _static("report.css"), _static("page.js") + _static("report.js")
    page = Page.of(run)
    template = _environment().get_template("report.html.j2")
    return template.render(
        page=page,
        css=Markup(css),  # noqa: S704 - our own file
        js=Markup(js),  # noqa: S704 - our own file
        css_digest=_digest(css),
        js_digest=_digest(js),
        evidence=Markup(packed(page.entries)),  # noqa: S704 - base64
    )


def _finalize(value: object) -> object:
    """Make an expression of a template fit to be escaped; markup is our own and stays."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return text.shown(value)
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
