"""Forked processes of the runtime: they run one function and none of their parent's code.

Whatever happens, they end with it; an error goes to the runtime, which is at the channel's end.
"""

from __future__ import annotations

import os

from reference_runtime import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from reference_runtime.creation import Creation

    Body = Callable[[Creation], None]


def child(body: Body, creation: Creation) -> int:
    """Fork a process; return its pid."""
    pid = os.fork()
    if pid == 0:
        run_and_end(body, creation)
    return pid


def named_child(body: Body, word: str, creation: Creation) -> None:
    """Fork a process that begins when the runtime was told its pid, undumpable.

    Of one that it cannot name the runtime could wait for ever; into a dumpable one the processes
    of the container could look (ptrace(2)).
    """
    if not creation.is_alone:
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    named, name = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(name)
        if not os.read(named, 1):
            os._exit(1)  # the parent was killed before
        os.close(named)
        run_and_end(body, creation)
    creation.there.send(word, str(pid))
    os.write(name, b"!")


def run_and_end(body: Body, creation: Creation) -> NoReturn:
    """Run the function and end this process: with status 0 if it returns."""
    status = 1
    try:
        body(creation)
        status = 0
    except BaseException as error:  # noqa: BLE001 (all of them go to the runtime)
        creation.there.send_error(error)
    finally:
        os._exit(status)
