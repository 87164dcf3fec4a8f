"""The errors that runtime.md#errors speaks of.

OperationError
└── HookError   a hook failed: the lifecycle goes on at step 12
"""


class OperationError(Exception):
    """The operation generates an error; the message is for the runtime's caller."""


class HookError(OperationError):
    """A hook did not exit with status 0, could not be run, or took too long."""


def reason(error: BaseException) -> str:
    """Say in a few words why a call failed, without Python's decoration."""
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror[0].lower() + error.strerror[1:]
        return f"{error.filename}: {text}" if error.filename is not None else text
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error) or type(error).__name__
