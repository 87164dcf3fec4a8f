"""The update operation, which engines know and the specification does not: other limits.

--resources FILE holds what config-linux.md#control-groups describes as linux.resources; `-` is
stdin. Zeros and empty strings leave a limit as it is: Docker sends all that it knows, most of it
unset. Either all of it is written or nothing has changed.
"""

from __future__ import annotations

from reference_runtime import container, errors, jsonlite, limits, validate_linux

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from reference_runtime.command_line import Arguments
    from reference_runtime.container import Container
    from reference_runtime.model import Json

_WHERE = "linux.resources"
_BYTES, _COUNT, _TEXT = "bytes", "count", "text"
# option: (group and member of linux.resources, what its value is)
OPTIONS = {
    "--blkio-weight": ("blockIO", "weight", _COUNT),
    "--cpu-burst": ("cpu", "burst", _COUNT),
    "--cpu-idle": ("cpu", "idle", _COUNT),
    "--cpu-period": ("cpu", "period", _COUNT),
    "--cpu-quota": ("cpu", "quota", _COUNT),
    "--cpu-rt-period": ("cpu", "realtimePeriod", _COUNT),
    "--cpu-rt-runtime": ("cpu", "realtimeRuntime", _COUNT),
    "--cpu-share": ("cpu", "shares", _COUNT),
    "--cpuset-cpus": ("cpu", "cpus", _TEXT),
    "--cpuset-mems": ("cpu", "mems", _TEXT),
    "--kernel-memory": ("memory", "kernel", _BYTES),
    "--kernel-memory-tcp": ("memory", "kernelTCP", _BYTES),
    "--memory": ("memory", "limit", _BYTES),
    "--memory-reservation": ("memory", "reservation", _BYTES),
    "--memory-swap": ("memory", "swap", _BYTES),
    "--pids-limit": ("pids", "limit", _COUNT),
}
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_ZERO_MEANS_SOMETHING = {("cpu", "burst"), ("cpu", "idle"), ("memory", "swappiness")}


def run(arguments: Arguments) -> None:
    """Change the limits of a container that is not stopped."""
    target = container.load(arguments.root, arguments.id)
    wanted = read(arguments.resources) if arguments.resources else from_options(arguments.limits)
    target.take_joining_lock()
    refuse_unless_alive(target)
    refuse_other_device_rules(target, wanted.pop("devices", None) or [])
    limits.change(target.record.get("cgroups", []), without_zeros(wanted))


def refuse_unless_alive(target: Container) -> None:
    """Error without an effect on a container that has no process to limit."""
    status = target.status()
    if status in {container.CREATING, container.STOPPED}:
        message = f"cannot update {target.id!r}: container not running"
        raise errors.OperationError(message)


def refuse_other_device_rules(target: Container, rules: list[Json]) -> None:
    """Refuse to change who may use a device; containerd sends the rules that there are."""
    if rules and rules != target.record.get("deviceRules"):
        message = f"{_WHERE}.devices: update does not change the device rules"
        raise errors.OperationError(message)


def read(path: str) -> Json:
    """Read the file of --resources."""
    try:
        with open(0 if path == "-" else path, "rb") as file:
            wanted: Any = jsonlite.loads(file.read())
    except (OSError, ValueError, RecursionError) as error:
        message = f"--resources {path}: {errors.reason(error)}"
        raise errors.OperationError(message) from None
    if isinstance(wanted, dict):  # null is how Go writes an array that is unset
        wanted = {name: value for name, value in wanted.items() if value is not None}
    validate_linux.RESOURCES(wanted, _WHERE)
    return wanted  # type: ignore[no-any-return]


def from_options(given: dict[str, str]) -> Json:
    """Return what the single options say, in the form of --resources."""
    if not given:
        message = "update needs --resources FILE or an option for a limit"
        raise errors.OperationError(message)
    wanted: Json = {}
    for option, text in given.items():
        group, member, kind = OPTIONS[option]
        wanted.setdefault(group, {})[member] = text if kind == _TEXT else number(option, kind, text)
    validate_linux.RESOURCES(wanted, _WHERE)
    return wanted


def number(option: str, kind: str, text: str) -> int:
    """Read a number; one of bytes may have a unit: 64m."""
    digits, unit = text, ""
    if kind == _BYTES and text[-1:].lower() in _UNITS:
        digits, unit = text[:-1], text[-1:].lower()
    if not (digits.removeprefix("-").isdigit() and digits.isascii()):
        message = f"{option}: {text!r} is not a number"
        raise errors.OperationError(message)
    return int(digits) * _UNITS[unit]


def without_zeros(wanted: Json) -> Json:
    """Leave out what is unset."""
    kept: Json = {}
    for group, members in wanted.items():
        if isinstance(members, dict) and group not in {"unified", "rdma"}:
            members = {  # noqa: PLW2901
                name: value
                for name, value in members.items()
                if isinstance(value, bool) or value or (group, name) in _ZERO_MEANS_SOMETHING
            }
        if members:
            kept[group] = members
    return kept
