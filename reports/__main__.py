"""``python -m reports FORMAT RESULTS [-o FILE]``: renders a results.jsonl; never needs a re-run."""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from harness.faults import UsageError
from reports.load import load
from reports.text import line

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMATS = {
    "html": "one self-contained page, opened from disk",
    "summary": "plain text by section, as the terminal shows it at the end of a run",
}
"""Each is a module of this package with a pure function ``render(run) -> str``."""

USAGE = 4
"""Exit status of a usage error, as that of a run."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are usage errors like any other: one line, status 4."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and leaving with status 2."""
        message = f"{message} (see python -m reports --help)"
        raise UsageError(message)


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(prog="python -m reports", description="Render the results of a run.")
    formats = parser.add_subparsers(dest="format", metavar="FORMAT", required=True)
    for name, text in FORMATS.items():
        one = formats.add_parser(name, help=text, description=text)
        one.add_argument("results", type=Path, help="results.jsonl, or the directory that holds it")
        one.add_argument("-o", "--output", type=Path, help="write FILE, not standard output")
    return parser.parse_args(argv)


def write(path: Path, text: str, source: Path) -> None:
    """Write ``text`` so that ``path`` is the old file or the whole new; never over ``source``."""
    temporary = None
    try:
        path = path.resolve()
        if path in {source.resolve(), source.resolve() / "results.jsonl"}:
            raise FileExistsError(errno.EEXIST, "it holds the results")
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")  # a device or a pipe cannot be replaced
            return
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        message = f"{path}: cannot be written ({error.strerror}); give another file with -o"
        raise UsageError(message) from error


def main(argv: Sequence[str]) -> int:
    """Do what the command line says and return the exit status."""
    try:
        options = arguments(argv)
        run = load(options.results)
        text: str = importlib.import_module(f"reports.{options.format}").render(run)
        if options.output is None:
            sys.stdout.buffer.write(text.encode())
            sys.stdout.buffer.flush()
        else:
            write(options.output, text, options.results)
    except UsageError as error:
        print(f"reports: {line(str(error), 2000)}", file=sys.stderr)  # noqa: T201 - a command line
        return USAGE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
