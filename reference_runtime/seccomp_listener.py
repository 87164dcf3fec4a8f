"""SCMP_ACT_NOTIFY: the filter's descriptor goes to an agent (config-linux.md#seccomp).

The descriptor comes to be in the process that loads the filter, and execve(2) closes it. Between
the two any system call may be one that waits for the agent's answer. So that process makes none:
it writes the number into memory that it shares with the runtime, and looks there until the
runtime has got the descriptor (pidfd_getfd(2)) and has sent it.
"""

from __future__ import annotations

import _socket
import mmap
import os
import select

from reference_runtime import SPEC_VERSION, errors, jsonlite, processes, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    import struct

    from reference_runtime.channel import Channel
    from reference_runtime.container import Container
    from reference_runtime.model import Json
else:
    import _signal as signal
    import _struct as struct  # as in locks.py

FILE = "seccomp"  # in the container's directory, for start
_LISTENER, _SENT, _ERRNO = 0, 1, 2  # cells; of the first one more than the descriptor, 0 is none
_SIZE = mmap.PAGESIZE
_LOOKS = 10**9  # half a minute; if the runtime is killed meanwhile, this process is to end as well
_PATIENCE = 10.0  # seconds that a killed process may take to end
_WHERE = "linux.seccomp.listenerPath"


class Shared:
    """The memory of both: three numbers."""

    def __init__(self, fd: int) -> None:
        """Map a file, which is closed by that."""
        os.truncate(fd, _SIZE)
        self.cells = memoryview(mmap.mmap(fd, _SIZE)).cast("i")
        os.close(fd)

    def wait_until_sent(self, listener: int) -> None:
        """Give the descriptor away, in the process behind the filter, and wait."""
        self.cells[_LISTENER] = listener + 1
        for _ in range(_LOOKS):
            if self.cells[_SENT]:
                return
        message = "the runtime has not taken the seccomp descriptor"
        raise errors.OperationError(message)

    def fail(self, number: int) -> None:
        """Leave the error of execve where no system call is needed to tell it."""
        self.cells[_ERRNO] = number

    @property
    def problem(self) -> str:
        """Return why execve has failed, nothing if it has not."""
        number = self.cells[_ERRNO]
        return f"exec: {os.strerror(number)}" if number else ""


def share(directory: str) -> Shared:
    """Map the file of a container's directory; who comes first makes it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    return Shared(os.open(f"{directory}/{FILE}", flags, 0o600))


def hand_over(target: Container, shared: Shared, process: tuple[int, int], init: Channel) -> None:
    """Take the descriptor from the process, by pid and start time, and send it to the agent."""
    seccomp = target.record["forExec"]["seccomp"]
    poll = select.poll()
    poll.register(init.socket, select.POLLIN)
    while not shared.cells[_LISTENER]:
        if poll.poll(1):
            return  # the filter could not be loaded; the caller reads why
    pidfd = processes.open_process(*process)
    if pidfd is None:
        return
    try:
        listener = syscalls.pidfd_getfd(pidfd, shared.cells[_LISTENER] - 1)
        path = os.path.join(target.record["bundle"], seccomp["listenerPath"])
        send(path, process_state(target, process[0], seccomp), listener)
        os.close(listener)
    except BaseException as error:
        processes.send_signal(pidfd, signal.SIGKILL)
        processes.wait(pidfd, _PATIENCE)
        if not isinstance(error, OSError):
            raise
        message = f"{_WHERE}: {seccomp['listenerPath']}: {errors.reason(error)}"
        raise errors.OperationError(message) from None
    finally:
        os.close(pidfd)
    shared.cells[_SENT] = 1


def process_state(target: Container, pid: int, seccomp: Json) -> Json:
    """Return what the agent is told (config-linux.md#containerprocessstate)."""
    state: Json = {"ociVersion": SPEC_VERSION, "fds": ["seccompFd"], "pid": pid}
    if seccomp.get("listenerMetadata"):
        state["metadata"] = seccomp["listenerMetadata"]
    state["state"] = target.document(target.status())
    return state


def send(path: str, state: Json, listener: int) -> None:
    """Send one state over one connection, the descriptor with its first bytes."""
    text = jsonlite.dumps(state).encode()
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", listener))]
    agent = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    directory, _, name = path.rpartition("/")
    # By the directory's descriptor the path fits into sun_path's 108 bytes (unix(7)).
    parent = os.open(directory or "/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        agent.connect(f"/proc/self/fd/{parent}/{name}")
        sent = agent.sendmsg([text], rights, _socket.MSG_NOSIGNAL)
        agent.sendall(text[sent:], _socket.MSG_NOSIGNAL)
    finally:
        os.close(parent)
        agent.close()
