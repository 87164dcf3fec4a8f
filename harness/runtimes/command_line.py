"""The command line that runc, crun, youki and runsc share."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class CommandLine:
    """Words of each operation, without the program itself.

    ``id`` None leaves the container's ID out: that is how a command line is not given one.
    An operation errs with an exit status above zero.
    """

    def global_options(self, root: Path) -> list[str]:
        """Options before the operation: a state directory of our own."""
        return ["--root", str(root)]

    def create(self, id_: str | None, bundle: str | None) -> list[str]:
        """Words of create; ``bundle`` None gives no path to a bundle."""
        option = [] if bundle is None else ["--bundle", bundle]
        return ["create", *option, *_given(id_)]

    def with_console(self, create: list[str], socket: Path) -> list[str]:
        """Words of create with a socket for the master of the container's terminal."""
        return [create[0], "--console-socket", str(socket), *create[1:]]

    def state(self, id_: str | None) -> list[str]:
        """Words of state."""
        return ["state", *_given(id_)]

    def start(self, id_: str | None) -> list[str]:
        """Words of start."""
        return ["start", *_given(id_)]

    def kill(self, id_: str | None, signal_: str | None) -> list[str]:
        """Words of kill; ``signal_`` None leaves the signal out."""
        return ["kill", *_given(id_), *_given(signal_)]

    def delete(self, id_: str | None) -> list[str]:
        """Words of delete."""
        return ["delete", *_given(id_)]

    def force_delete(self, id_: str) -> list[str]:
        """Words that end and remove a container in any state: for cleaning, never for a case."""
        return ["delete", "--force", id_]

    def exec(self, id_: str, process: Path, options: Sequence[str] = ()) -> list[str]:
        """Words that execute a further program, of which ``process`` is the configuration."""
        return ["exec", *options, "--process", str(process), id_]

    def update(self, id_: str, resources: Path) -> list[str]:
        """Words that change the limits to those of a file in the form of linux.resources."""
        return ["update", "--resources", str(resources), id_]

    def pause(self, id_: str) -> list[str]:
        """Words that freeze all processes of a container."""
        return ["pause", id_]

    def resume(self, id_: str) -> list[str]:
        """Words that thaw them."""
        return ["resume", id_]

    def ps(self, id_: str) -> list[str]:
        """Words that print the process IDs as a JSON array."""
        return ["ps", "--format", "json", id_]

    def list_all(self) -> list[str]:
        """Words that print the states of all containers as a JSON array."""
        return ["list", "--format", "json"]

    def run(self, id_: str, bundle: str, options: Sequence[str] = ()) -> list[str]:
        """Words that create and start a container, wait for its program and delete it."""
        return ["run", *options, "--bundle", bundle, id_]

    def features(self) -> list[str]:
        """Words that print the features structure."""
        return ["features"]

    def version(self) -> list[str]:
        """Words that print name, version and the specification's version."""
        return ["--version"]

    def signal(self, number: int) -> str:
        """Return how kill is given signal ``number``: a standard one by name, others by number."""
        # SIGRTMIN of the C library is 34; the kernel's 32 and 33 are the library's own, and the
        # names between them are spelt differently by every runtime.
        if number in _STANDARD:
            return signal.Signals(number).name.removeprefix("SIG")
        return str(number)

    def signal_number(self, number: int) -> str:
        """Return how kill is given signal ``number`` by its number."""
        return str(number)


def _given(word: str | None) -> list[str]:
    return [] if word is None else [word]


_STANDARD = frozenset(
    s.value for s in signal.Signals if not s.name.startswith(("SIGRT", "SIG_", "SIGCLD", "SIGPOLL"))
)
