"""`create --plan`: what create, start and delete do, in order, as their steps describe themselves.

The numbers are those of runtime.md#lifecycle. Indented is what another process does while the
runtime waits for it: stage1 and init, which create forks. The program replaces init.
"""

from __future__ import annotations

import os

from reference_runtime import init, op_create, preparation, stage, steps, validate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reference_runtime.command_line import Arguments

    Row = tuple[int, str, str]  # number in the lifecycle, process, what it does

RUNTIME, STAGE1, INIT = "runtime", "  stage1", "  init"


def show(arguments: Arguments) -> None:
    """Check the bundle as far as it can be without making anything, and print the plan."""
    bundle = os.path.abspath(arguments.bundle)
    config = preparation.read_configuration(f"{bundle}/config.json")
    validate.root_directory(os.path.join(bundle, config["root"]["path"]))
    os.write(1, "".join(f"{n:2}  {who:9} {what}\n" for n, who, what in rows()).encode())


def rows() -> Iterator[Row]:
    """Return a row for each step, in the order in which they begin."""
    yield 1, RUNTIME, "create: read and check config.json, prepare what it asks for"
    yield 2, RUNTIME, "claim the ID by a record of the container"
    for step in op_create.STEPS:
        yield step.lifecycle, RUNTIME, step.describe
        yield from meanwhile(step)
    yield 6, RUNTIME, "start: find init waiting, tell it to go on"
    yield from described(INIT, init.PROGRAM)
    yield 9, RUNTIME, "run the poststart hooks"
    yield 10, "program", "exit"
    yield 11, RUNTIME, "delete: see that the container has stopped"
    yield 12, RUNTIME, "remove the cgroups and the record of the container"
    yield 13, RUNTIME, "run the poststop hooks"


def meanwhile(step: steps.Step) -> Iterator[Row]:
    """Return what the forked processes do while the runtime is at this step."""
    if isinstance(step, op_create.Fork):
        yield from described(STAGE1, stage.STEPS)
    elif isinstance(step, op_create.MakeEnvironment):
        yield from described(INIT, init.ENVIRONMENT)
    elif isinstance(step, op_create.FinishRoot):
        yield from described(INIT, init.ROOT)


def described(process: str, these: Sequence[steps.Step]) -> Iterator[Row]:
    """Let each step of a list describe itself."""
    for step in these:
        yield step.lifecycle, process, step.describe
