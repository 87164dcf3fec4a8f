"""Text of a run in Markdown: in code spans, in which nothing is markup, a link or a mention."""

from __future__ import annotations

import re

from reports.text import line

_PLAIN = re.compile(r"(?!.*www\.)[A-Za-z0-9 .,:;()'+-]*", re.IGNORECASE)


def code(text: str) -> str:
    """Make a code span; ``text`` becomes one bounded line."""
    shown = line(text, 1000)
    if not shown:
        return ""
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def cell(text: str) -> str:
    """Make a code span for a table, in which a bar would end the cell even inside of code."""
    return code(text).replace("|", "\\|")


def phrase(text: str) -> str:
    """Leave a harmless sentence as it is; anything that Markdown could read goes into code.

    Neither form has a bar, unless as ``cell`` writes it: so it fits into a table.
    """
    return text if _PLAIN.fullmatch(text) else cell(text)
