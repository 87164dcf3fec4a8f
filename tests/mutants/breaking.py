"""How a mutant breaks the reference runtime: one thing is replaced before main is called.

A mutant is a function with ``@mutant(clause)`` in a file of this folder, named for its one defect;
its docstring says what a user would see. Its launcher is a runtime like any other::

    #!/path/of/python3 -IS
    ...
    signals_are_swallowed()
    cli.main()

The reference runtime calls ``module.function``, and its steps stand in lists at module level, so
that what is replaced here is replaced for all callers, in every process that it forks.
"""

from __future__ import annotations

import importlib
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    Break = TypeVar("Break", bound=Callable[[], None])


SPECIFIED = {"state", "create", "start", "kill", "delete", "features"}
OF_ENGINES = {"exec", "list", "pause", "ps", "resume", "run", "spec", "update"}
OPERATIONS = SPECIFIED | OF_ENGINES


def mutant(
    *clauses: str, also: Iterable[str] = (), spec: str = "", needs: str = "", right: bool = False
) -> Callable[[Break], Break]:
    """Name the clauses that the mutant violates; every one of them has to notice it.

    ``also`` lists the clauses that it cannot help violating, each with the reason in a comment
    (``hooks.*`` stands for all that begin so). ``spec`` is the release that it is judged by: by
    default the last one in which the clause stands. ``needs`` names what a host must have for it
    to be seen: where all cases are skipped for lack of that it counts as not run, not as survived.
    One that is ``right`` is none: it behaves as an older release wants it, and every case of its
    clauses has to pass. The arguments are literals, or names of such: nothing is run to read them.
    """
    del clauses, also, spec, needs, right
    return lambda function: function


def replace(owner: object, name: str, new: object) -> None:
    """Put ``new`` in the place of an attribute of a module, class or object, which it must have."""
    getattr(owner, name)
    setattr(owner, name, new)


def wrap(owner: object, name: str, around: Callable[..., Any]) -> None:
    """Call ``around(original, *arguments)`` instead of the original."""
    original = getattr(owner, name)
    setattr(owner, name, lambda *a, **k: around(original, *a, **k))


def skip(owner: object, name: str, result: object = None) -> None:
    """Have a function do nothing but return ``result``."""
    replace(owner, name, lambda *_a, **_k: result)


def drop(steps: list[Any], step: type) -> None:
    """Leave out the step of a list that is of this class."""
    del steps[position(steps, step)]


def move(steps: list[Any], step: type, *, before: type | None = None) -> None:
    """Put a step before another one of its list, or at its end."""
    moved = steps.pop(position(steps, step))
    steps.insert(position(steps, before) if before else len(steps), moved)


def position(steps: list[Any], step: type) -> int:
    """Return the index of the step of this class; ValueError if there is none."""
    return [type(one) for one in steps].index(step)


def command() -> str:
    """Return the operation of this command line, the first word that is one: ``create``."""
    return next((word for word in sys.argv[1:] if word in OPERATIONS), "")


def saying(old: str, new: str, *, of: str | None = None) -> None:
    """Have each error say something else, of this operation only if ``of`` names one."""
    report = importlib.import_module("reference_runtime.report")
    if of in {None, command()}:
        wrap(report, "error", lambda original, text: original(text.replace(old, new)))


def behind_a_daemon(original: Callable[[Any], object], arguments: object) -> None:
    """Operate in a process that stays, and adopts what the operation leaves running."""
    syscalls = importlib.import_module("reference_runtime.syscalls")
    read, write = os.pipe()
    if os.fork():
        os.close(write)
        os._exit(0 if os.read(read, 1) else 1)
    os.close(read)
    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
    original(arguments)
    os.write(write, b"x")
    os.close(write)
    os.waitpid(-1, 0)
    os._exit(0)


def reads(change: Callable[[Any], object]) -> None:
    """Have the runtime take the configuration for what ``change`` makes of it, before any check."""
    validate = importlib.import_module("reference_runtime.validate")

    def configuration(original: Callable[[Any], None], config: Any) -> None:
        change(config)
        original(config)

    wrap(validate, "configuration", configuration)
