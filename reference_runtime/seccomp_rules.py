"""What linux.seccomp may say (config-linux.md#seccomp), and what its words are to libseccomp.

The numbers are those of seccomp.h of libseccomp and of linux/seccomp.h.
"""

from __future__ import annotations

from reference_runtime import schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.model import Json

ACTIONS = {
    "SCMP_ACT_KILL": 0x00000000,  # the thread, as SCMP_ACT_KILL_THREAD
    "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_KILL_THREAD": 0x00000000,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_ERRNO": 0x00050000,
    "SCMP_ACT_TRACE": 0x7FF00000,
    "SCMP_ACT_ALLOW": 0x7FFF0000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_NOTIFY": 0x7FC00000,
}
LARGEST_ERRNO = {
    "SCMP_ACT_ERRNO": 4095,  # the kernel cuts what is larger down to MAX_ERRNO
    "SCMP_ACT_TRACE": 0xFFFF,  # SECCOMP_RET_DATA
}
OPERATORS = {
    "SCMP_CMP_NE": 1,
    "SCMP_CMP_LT": 2,
    "SCMP_CMP_LE": 3,
    "SCMP_CMP_EQ": 4,
    "SCMP_CMP_GE": 5,
    "SCMP_CMP_GT": 6,
    "SCMP_CMP_MASKED_EQ": 7,
}
FLAGS = {
    "SECCOMP_FILTER_FLAG_TSYNC": 1,
    "SECCOMP_FILTER_FLAG_LOG": 2,
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW": 4,
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": 32,
}
ARCHITECTURES = tuple(
    f"SCMP_ARCH_{name}"
    for name in (
        "X86", "X86_64", "X32", "ARM", "AARCH64", "MIPS", "MIPS64", "MIPS64N32", "MIPSEL",
        "MIPSEL64", "MIPSEL64N32", "PPC", "PPC64", "PPC64LE", "S390", "S390X", "PARISC", "PARISC64",
        "RISCV64", "LOONGARCH64", "M68K", "SH", "SHEB",
    )
)  # fmt: skip
_LAST_ARGUMENT = 5  # a system call has six


def notifies(seccomp: Json) -> bool:
    """Say whether there is a call of which an agent is to be notified."""
    actions = [rule["action"] for rule in seccomp.get("syscalls", [])]
    return "SCMP_ACT_NOTIFY" in [seccomp["defaultAction"], *actions]


def _errno(value: Json, where: str, action_name: str, errno_name: str) -> None:
    """Check that the action takes the errno that stands beside it."""
    if errno_name in value:
        largest = LARGEST_ERRNO.get(value[action_name])
        if largest is None:
            raise schema.wrong(f"{where}.{errno_name}", f"{value[action_name]} takes no errno")
        schema.integer(0, largest)(value[errno_name], f"{where}.{errno_name}")


def rule(value: Json, where: str) -> None:
    """Check what the members of a rule demand of each other."""
    _errno(value, where, "action", "errnoRet")


def filter_members(value: Json, where: str) -> None:
    """Check what the members of the filter demand of each other."""
    _errno(value, where, "defaultAction", "defaultErrnoRet")
    if value.get("listenerMetadata") and not value.get("listenerPath"):
        raise schema.wrong(f"{where}.listenerMetadata", "must not be set without listenerPath")
    if notifies(value) and not value.get("listenerPath"):
        raise schema.wrong(f"{where}.listenerPath", "is required with SCMP_ACT_NOTIFY")


ARGUMENT = schema.members(
    {
        "index": schema.integer(0, _LAST_ARGUMENT),
        "value": schema.uint64,
        "valueTwo": schema.uint64,
        "op": schema.one_of(OPERATORS),
    },
    required=("index", "value", "op"),
)

RULE = schema.both(
    schema.members(
        {
            "names": schema.array(schema.string, at_least=1),
            "action": schema.one_of(ACTIONS),
            "errnoRet": schema.uint32,
            "args": schema.array(ARGUMENT),
        },
        required=("names", "action"),
    ),
    rule,
)

SECCOMP = schema.both(
    schema.members(
        {
            "defaultAction": schema.one_of(ACTIONS),
            "defaultErrnoRet": schema.uint32,
            "architectures": schema.array(schema.one_of(ARCHITECTURES)),
            "flags": schema.array(schema.one_of(FLAGS)),
            "listenerPath": schema.string,  # without SCMP_ACT_NOTIFY it is to be ignored
            "listenerMetadata": schema.string,
            "syscalls": schema.array(RULE),
        },
        required=("defaultAction",),
    ),
    filter_members,
)
