"""What a seccomp filter says of a system call, asked before the filter is loaded (seccomp(2)).

start has to know: of a process that its filter kills at execve it sees no more than of one that
has become the program and ended. This interprets the instructions that libseccomp generates.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import struct
else:
    import _struct as struct  # as in locks.py

_AUDIT_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_EXECVE = {"x86_64": 59, "aarch64": 221}
_NR, _ARCH = 0, 4  # offsets in struct seccomp_data; what follows is not known beforehand

# Instructions of classic BPF (linux/filter.h), those with a constant operand.
_LD_ABS, _AND, _JA, _RET = 0x20, 0x54, 0x05, 0x06
_JEQ, _JGT, _JGE, _JSET = _JUMPS = (0x15, 0x25, 0x35, 0x45)

_ACTION, _DATA = 0xFFFF0000, 0xFFFF
_ERRNO, _TRACE = 0x00050000, 0x7FF00000
_KILLS = {0x80000000, 0x00000000, 0x00030000}  # the process, the thread, by SIGSYS (TRAP)


def of_execve(program: bytes) -> str:
    """Say what keeps execve from executing a program, nothing if nothing is known to."""
    machine = os.uname().machine
    if machine not in _EXECVE:
        return ""
    answer = interpret(program, _EXECVE[machine], _AUDIT_ARCHITECTURES[machine])
    if answer is None:
        return ""
    action = answer & _ACTION
    if action in _KILLS:
        return "linux.seccomp: the filter kills the container process at execve"
    if action == _ERRNO:
        return f"linux.seccomp: the filter answers execve: {os.strerror(answer & _DATA)}"
    if action == _TRACE:
        return "linux.seccomp: the filter asks a tracer about execve, and there is none"
    return ""


def interpret(program: bytes, number: int, architecture: int) -> int | None:
    """Return the action for a call; None if it depends on more than number and architecture."""
    data = {_NR: number, _ARCH: architecture}
    accumulator = position = 0
    instructions = list(struct.iter_unpack("HBBI", program))
    while position < len(instructions):
        code, if_true, if_false, k = instructions[position]
        position += 1
        if code == _RET:
            return int(k)
        if code == _LD_ABS and k in data:
            accumulator = data[k]
        elif code == _AND:
            accumulator &= k
        elif code == _JA:
            position += k
        elif code in _JUMPS:
            position += if_true if _holds(code, accumulator, k) else if_false
        else:
            return None
    return None


def _holds(code: int, accumulator: int, k: int) -> bool:
    truths = {
        _JEQ: accumulator == k,
        _JGT: accumulator > k,
        _JGE: accumulator >= k,
        _JSET: accumulator & k != 0,
    }
    return truths[code]
