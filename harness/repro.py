"""A shell script that does again what a case did: to be read, sent upstream, and run without us."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from harness.workspace import DIRECTORIES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HEAD = """\
#!/bin/sh
# {about}
#
# Run it as root; what it makes is below one directory and goes at the end. RUNTIME and PROBE (the
# static program in the containers: python -m harness.probe.build) may be given.
RUNTIME=${{RUNTIME:-{runtime}}}
PROBE=${{PROBE:-{probe}}}
work=$(mktemp -d) && chmod 711 "$work" && mkdir -m 711 "$work/root" "$work/tools" || exit 1
cp "$PROBE" "$work/tools/probe"
trap 'for id in $(ls "$work/root"); do
  "$RUNTIME" --root "$work/root" delete --force "$id"; done >/dev/null 2>&1; rm -rf "$work"' EXIT

bundle() {{ # the path of a bundle below $work; config.json comes on stdin
  mkdir -p "$work/$1/rootfs" && (cd "$work/$1/rootfs" && mkdir {directories} && mkfifo gate &&
    cp "$PROBE" probe && : >log && chmod 666 gate log && chmod 1777 tmp)
  sed "s|@WORK@|$work|g" >"$work/$1/config.json"
}}
call() {{ # the words of an operation; what runs in the container keeps the file
  out=$(mktemp -p "$work")
  echo "+ $*"
  "$RUNTIME" "$@" </dev/null >"$out" 2>&1
  echo "exit status $?"
  sleep 0.3
  cat "$out"
}}

"""


class Repro:
    """The script as it grows. All paths that it is given lie below ``directory``, the case's."""

    def __init__(self, runtime: str, probe: Path, directory: Path) -> None:
        self.runtime = runtime
        self.probe = probe
        self.directory = str(directory)
        self._lines: list[str] = []

    def bundle(self, path: Path, config: str) -> None:
        """Make a bundle with this config.json and an ordinary root file system."""
        self._lines += [f"bundle {self._below(path)} <<'END'", self._named(config), "END"]

    def config(self, path: Path, config: str | None) -> None:
        """Replace the config.json of a bundle; None removes it."""
        file = f'"$work/{self._below(path)}/config.json"'
        if config is None:
            self._lines.append(f"rm {file}")
        else:
            self._lines += [f"sed \"s|@WORK@|$work|g\" >{file} <<'END'", self._named(config), "END"]

    def call(self, argv: Sequence[str]) -> None:
        """Call the runtime with the words behind the program's own name."""
        self._lines.append(" ".join(["call", *map(self._word, argv)]))

    def exits(self, path: Path) -> None:
        """Have the program of a bundle go on that waits at its gate."""
        self._lines.append(f'timeout 5 sh -c "echo >$work/{self._below(path)}/rootfs/gate"')
        self._lines.append("sleep 0.3")

    def killed(self, id_: str, root: Path) -> None:
        """End the process of a container as the kernel does, without the runtime."""
        state = " ".join(map(self._word, ["--root", str(root), "state", id_]))
        self._lines.append(
            f'kill -KILL $("$RUNTIME" {state} | sed -n \'s/.*"pid": *\\([0-9]*\\).*/\\1/p\')'
        )
        self._lines.append("sleep 0.3")

    def remark(self, text: str) -> None:
        """Say what comes next."""
        self._lines.append("# " + text.replace("\n", "\n# "))

    def text(self, about: str) -> str:
        """Return the script; ``about`` says in a few lines what it shows."""
        head = HEAD.format(
            about=about.strip().replace("\n", "\n# "),
            runtime=shlex.quote(self.runtime),
            probe=shlex.quote(str(self.probe)),
            directories=" ".join(DIRECTORIES),
        )
        return head + "\n".join(self._lines) + "\n"

    def _below(self, path: Path) -> str:
        return str(path).removeprefix(self.directory).lstrip("/")

    def _named(self, text: str) -> str:
        return text.replace(self.directory, "@WORK@").rstrip("\n")

    def _word(self, word: str) -> str:
        if self.directory in word:
            return '"' + word.replace(self.directory, "$work") + '"'
        return shlex.quote(word)
