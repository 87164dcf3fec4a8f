"""``python -m reports FORMAT RESULTS... [-o FILE]``: renders results.jsonl; needs no re-run."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from harness.faults import ResultsError, UsageError
from reports.load import load
from reports.output import write, write_folder
from reports.text import line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FORMATS = {
    "html": "one self-contained page, opened from disk",
    "summary": "plain text by section, as the terminal shows it at the end of a run",
    "markdown": "a summary for the page of a CI job",
    "audit": "the cases that never ran, by what they need; over runs of all lanes merged",
    "junit": "JUnit XML: failure for fail and blocked, error for ours, skipped with its reason",
    "badge": "the endpoint JSON that badge services read",
}
"""Of one run: each is a module of this package with a pure function ``render(run) -> str``."""

OK, REGRESSION, USAGE = 0, 1, 4
"""Exit statuses; that of a usage error is the same as that of a run."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are usage errors like any other: one line, status 4."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and leaving with status 2."""
        message = f"{message} (see python -m reports --help)"
        raise UsageError(message)


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line; ``act`` is the function that does it."""
    parser = Parser(
        prog="python -m reports", description="Render the results of a run, or several."
    )
    formats = parser.add_subparsers(dest="format", metavar="FORMAT", required=True)

    def add(name: str, text: str, act: Callable[[argparse.Namespace], int]) -> Parser:
        one = formats.add_parser(name, help=text, description=text)
        one.set_defaults(act=act)
        one.add_argument("-o", "--output", type=Path, help="write FILE, not standard output")
        return one

    for name, text in FORMATS.items():
        _takes(add(name, text, _one), "results")
    _takes(add("compare", "one page: clauses as rows, runs as columns", _compare), "results", "+")
    two = add("diff", "what changed from OLD to NEW; exit status 1 on a regression", _diff)
    _takes(two, "old")
    _takes(two, "new")
    two.add_argument("--format", dest="style", choices=["text", "markdown"], default="text")
    merged = add("merge", "shards, reruns or lanes as one results.jsonl", _merge)
    _takes(merged, "results", "+")
    whole = "number of cases of the whole suite: what is missing of them is said"
    merged.add_argument("--collected", type=int, metavar="N", help=whole)
    _takes(add("submission", "a folder (-o) such as a certification takes", _submission), "results")
    said = "evidence/ again: bundle and repro.sh of each case that did not pass (-o: a directory)"
    _takes(add("evidence", said, _evidence), "results")
    return parser.parse_args(argv)


def _takes(parser: Parser, name: str, count: str | None = None) -> None:
    text = "results.jsonl, or the directory that holds it"
    parser.add_argument(name, type=Path, nargs=count, help=text)


def _one(options: argparse.Namespace) -> int:
    run = load(options.results)
    text: str = importlib.import_module(f"reports.{options.format}").render(run)
    return _give(options, text, options.results)


def _compare(options: argparse.Namespace) -> int:
    _several(options)
    compare = importlib.import_module("reports.compare")
    text: str = compare.render([load(path) for path in options.results])
    return _give(options, text, *options.results)


def _diff(options: argparse.Namespace) -> int:
    from reports import diff  # noqa: PLC0415 - as the other formats: only who asks waits for it

    found = diff.compare(load(options.old), load(options.new))
    text = diff.text(found) if options.style == "text" else diff.markdown(found)
    _give(options, text, options.old, options.new)
    if found.failing:
        return REGRESSION
    if found.unseen:
        raise ResultsError(f"{options.new}: {found.unseen}: a regression might not be seen")
    return OK


def _merge(options: argparse.Namespace) -> int:
    from reports import merge  # noqa: PLC0415 - as above

    _several(options)
    named = [(str(path), load(path)) for path in options.results]
    run = merge.merge(named, options.collected)
    text = merge.render(run)
    directory = options.output
    if directory is None or not directory.is_dir():
        return _give(options, text, *options.results)
    options.output = directory / "results.jsonl"
    status = _give(options, text, *options.results)
    from reports import repro  # noqa: PLC0415 - as above

    repro.write_all(run, directory, repro.probe_beside(options.results))
    return status


def _submission(options: argparse.Namespace) -> int:
    from reports import submission  # noqa: PLC0415 - as above

    if options.output is None:
        raise UsageError("submission: name the folder that is to be made, with -o")
    file = options.results / "results.jsonl" if options.results.is_dir() else options.results
    run = load(file)
    write_folder(options.output, submission.files(run, file.read_bytes(), str(file)))
    return OK


def _evidence(options: argparse.Namespace) -> int:
    from reports import repro  # noqa: PLC0415 - as above

    given: Path = options.results
    directory = options.output or (given if given.is_dir() else given.parent)
    repro.write_all(load(given), directory, repro.probe_beside([directory, given]))
    return OK


def _several(options: argparse.Namespace) -> None:
    places = [(p / "results.jsonl" if p.is_dir() else p).resolve() for p in options.results]
    if len(set(places)) < max(2, len(places)):
        raise UsageError(f"{options.format}: give two runs or more, each once")


def _give(options: argparse.Namespace, text: str, *sources: Path) -> int:
    """Write the report; who reads only its beginning does not change the exit status."""
    if options.output is not None:
        write(options.output, text, sources)
        return OK
    try:
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return OK


def main(argv: Sequence[str]) -> int:
    """Do what the command line says and return the exit status."""
    try:
        options = arguments(argv)
        status: int = options.act(options)
    except UsageError as error:
        print(f"reports: {line(str(error), 2000)}", file=sys.stderr)  # noqa: T201 - a command line
        return USAGE
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
