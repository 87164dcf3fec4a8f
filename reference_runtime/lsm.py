"""The labels of Linux security modules (config.md#linux-process, config-linux.md#mount-label).

process.apparmorProfile and process.selinuxLabel become what the next execve(2) gives the program
(kernel: admin-guide/LSM, proc_pid_attr(5)); linux.mountLabel becomes a mount option.
"""

from __future__ import annotations

import os

from reference_runtime import errors, steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.creation import Creation

_ATTRIBUTES = "/proc/self/attr"
_PROPERTIES = ("apparmorProfile", "selinuxLabel")
# The policy names the files of these by what they are (genfscon): they take no context.
UNLABELLED = frozenset(("proc", "sysfs", "cgroup", "cgroup2", "mqueue"))


def has_apparmor() -> bool:
    """Say whether AppArmor is enabled."""
    try:
        with open("/sys/module/apparmor/parameters/enabled", encoding="utf-8") as file:
            return file.read().startswith("Y")
    except OSError:
        return False


def has_selinux() -> bool:
    """Say whether SELinux is enabled: only then does it register its filesystem."""
    with open("/proc/filesystems", encoding="utf-8") as file:
        return "selinuxfs" in file.read().split()


def check(creation: Creation) -> None:
    """Refuse what this host has no module for."""
    process, linux = creation.process, creation.linux
    if process.get("apparmorProfile") and not has_apparmor():
        raise _missing("process.apparmorProfile", "AppArmor")
    for name, value in (
        ("process.selinuxLabel", process.get("selinuxLabel")),
        ("linux.mountLabel", linux.get("mountLabel")),
    ):
        if value and not has_selinux():
            raise _missing(name, "SELinux")


def _missing(name: str, module: str) -> errors.OperationError:
    return errors.OperationError(f"{name}: {module} is not enabled on this host")


def mount_data(creation: Creation, kind: str, data: str) -> str:
    """Return a filesystem's own options with the label for all its files."""
    label = creation.linux.get("mountLabel")
    if not label or kind in UNLABELLED:
        return data
    return f'{data},context="{label}"'.lstrip(",")


def _open(name: str, proc: int) -> int:
    """Open a process's own file in a directory that is procfs, or in /proc."""
    directory = "self/attr" if proc >= 0 else _ATTRIBUTES
    dir_fd = proc if proc >= 0 else None
    if name == "apparmorProfile":
        try:
            own = f"{directory}/apparmor/exec"  # since Linux 5.8
            return os.open(own, os.O_WRONLY | os.O_CLOEXEC, dir_fd=dir_fd)
        except FileNotFoundError:
            pass
    return os.open(f"{directory}/exec", os.O_WRONLY | os.O_CLOEXEC, dir_fd=dir_fd)


class OpenAttributes(steps.Step):
    """Open what start will write to, while the host's /proc is at hand: only init itself may."""

    describe = "open the security attributes of the program to be"
    lifecycle = 5

    def run(self, creation: Creation) -> None:
        """Open a file for each label; AppArmor shares its file with no other module if it can."""
        for name in _PROPERTIES:
            if creation.process.get(name):
                with creation.naming(f"process.{name}"):
                    creation.attribute_fds[name] = _open(name, creation.proc_fd)


class SetAttributes(steps.Step):
    """Set the labels that the program will run under."""

    describe = "set the AppArmor profile and the SELinux label of the program"
    lifecycle = 8

    def run(self, creation: Creation) -> None:
        """Write them in one write(2) each."""
        for name, fd in creation.attribute_fds.items():
            label = creation.process[name]
            with creation.naming(f"process.{name} ({label})"):
                os.write(fd, (f"exec {label}" if name == "apparmorProfile" else label).encode())
