"""Calls into libc through _ctypes, the C half of ctypes: the Python half costs 4 ms of every start.

The three classes are what ctypes itself builds on first use.
"""

from __future__ import annotations

import _ctypes
import os


class Long(_ctypes._SimpleCData):  # type: ignore[type-arg] # noqa: SLF001
    """C's long: as wide as a system call's argument and result."""

    _type_ = "l"


class _Function(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = Long


_libc = _ctypes.dlopen(None, 0)  # type: ignore[arg-type] # None: this program itself
_functions: dict[str, _Function] = {}


def call(name: str, *arguments: int | bytes | None) -> int:
    """Call a function of libc; raise OSError with errno when it returns -1."""
    function = _functions.get(name)
    if function is None:
        function = _functions[name] = _Function(_ctypes.dlsym(_libc, name))
    result: int = function(*[Long(a) if isinstance(a, int) else a for a in arguments])
    if result == -1:
        errno = _ctypes.get_errno()
        raise OSError(errno, os.strerror(errno))
    return result
