"""Where a report goes: a file or a folder, each the old or the whole new, never half of one."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from harness.faults import UsageError
from reports.text import line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def write(
    path: Path, text: str, sources: Sequence[Path], way: str = "give another file with -o"
) -> None:
    """Write ``text`` so that ``path`` is the old file or the whole new; never over a source.

    ``sources`` are results files or their directories. UsageError says what cannot be written, and
    the ``way`` out.
    """
    temporary = None
    try:
        path = path.resolve()
        _keep(path, sources)
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")  # a device or a pipe cannot be replaced
            return
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except (OSError, ValueError) as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        _refuse(path, error, way)


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Make the folder ``path`` of ``files``, names to contents; it must not hold anything yet."""
    temporary = None
    try:
        path = path.resolve()
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        for name, content in files.items():
            (temporary / name).write_bytes(content)
        temporary.chmod(0o755)  # mkdtemp's is for its owner alone
        temporary.rename(path)  # which replaces an empty folder and nothing else
    except (OSError, ValueError) as error:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        _refuse(path, error, "give another folder with -o")


def _keep(path: Path, sources: Sequence[Path]) -> None:
    held = {place for s in sources for place in (s.resolve(), s.resolve() / "results.jsonl")}
    if path in held:
        raise FileExistsError(errno.EEXIST, "it holds the results")


def _refuse(path: Path, error: OSError | ValueError, way: str) -> NoReturn:
    why = error.strerror if isinstance(error, OSError) else str(error)
    message = f"{line(str(path), 1000)}: cannot be written ({why}); {way}"
    raise UsageError(message) from error
