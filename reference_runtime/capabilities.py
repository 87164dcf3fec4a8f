"""The five capability sets (config.md#linux-process, capabilities(7)).

The masks are computed before the fork, so that what is unknown or cannot be granted is a warning
of create; the container's init only sets them.
"""

from __future__ import annotations

from reference_runtime import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.model import Json

NAMES = tuple(
    f"CAP_{name}"
    for name in (
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
        "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
        "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
        "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
        "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
        "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
    )
)  # fmt: skip
SETS = ("bounding", "permitted", "effective", "inheritable", "ambient")


class Capabilities:
    """The masks to set, and what was left out of them."""

    def __init__(self, wanted: Json, available: int) -> None:
        """Keep of each set what the kernel will grant to a process with the available ones."""
        self.warnings: list[str] = []
        self.available = available
        self.last = last_known()  # read now: later /proc is the container's
        self.bounding = self._keep("bounding", wanted, available, "the runtime has not got it")
        self.permitted = self._keep("permitted", wanted, available, "the runtime has not got it")
        self.inheritable = self._keep(
            "inheritable", wanted, available, "the runtime has not got it"
        )
        self.effective = self._keep("effective", wanted, self.permitted, "it is not permitted")
        self.ambient = self._keep(
            "ambient", wanted, self.permitted & self.inheritable, "not permitted and inheritable"
        )

    def _keep(self, name: str, wanted: Json, grantable: int, why: str) -> int:
        mask = 0
        refused: dict[str, list[str]] = {}
        for capability in wanted.get(name, []):
            if capability not in NAMES:
                refused.setdefault("unknown", []).append(capability)
            elif not grantable >> NAMES.index(capability) & 1:
                refused.setdefault(why, []).append(capability)
            else:
                mask |= 1 << NAMES.index(capability)
        for reason, names in refused.items():  # a line each: engines show them to users
            self.warnings.append(
                f"process.capabilities.{name}: {', '.join(names)} cannot be granted: {reason}"
            )
        return mask


def mask(name: str) -> int:
    """Return the bit of a capability, named without CAP_."""
    return 1 << NAMES.index(f"CAP_{name}")


def last_known() -> int:
    """Return the number of the kernel's last capability."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="utf-8") as file:
        return int(file.read())


def available(*, in_user_namespace: bool) -> int:
    """Return the mask of what the container's init will be permitted, within its bounding set."""
    if in_user_namespace:
        return (1 << last_known() + 1) - 1  # it has all, over what the namespace owns
    permitted = bounding = 0
    with open("/proc/self/status", encoding="utf-8", errors="replace") as status:
        for line in status:
            if line.startswith("CapPrm:"):
                permitted = int(line[7:], 16)
            elif line.startswith("CapBnd:"):
                bounding = int(line[7:], 16)
    return permitted & bounding


def set_inheritable(masks: Capabilities) -> None:
    """Set the inheritable set while all else is still there."""
    syscalls.capset(masks.available, masks.available, masks.inheritable)


def drop_bounding(masks: Capabilities) -> None:
    """Drop from the bounding set what is not to be kept."""
    for capability in range(masks.last + 1):
        if not masks.bounding >> capability & 1 and syscalls.prctl(
            syscalls.PR_CAPBSET_READ, capability
        ):
            syscalls.prctl(syscalls.PR_CAPBSET_DROP, capability)


def set_final(masks: Capabilities, until_execve: int = 0) -> None:
    """Set what the program begins with, and what init still needs; execve(2) takes that away."""
    kept = until_execve & masks.available
    syscalls.capset(masks.effective | kept, masks.permitted | kept, masks.inheritable)
    syscalls.prctl(syscalls.PR_CAP_AMBIENT, syscalls.PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(len(NAMES)):
        if masks.ambient >> capability & 1:
            syscalls.prctl(syscalls.PR_CAP_AMBIENT, syscalls.PR_CAP_AMBIENT_RAISE, capability)
