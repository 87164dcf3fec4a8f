"""Signals by their names and numbers (signal(7)), without the signal module's enumerations."""

from __future__ import annotations

from reference_runtime import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal

_FIRST_REAL_TIME, _LAST = 34, 64  # SIGRTMIN as the C library counts it, SIGRTMAX


def number(text: str) -> int:
    """Return the number of a signal given as TERM, SIGTERM, 15, RTMIN+3 or RTMAX-1."""
    if text.isascii() and text.isdigit():
        value = int(text)
    else:
        value = _by_name(text.upper().removeprefix("SIG"))
    if not 0 < value <= _LAST:
        message = f"unknown signal {text!r}"
        raise errors.OperationError(message)
    return value


def _by_name(name: str) -> int:
    for base, first, sign in (("RTMIN", _FIRST_REAL_TIME, "+"), ("RTMAX", _LAST, "-")):
        if name.startswith(base):
            rest = name[len(base) :]
            if not rest:
                return first
            if rest[0] == sign and rest[1:].isascii() and rest[1:].isdigit():
                value = first + int(rest)
                return value if _FIRST_REAL_TIME <= value <= _LAST else 0
            return 0
    value = getattr(signal, f"SIG{name}", 0) if name.isalnum() else 0
    return int(value) if isinstance(value, int) else 0


def reset_to_default() -> None:
    """Give every signal its default action and unblock all: Python ignores two, callers others."""
    from reference_runtime import syscalls

    for signum in range(1, _LAST + 1):
        if signum in {32, 33}:
            syscalls.default_action(signum)
        elif signum not in {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
