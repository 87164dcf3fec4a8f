"""Where errors and warnings are exposed: runtime.md#errors and #warnings leave the form open.

stderr gets one line for people. The file of --log gets one line only when the operation fails:
podman reads the whole file as a single JSON object.
"""

import os
import time

NAME = "reference-runtime"
_LONGEST = 4096  # characters of a message


class Options:
    """What --log, --log-format and --debug asked for."""

    log = ""
    json = False
    debug = False


def warning(message: str) -> None:
    """Log a warning: the flow of the operation does not change (runtime.md#warnings)."""
    _write_stderr(f"warning: {message}")


def debug(message: str) -> None:
    """Say what is going on, with --debug."""
    if Options.debug:
        _write_stderr(f"debug: {message}")


def error(message: str) -> None:
    """Expose the error that ends the operation."""
    _write_stderr(message)
    if Options.log:
        _append_to_log(message)


def _write_stderr(message: str) -> None:
    line = f"{NAME}: {_one_line(message)}\n"
    try:
        os.write(2, line.encode(errors="backslashreplace"))
    except OSError:
        pass  # nobody listens


def _append_to_log(message: str) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    if Options.json:
        from reference_runtime import jsonlite

        shown = message[:_LONGEST]
        line = jsonlite.dumps({"level": "error", "msg": shown, "time": now})
    else:
        line = f'time="{now}" level=error msg="{_one_line(message)}"'
    try:
        log = os.open(Options.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        os.write(log, line.encode(errors="backslashreplace") + b"\n")
        os.close(log)
    except OSError as failure:
        _write_stderr(f"cannot write {Options.log}: {failure.strerror}")


def _one_line(message: str) -> str:
    """Escape what would end the line or steer a terminal: a configuration may be quoted in it."""
    if len(message) > _LONGEST:
        message = f"{message[:_LONGEST]}..."
    if message.isprintable():
        return message
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)
