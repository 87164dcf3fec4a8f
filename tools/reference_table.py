"""`python -m tools.reference_table [--write]`: what the reference runtime does about each clause.

The rows are the clauses of the catalogue; which properties are refused on a host without support
is read out of the runtime's own error messages. The table stands in reference_runtime/README.md
between two markers; `--write` renews it, without it the exit status says if it is up to date.
"""

from __future__ import annotations

import ast
import re
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from harness.clauses import catalogue

if TYPE_CHECKING:
    from harness.clauses import Clause

RUNTIME = Path(__file__).parents[1] / "reference_runtime"
README = RUNTIME / "README.md"
BEGIN, END = "<!-- clauses: python -m tools.reference_table --write -->", "<!-- end of clauses -->"

_ABOUT_FEATURES = ("features.md", "features-linux.md")  # there it is said, not done
_CUT = ("apparmor", "hugepage", "huge-page", "selinux")
# How the runtime's errors put it when something is missing.
_HOST = re.compile(r"this (host|kernel) (has no|does not)|on this host|cgroup v2 has nothing like")
_PROPERTY = re.compile(r"(?:process|linux)(?:\.[a-zA-Z]+)+")


def depending_on_host() -> set[str]:
    """Return the properties named by modules that have an error for a host without support."""
    found: set[str] = set()
    for path in sorted(RUNTIME.glob("*.py")):
        texts = [
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        if any(map(_HOST.search, texts)):
            found |= {match[0] for text in texts if (match := _PROPERTY.match(text))}
    return found


def kebab(name: str) -> str:
    """Write the name of a property as ids of clauses do: intelRdt as intel-rdt."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def is_about(entry: str, path: str) -> bool:
    """Say whether the id is of the property; ids cut some names: process.apparmor, hugepage."""
    *_, parent, name = map(kebab, path.split("."))
    words = entry.split(".")[:3]
    return any(
        before == parent and (word == name or (word in _CUT and name.startswith(f"{word}-")))
        for before, word in pairwise(words)
    )


def treatment(clause: Clause, entry: str, conditional: set[str]) -> str:
    """Say what the runtime does about an entry of a clause."""
    if clause.untestable:
        return "not for a runtime to do"
    if not clause.anchor.startswith(_ABOUT_FEATURES):
        for path in sorted(conditional, key=len, reverse=True):
            if is_about(entry, path):
                return f"implemented; where the host has no support, `{path}` is refused"
    return "implemented"


def table() -> str:
    """Return the table, with its sums before it; a clause may stand for several entries."""
    conditional = depending_on_host()
    found = {
        entry: (clause, treatment(clause, entry, conditional))
        for clause in catalogue().values()
        if not clause.clients  # docs/engine-profile.md has a table of its own
        for entry in clause.census or (clause.id,)
    }
    kinds = [what.partition(", `")[0] for _, what in found.values()]
    sums = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
    rows = [f"| {c.anchor} | {entry} | {c.level} | {what} |" for entry, (c, what) in found.items()]
    head = ["| section | entry | level | this runtime |", "|---|---|---|---|"]
    return "\n".join([f"{len(found)} entries: {sums}.", "", *head, *rows])


def renewed(text: str) -> str:
    """Return the text with a new table between its markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{README}: the markers are missing")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> int:
    """Renew the table or compare it."""
    text = README.read_text(encoding="utf-8")
    if sys.argv[1:] == ["--write"]:
        README.write_text(renewed(text), encoding="utf-8")
        return 0
    if text != renewed(text):
        sys.stderr.write(f"{README} is out of date: python -m tools.reference_table --write\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
