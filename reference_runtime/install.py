"""`python3 -m reference_runtime.install PATH` writes the runtime's launcher to PATH.

Its first line names the interpreter that runs this, absolutely: engines call runtimes without
PATH. -I and -S leave out the caller's environment and the site packages, which cost 30 ms.
"""

from __future__ import annotations

import os
import sys

_LAUNCHER = """\
#!{interpreter} -IS
import sys
sys.path.insert(0, {parent!r})
from reference_runtime import cli
cli.main()
"""


def write_launcher(path: str) -> None:
    """Write the launcher in one step, so that a runtime in use is never half a file."""
    parent = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    text = _LAUNCHER.format(interpreter=os.path.realpath(sys.executable), parent=parent)
    new = f"{path}.{os.getpid()}"
    with open(new, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(new, 0o755)  # noqa: S103 (a program is for everybody to run)
    os.rename(new, path)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):  # noqa: PLR2004
        sys.exit("usage: python3 -m reference_runtime.install PATH")
    write_launcher(sys.argv[1])
