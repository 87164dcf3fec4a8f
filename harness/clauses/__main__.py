"""Coverage of the catalogue: computed from what is collected, never from a list kept by hand."""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import clauses, plugin, results
from harness.clauses import mutants, ran
from harness.faults import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Coverage:
    """Clause ids by what the suite does about them."""

    tested: dict[str, list[str]]
    """To the cases that name each."""
    untestable: dict[str, str]
    """To why no case can show it false."""
    pending: list[str]
    """Those with neither."""
    without_mutant: list[str]
    """Those of keyword must or effect with cases that no mutant proves able to fail.

    Of what engines need, where nothing is a mere possibility, those of any keyword.
    """

    @property
    def engine(self) -> list[str]:
        """The tested clauses that are no part of the specification: what engines need."""
        known = clauses.catalogue()
        return [id_ for id_ in self.tested if known[id_].clients]

    @property
    def census(self) -> int:
        """Number of census entries that the tested clauses cover."""
        known = clauses.catalogue()
        return len({entry for id_ in self.tested for entry in known[id_].census})


class _Collector:
    """Keeps which case names which clause."""

    def __init__(self) -> None:
        self.cases: dict[str, list[str]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Look at the clauses that collection resolved."""
        for item in session.items:
            made = item.stash.get(plugin.PROGRESS, None)
            for clause in made.clauses if made else []:
                self.cases.setdefault(clause.id, []).append(made.case if made else "")


def measure() -> Coverage:
    """Collect the suite and compare with the catalogue."""
    collector = _Collector()
    with redirect_stdout(io.StringIO()):
        status = pytest.main(["--collect-only", "-qq", _suites()], plugins=[collector])
    if status != pytest.ExitCode.OK:
        raise SystemExit(f"the suite cannot be collected: run pytest --collect-only {_suites()}")
    known = clauses.catalogue()
    broken = {id_ for one in mutants.listed() if not one.right for id_ in one.clauses}
    return Coverage(
        tested=dict(sorted(collector.cases.items())),
        untestable={c.id: c.untestable for c in known.values() if c.untestable},
        pending=[c.id for c in known.values() if c.id not in collector.cases and not c.untestable],
        without_mutant=[
            id_
            for id_ in collector.cases
            if id_ not in broken and known[id_].level != "may" and mutants.DIRECTORY.exists()
            if known[id_].keyword in {"must", "effect"} or known[id_].clients
        ],
    )


def _suites() -> str:
    return str(clauses.DIRECTORY.parent)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the coverage; exit status 1 if a clause is pending."""
    parser = argparse.ArgumentParser(prog="python -m harness.clauses", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the whole ledger as JSON")
    parser.add_argument(
        "--ran", type=Path, nargs="+", metavar="RESULTS", help="what has run, of the census"
    )
    parser.add_argument("--census", type=Path, metavar="FILE", help="only its needs-host entries")
    chosen = parser.parse_args(arguments)
    if chosen.ran:
        try:
            sys.stdout.write(_ran(chosen.ran, chosen.census))
        except UsageError as error:
            sys.stderr.write(f"clauses: {error}\n")
            return 4
        return 0
    found = measure()
    if chosen.json:
        more = {"engine": found.engine, "census": found.census}
        sys.stdout.write(json.dumps({**asdict(found), **more}, indent=1) + "\n")
    else:
        sys.stdout.write(_text(found))
    return 1 if found.pending else 0


def _ran(runs: Sequence[Path], census: Path | None) -> str:
    everything = [entry for clause in clauses.catalogue().values() for entry in clause.census]
    entries = ran.needing_a_host(census) if census else list(dict.fromkeys(everything))
    return ran.count(entries, [results.read(path) for path in runs]).text


def _text(found: Coverage) -> str:
    known, engine = clauses.catalogue(), set(found.engine)
    levels = Counter(known[id_].level for id_ in found.tested if id_ not in engine)
    needed = [one for one in known.values() if one.clients]
    by_level = ", ".join(f"{number} {level}" for level, number in levels.items())
    lines = [
        f"{len(known) - len(needed)} clauses; {found.census} entries of the census have cases",
        f"tested      {levels.total()} ({by_level})",
        f"engines     {len(needed)} clauses beyond the specification, {len(engine)} tested",
        f"untestable  {len(found.untestable)}",
        *(f"  {id_}: {why}" for id_, why in found.untestable.items()),
        f"pending     {len(found.pending)}",
        *(f"  {id_}" for id_ in found.pending),
        f"no mutant   {len(found.without_mutant)}",
        *(f"  {id_}" for id_ in found.without_mutant),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
