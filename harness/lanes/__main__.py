"""``python -m harness.lanes LANE [OPTIONS] [-- PYTEST_ARGUMENTS]``: runs the suite in a lane.

Exit status: that of the run in the guest; 3 when the guest did not come to an end of its own, with
the end of its console; 4 for bad input.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from harness.faults import HarnessError, UsageError
from harness.lanes import LANES, boot, choosing, guest, machine
from harness.probe.build import build

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAMS = {
    machine.QEMU: "qemu-system-x86",
    "busybox": "busybox-static",
    "mkfs.ext4": "e2fsprogs",
}
"""What a lane needs, and the Debian package that has it."""

INTERRUPTED, ERROR, USAGE = 2, 3, 4


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are usage errors like any other."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and leaving with status 2."""
        message = f"{message} (see python -m harness.lanes --help)"
        raise UsageError(message)


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line; what follows ``--`` is pytest's."""
    lanes = "; ".join(f"{name}: {lane.about}" for name, lane in LANES.items())
    parser = Parser(prog="python -m harness.lanes", description=__doc__.partition("\n")[0])
    parser.add_argument("lane", choices=LANES, metavar="LANE", help=lanes)
    parser.add_argument("--runtime", default="", help="runtime to judge (default: the bundled one)")
    parser.add_argument(
        "--only-skipped-in",
        type=Path,
        action="append",
        default=[],
        metavar="RESULTS",
        help="only the cases that this run, say one of the host, skipped; with more of these, say "
        "of lanes: and that none of them ran",
    )
    parser.add_argument(
        "--results", type=Path, metavar="DIR", help="default: build/results/lanes/LANE-RUNTIME"
    )
    parser.add_argument(
        "--deadline", type=float, default=5400.0, metavar="SECONDS", help="for the whole guest"
    )
    parser.add_argument(
        "--quiet",
        type=float,
        default=600.0,
        metavar="SECONDS",
        help="how long the guest may show no sign of life",
    )
    parser.epilog = "What follows -- is given to pytest: -k, -m, -n, --durations, paths."
    own, rest = _cut(argv)
    chosen = parser.parse_args(own)
    chosen.pytest = rest
    return chosen


def _cut(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part the words at the first ``--``; argparse would refuse options that follow it."""
    words = list(argv)
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def check() -> None:
    """Raise UsageError that names what is missing for any lane, and the way out."""
    if platform.machine() != "x86_64":
        raise UsageError(f"lanes are made for x86_64; this is {platform.machine()}")
    if missing := [program for program in PROGRAMS if shutil.which(program) is None]:
        packages = " ".join(PROGRAMS[program] for program in missing)
        install = f"apt-get install --no-install-recommends {packages}"
        raise UsageError(f"a lane needs {', '.join(missing)}: {install}")


def pytest_line(chosen: argparse.Namespace) -> list[str]:
    """Return pytest's command line in the guest.

    There an operation may take 36 times as long as the suite allows on a host: a guest that shares
    its processor with others was seen to stand still for a minute, which is no hang of a runtime.
    """
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--deadline=180"]
    argv += [f"--lane={chosen.lane}", f"--results={guest.OUT}/results"]
    if chosen.runtime:
        found = shutil.which(chosen.runtime)
        if found is None:
            raise UsageError(f"--runtime {chosen.runtime}: no such program")
        argv.append(f"--runtime={Path(found).resolve()}")
    if chosen.only_skipped_in:
        argv.append(f"@{guest.OUT}/cases")
    return [*argv, *chosen.pytest]


def main(argv: Sequence[str]) -> int:
    """Run one lane and return the exit status."""
    # As an interrupt does: the guest is ended, and what belongs to it removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        chosen = arguments(argv)
        check()
        return _run(chosen)
    except UsageError as error:
        _say(f"lanes: {error}")
        return USAGE
    except HarnessError as error:
        _say(f"lanes: {error}")
        return ERROR
    except KeyboardInterrupt:
        _say("lanes: interrupted; the guest was ended, its results are lost")
        return INTERRUPTED


def _run(chosen: argparse.Namespace) -> int:
    lane = LANES[chosen.lane]
    line = pytest_line(chosen)
    skipped = choosing.skipped(chosen.only_skipped_in) if chosen.only_skipped_in else []
    cases = choosing.known(skipped) if skipped else []
    if gone := len(skipped) - len(cases):
        _say(f"lane {chosen.lane}: {gone} of the cases that were skipped are not in this suite")
    build()  # here and not ten times slower in the guest, which sees our cache
    with boot.place() as out:
        (out / "cases").write_text(choosing.arguments(cases), encoding="utf-8")
        _say(f"lane {chosen.lane}: {lane.about}; follow it in {out}/stdout")
        ended = boot.run(lane, line, out, deadline=chosen.deadline, quiet=chosen.quiet)
        return report(chosen, out, ended)


def report(chosen: argparse.Namespace, out: Path, ended: machine.Ended) -> int:
    """Show what the guest printed, bring its results out, say how it ended."""
    for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
        if (out / name).exists():
            stream.write((out / name).read_text(encoding="utf-8", errors="replace"))
    name = Path(chosen.runtime or "reference-runtime").name
    results = chosen.results or boot.ROOT / "build" / "results" / "lanes" / f"{chosen.lane}-{name}"
    brought = bring(out, results)
    _say(f"lane {chosen.lane}: {ended.seconds:.0f} s{f', results in {brought}' if brought else ''}")
    if ended.status is None:
        _say(f"lanes: {ended.why}; the end of its console:\n{machine.console(out)}")
        return ERROR
    return ended.status


def bring(out: Path, results: Path) -> Path | None:
    """Move what the guest wrote to ``results``, each file whole; return where, None if nothing.

    A run of chosen cases is in a directory ``partial``. It is moved with its name: it never takes
    the place of a whole run.
    """
    files = [file for file in (out / "results").rglob("*") if file.is_file()]
    for file in [*files, *(out / name for name in ("console", "dmesg") if (out / name).exists())]:
        inside = file.relative_to(out / "results") if file in files else Path(file.name)
        target = results / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name}")
        shutil.copyfile(file, unfinished)
        unfinished.replace(target)
    found = next((file for file in files if file.name == "results.jsonl"), None)
    return results / found.relative_to(out / "results") if found else None


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
