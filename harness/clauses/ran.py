"""Which entries of the census have run somewhere, over the runs of all lanes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import clauses, results
from harness.faults import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Ran:
    """Entries of the census by what came of them."""

    entries: tuple[str, ...]
    """The entries that were asked about, as the census has them."""
    ran: frozenset[str]
    """Those of which a case of some clause operated a runtime."""
    why: dict[str, str]
    """Of each other one: why the catalogue calls it untestable, or why its cases did not run."""

    @property
    def text(self) -> str:
        """One line that counts, then the rest with its reasons."""
        rest = [entry for entry in self.entries if entry not in self.ran]
        done = len(self.entries) - len(rest)
        lines = [f"{done} of {len(self.entries)} entries have run somewhere"]
        return "\n".join([*lines, *(f"  {entry}: {self.why[entry]}" for entry in rest)]) + "\n"


def needing_a_host(path: Path) -> list[str]:
    """Return the entries of a census that ask for more than any host can do."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return [entry["id"] for entry in document if entry["testable"] == "needs-host"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CatalogueError(f"{path}: no census ({error})") from error


def count(entries: Sequence[str], runs: Iterable[results.Run]) -> Ran:
    """Look in all runs for the cases of the clauses that cover each of these entries."""
    known = clauses.catalogue()
    ran: set[str] = set()
    why: dict[str, str] = dict.fromkeys(entries, "no case names it")
    for clause in known.values():
        if clause.untestable:
            why |= dict.fromkeys(clause.census, clause.untestable)
    for case in (case for run in runs for case in run.cases):
        for entry in (e for id_ in case.clauses if id_ in known for e in known[id_].census):
            if case.verdict.ran:
                ran.add(entry)
            else:
                why[entry] = case.reason.partition("\n")[0]
    return Ran(tuple(entries), frozenset(ran & set(entries)), why)
