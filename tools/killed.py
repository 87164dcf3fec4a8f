"""Write down which cases have killed which mutants, for report.html: ``python tools/killed.py``.

Reads what ``make mutants`` left (build/mutants/mutants.json) and writes reports/killed.json, names
of mutants by id of the case. Run it after all mutants were run: what is not there is lost.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).resolve().parent.parent


def by_case(kills: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Sort the names of mutants by the cases that failed on them."""
    found: dict[str, set[str]] = {}
    for kill in kills:
        if kill.get("right"):  # its cases had to pass
            continue
        failed = {case for case, verdict in kill["seen"].items() if verdict == "fail"}
        for case in failed | set(kill["killed_by"].values()):
            found.setdefault(case, set()).add(kill["mutant"])
    return {case: sorted(found[case]) for case in sorted(found)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file."""
    parser = argparse.ArgumentParser(prog="tools/killed.py", description=__doc__)
    parser.add_argument("kills", nargs="?", type=Path, default=ROOT / "build/mutants/mutants.json")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "reports" / "killed.json")
    chosen = parser.parse_args(arguments)
    found = by_case(json.loads(chosen.kills.read_text(encoding="utf-8")))
    temporary = chosen.output.with_suffix(".tmp")
    temporary.write_text(json.dumps(found, indent=0) + "\n", encoding="utf-8")
    temporary.replace(chosen.output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
