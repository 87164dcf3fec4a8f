"""Calls into C libraries through _ctypes, the C half of ctypes: the Python half costs 4 ms.

The classes are what ctypes itself builds on first use.
"""

from __future__ import annotations

import _ctypes
import os


class Long(_ctypes._SimpleCData):  # type: ignore[type-arg] # noqa: SLF001
    """C's long: as wide as a system call's argument and result."""

    _type_ = "l"


class _Int(_ctypes._SimpleCData):  # type: ignore[type-arg] # noqa: SLF001
    _type_ = "i"


class _Char(_ctypes._SimpleCData):  # type: ignore[type-arg] # noqa: SLF001
    _type_ = "c"


class _Text(_ctypes._SimpleCData):  # type: ignore[type-arg] # noqa: SLF001
    _type_ = "z"  # char *


class _Function(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = Long


class _IntFunction(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL
    _restype_ = _Int


_libc = _ctypes.dlopen(None, 0)  # type: ignore[arg-type] # None: this program itself
_functions: dict[str, _Function] = {}


class Call:
    """A call of a function of libc with all that it needs, so that making it allocates nothing."""

    def __init__(self, name: str, *arguments: int | bytes | _ctypes.Array | None) -> None:  # type: ignore[type-arg]
        """Find the function and convert the arguments."""
        function = _functions.get(name)
        if function is None:
            function = _functions[name] = _Function(_ctypes.dlsym(_libc, name))
        self.function = function
        self.arguments = tuple([Long(a) if isinstance(a, int) else a for a in arguments])

    def __call__(self) -> int:
        """Make it; raise OSError with errno when it returns -1."""
        result: int = self.function(*self.arguments)
        if result == -1:
            errno = _ctypes.get_errno()
            raise OSError(errno, os.strerror(errno))
        return result


def call(name: str, *arguments: int | bytes | None) -> int:
    """Call a function of libc; raise OSError with errno when it returns -1."""
    return Call(name, *arguments)()


class Library:
    """Another library than libc."""

    def __init__(self, name: str) -> None:
        """Load it; OSError says why it cannot be."""
        self.handle = _ctypes.dlopen(name, os.RTLD_NOW)

    def number(self, name: str, *arguments: int | bytes) -> int:
        """Call a function that returns an int."""
        function = _IntFunction(_ctypes.dlsym(self.handle, name))
        result: int = function(*[Long(a) if isinstance(a, int) else a for a in arguments])
        return result

    def pointer(self, name: str, *arguments: int | bytes) -> int:
        """Call a function that returns a pointer."""
        function = _Function(_ctypes.dlsym(self.handle, name))
        result: int = function(*[Long(a) if isinstance(a, int) else a for a in arguments])
        return result


def array(content: bytes) -> _ctypes.Array:  # type: ignore[type-arg]
    """Return bytes that stay where they are."""
    kind = type("_Bytes", (_ctypes.Array,), {"_type_": _Char, "_length_": len(content)})
    made: _ctypes.Array = kind.from_buffer_copy(content)  # type: ignore[attr-defined,type-arg]
    return made


def texts(content: list[bytes]) -> _ctypes.Array:  # type: ignore[type-arg]
    """Return what execve(2) wants: an array of pointers to texts, a null pointer behind them."""
    kind = type("_Texts", (_ctypes.Array,), {"_type_": _Text, "_length_": len(content) + 1})
    made: _ctypes.Array = kind(*content, None)  # type: ignore[type-arg]
    return made


def address(made: _ctypes.Array) -> int:  # type: ignore[type-arg]
    """Return where an array is."""
    return _ctypes.addressof(made)
