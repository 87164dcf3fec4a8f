"""Run the suite again and again, in random order and in parallel: no verdict may differ.

``python tools/stability.py TIMES RUNTIME... [--cases PATH...]`` prints the cases that differ, with
the verdicts that each came to and the evidence of the rarest; exit status 1 if there is one. A
RUNTIME '' is the bundled one.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import textwrap
from collections import Counter, defaultdict
from pathlib import Path

from harness import results

WORKERS = 4


def run(runtime: str, seed: int, directory: Path, cases: list[str]) -> results.Run:
    """Run the suite once, or these cases of it; ``runtime`` may be empty for the bundled one."""
    words = [
        sys.executable, "-m", "pytest", *cases, "-q", "--tb=no", "-p", "no:cacheprovider",
        "-p", "randomly", f"--randomly-seed={seed}", f"-n{WORKERS}", f"--results={directory}",
    ]  # fmt: skip
    words += [f"--runtime={runtime}"] if runtime else []
    subprocess.run(words, check=False, stdout=subprocess.DEVNULL)
    partial = directory / "partial"
    return results.read(partial if partial.exists() else directory)


def evidence(case: results.Case) -> str:
    """Tell why, and the operations with what they printed."""
    lines = [case.reason]
    for done in case.operations:
        said = f"{done.at:.3f} s: {done.name}, {done.seconds:.3f} s, {done.exit_status}"
        lines.append(f"{said} {done.fault} {done.stderr[-500:]}")
    return "\n".join(lines)


def main() -> int:
    """Compare the runs of each runtime."""
    parser = argparse.ArgumentParser(prog="tools/stability.py", description=__doc__)
    parser.add_argument("times", type=int)
    parser.add_argument("runtimes", nargs="*", default=[""], metavar="RUNTIME")
    parser.add_argument("--cases", nargs="*", default=[], metavar="PATH", help="default: all")
    chosen = parser.parse_args()
    times, runtimes = chosen.times, chosen.runtimes
    unstable = False
    for runtime in runtimes:
        seen: dict[str, Counter[str]] = defaultdict(Counter)
        reasons: dict[tuple[str, str], str] = {}
        for seed in range(times):
            with tempfile.TemporaryDirectory() as directory:
                found = run(runtime, seed, Path(directory), chosen.cases)
            for case in found.cases:
                seen[case.case][case.verdict.value] += 1
                reasons[case.case, case.verdict.value] = evidence(case)
        differing = {case: dict(verdicts) for case, verdicts in seen.items() if len(verdicts) > 1}
        name = runtime or "the reference runtime"
        sys.stdout.write(f"{name}: {times} runs, {len(seen)} cases, {len(differing)} differ\n")
        for id_, verdicts in sorted(differing.items()):
            sys.stdout.write(f"  {id_}: {verdicts}\n")
            rarest = min(verdicts, key=verdicts.__getitem__)
            sys.stdout.write(textwrap.indent(reasons[id_, rarest], "    ") + "\n")
        sys.stdout.flush()
        unstable |= bool(differing)
    return 1 if unstable else 0


if __name__ == "__main__":
    raise SystemExit(main())
