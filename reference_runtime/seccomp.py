"""The seccomp filter (config-linux.md#seccomp, seccomp(2)), compiled by libseccomp.

The runtime compiles it before the fork: init, which must not load a library that may be the
container's, only hands the finished program to the kernel.
"""

from __future__ import annotations

import errno
import os

from reference_runtime import errors, ffi, seccomp_rules, seccomp_verdict, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    import struct

    from reference_runtime.model import Json
else:
    import _struct as struct  # as in locks.py

_LIBRARY = "libseccomp.so.2"
_INSTRUCTION = 8  # bytes of a struct sock_filter
_MOST_INSTRUCTIONS = 4096  # BPF_MAXINSNS
_UNKNOWN_SYSCALL = -1  # __NR_SCMP_ERROR; other negative numbers stand for real system calls
# It speaks of notifications only, and the kernel refuses it for a filter that has none.
_TSYNC_ESRCH = 16  # with a descriptor to return, a thread's number cannot be the error
_NEEDS_LISTENER = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"


class Filter:
    """A filter that needs nothing more but to be loaded."""

    def __init__(self, program: bytes, flags: int) -> None:
        """Allocate all that the call needs."""
        self.program = ffi.array(program)
        self.listens = bool(flags & syscalls.SECCOMP_FILTER_FLAG_NEW_LISTENER)
        self.obstacle = seccomp_verdict.of_execve(program)  # why execve will fail, if it will
        fprog = struct.pack("HP", len(program) // _INSTRUCTION, ffi.address(self.program))
        self.load = syscalls.seccomp_call(syscalls.SECCOMP_SET_MODE_FILTER, flags, fprog)


def compile_filter(seccomp: Json, where: str) -> Filter:
    """Make the filter of a valid configuration."""
    library = open_library(where)
    notifies = seccomp_rules.notifies(seccomp)
    flags = syscalls.SECCOMP_FILTER_FLAG_NEW_LISTENER if notifies else 0
    for index, name in enumerate(seccomp.get("flags", [])):
        if not is_supported(name):
            message = f"{where}.flags[{index}]: this kernel does not implement {name}"
            raise errors.OperationError(message)
        if notifies or name != _NEEDS_LISTENER:
            flags |= seccomp_rules.FLAGS[name]
    if notifies and flags & seccomp_rules.FLAGS["SECCOMP_FILTER_FLAG_TSYNC"]:
        flags |= _TSYNC_ESRCH
    default = action_number(seccomp["defaultAction"], seccomp.get("defaultErrnoRet"))
    context = library.pointer("seccomp_init", default)
    if not context:
        message = f"{where}.defaultAction: libseccomp refuses {seccomp['defaultAction']}"
        raise errors.OperationError(message)
    try:
        for index, name in enumerate(seccomp.get("architectures", [])):
            add_architecture(library, context, name, f"{where}.architectures[{index}]")
        for index, rule in enumerate(seccomp.get("syscalls", [])):
            add_rule(library, context, rule, default, f"{where}.syscalls[{index}]")
        program = export(library, context)
    finally:
        library.number("seccomp_release", context)
    if len(program) > _MOST_INSTRUCTIONS * _INSTRUCTION:
        count = len(program) // _INSTRUCTION
        message = f"{where}: the filter has {count} instructions, the kernel takes no more than"
        raise errors.OperationError(f"{message} {_MOST_INSTRUCTIONS}")
    return Filter(program, flags)


def features() -> Json:
    """Return what there is of it here (features-linux.md#seccomp)."""
    try:
        library = ffi.Library(_LIBRARY)
    except OSError:
        return {"enabled": False}
    archs = seccomp_rules.ARCHITECTURES
    return {
        "enabled": True,
        "actions": sorted(seccomp_rules.ACTIONS),
        "operators": sorted(seccomp_rules.OPERATORS),
        "archs": sorted(name for name in archs if architecture_number(library, name)),
        "knownFlags": sorted(seccomp_rules.FLAGS),
        "supportedFlags": sorted(name for name in seccomp_rules.FLAGS if is_supported(name)),
    }


def open_library(where: str) -> ffi.Library:
    """Load libseccomp; only who asks for a filter needs it."""
    try:
        return ffi.Library(_LIBRARY)
    except OSError as error:
        message = f"{where}: a filter needs {_LIBRARY}: {errors.reason(error)}"
        raise errors.OperationError(message) from None


def is_supported(flag: str) -> bool:
    """Ask the kernel for a flag: without a filter it answers EFAULT if it knows it (seccomp(2))."""
    flags = seccomp_rules.FLAGS[flag]
    if flag == _NEEDS_LISTENER:
        flags |= syscalls.SECCOMP_FILTER_FLAG_NEW_LISTENER
    try:
        syscalls.seccomp_call(syscalls.SECCOMP_SET_MODE_FILTER, flags, None)()
    except OSError as error:
        return error.errno == errno.EFAULT
    return False


def action_number(name: str, errno_return: int | None) -> int:
    """Return the action with its errno, which is EPERM by default, in the low bits."""
    number = seccomp_rules.ACTIONS[name]
    if name in seccomp_rules.LARGEST_ERRNO:
        number |= errno.EPERM if errno_return is None else errno_return
    return number


def architecture_number(library: ffi.Library, name: str) -> int:
    """Return libseccomp's number of an architecture, 0 if it knows none."""
    short = name.removeprefix("SCMP_ARCH_").lower().encode()
    return library.number("seccomp_arch_resolve_name", short)


def add_architecture(library: ffi.Library, context: int, name: str, where: str) -> None:
    """Add an architecture to the native one, which is always there."""
    number = architecture_number(library, name)
    if not number:
        message = f"{where}: this host's libseccomp does not know {name}"
        raise errors.OperationError(message)
    status = library.number("seccomp_arch_add", context, number)
    # EDOM: of the other endianness, so that no program for it runs on this machine.
    if status not in {0, -errno.EEXIST, -errno.EDOM}:
        raise _failure(where, status)


def add_rule(library: ffi.Library, context: int, rule: Json, default: int, where: str) -> None:
    """Add a rule for each of its names; an unknown name is of another kernel or machine."""
    action = action_number(rule["action"], rule.get("errnoRet"))
    if action == default:
        return  # says nothing new, and libseccomp refuses it
    for name in rule["names"]:
        number = library.number("seccomp_syscall_resolve_name", name.encode())
        if number != _UNKNOWN_SYSCALL:
            for conditions in alternatives(rule.get("args", [])):
                packed = b"".join(pack(condition) for condition in conditions)
                status = library.number(
                    "seccomp_rule_add_array", context, action, number, len(conditions), packed
                )
                if status:
                    raise _failure(f"{where} ({name})", status)


def alternatives(conditions: list[Json]) -> list[list[Json]]:
    """Return the lists of conditions of which one has to hold, each of them whole.

    libseccomp takes one condition for an argument. Several for the same one make a rule each, as
    runc's users have come to expect.
    """
    indices = {condition["index"] for condition in conditions}
    if len(indices) == len(conditions):
        return [conditions]
    return [[condition] for condition in conditions]


def pack(condition: Json) -> bytes:
    """Return a struct scmp_arg_cmp; for MASKED_EQ the first value is the mask."""
    operator = seccomp_rules.OPERATORS[condition["op"]]
    values = condition["value"], condition.get("valueTwo", 0)
    return struct.pack("IiQQ", condition["index"], operator, *values)


def export(library: ffi.Library, context: int) -> bytes:
    """Return the program for the kernel, which libseccomp writes to a file only."""
    fd = os.memfd_create("seccomp")
    try:
        status = library.number("seccomp_export_bpf", context, fd)
        if status:
            raise _failure("linux.seccomp", status)
        return os.pread(fd, os.fstat(fd).st_size, 0)
    finally:
        os.close(fd)


def _failure(where: str, status: int) -> errors.OperationError:
    return errors.OperationError(f"{where}: libseccomp: {os.strerror(-status)}")
