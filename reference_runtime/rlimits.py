"""Resource limits (config.md#posix-process, getrlimit(2))."""

from __future__ import annotations

import resource

from reference_runtime import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.model import Json

NUMBERS = {
    f"RLIMIT_{name}": number
    for number, name in enumerate((
        "CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS", "LOCKS",
        "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME",
    ))
}  # fmt: skip


def apply(process: Json) -> None:
    """Set the limits of this process; the order does not matter, as no type occurs twice."""
    for index, entry in enumerate(process.get("rlimits", [])):
        try:
            limits = _signed(entry["soft"]), _signed(entry["hard"])
            resource.setrlimit(NUMBERS[entry["type"]], limits)
        except (OSError, ValueError, OverflowError) as error:
            message = f"process.rlimits[{index}] ({entry['type']}): {errors.reason(error)}"
            raise errors.OperationError(message) from None


def _signed(value: int) -> int:
    """Return the number as the resource module wants it: RLIM_INFINITY, 2**64 - 1, is its -1."""
    return value - 2**64 if value >= 2**63 else value
