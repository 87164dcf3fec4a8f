"""`python -m tools.engine_table [--write]`: the clauses of the engine profile, in its page.

One table for each heading that the clauses name. They stand in docs/engine-profile.md between two
markers; `--write` renews them, without it the exit status says if they are up to date.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.clauses import catalogue

if TYPE_CHECKING:
    from harness.clauses import Clause

PAGE = Path(__file__).parents[1] / "docs" / "engine-profile.md"
BEGIN, END = "<!-- clauses: python -m tools.engine_table --write -->", "<!-- end of clauses -->"


def tables() -> str:
    """Return the tables, each below its heading."""
    found: dict[str, list[Clause]] = {}
    for clause in catalogue().values():
        if clause.clients:
            found.setdefault(clause.anchor.partition("#")[2], []).append(clause)
    several = sum(map(len, found.values()))
    parts = [f"{several} clauses; *should* is advice, all others are *must*."]
    for heading, clauses in found.items():
        title = heading.replace("-", " ").capitalize()
        parts += [f"## {title}", "| clause | clients | what breaks without it |\n|---|---|---|"]
        parts[-1] += "".join(f"\n{_row(clause)}" for clause in clauses)
    return "\n\n".join(parts)


def _row(clause: Clause) -> str:
    should = " *should*" if clause.level == "should" else ""
    cells = (f"{clause.summary}<br>`{clause.id}`{should}", ", ".join(clause.clients), clause.breaks)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def renewed(text: str) -> str:
    """Return the text with new tables between its markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{PAGE}: the markers are missing")
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def main() -> int:
    """Renew the tables or compare them."""
    text = PAGE.read_text(encoding="utf-8")
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(renewed(text), encoding="utf-8")
        return 0
    if text != renewed(text):
        sys.stderr.write(f"{PAGE} is out of date: python -m tools.engine_table --write\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
