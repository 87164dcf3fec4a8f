"""linux.resources.devices on cgroup v2: a program of the kernel's BPF machine, made by hand.

Kernel: admin-guide/cgroup-v2 (Device controller), bpf(2), bpf-helpers; config-linux.md
#allowed-device-list. The program gets type, numbers and wanted access of a device and returns 1 or
0. Rules have an effect in their order, so it asks the last one first: a rule decides on the kinds
of access that it names, what is left over goes to the rule before it.
"""

from __future__ import annotations

import errno
import os
import resource

from reference_runtime import errors, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    import struct

    from reference_runtime.model import Json
else:
    import _struct as struct  # as in locks.py

_TYPES = {"b": 1, "c": 2}  # BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_DEV_CHAR
_ACCESS = {"m": 1, "r": 2, "w": 4}  # BPF_DEVCG_ACC_*
_ALL = 7
_HIGHEST = 2**32 - 1

# Usable whatever the rules say: config-linux.md#default-devices has them in every container.
_DEFAULT_DEVICES = ((1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2), (136, -1))
_DEFAULT_RULES = [
    {"allow": True, "type": "c", "major": major, "minor": minor, "access": "rwm"}
    for major, minor in _DEFAULT_DEVICES
]

# Operations: what is done, with a constant (K), in 32 bits where the name says so.
_LOAD = 0x61  # a word from memory
_MOVE, _AND, _SHIFT_RIGHT = 0xB7, 0x54, 0x74
_JUMP, _JUMP_IF_NOT, _JUMP_IF_ANY, _EXIT = 0x05, 0x56, 0x45, 0x95
_RESULT, _CONTEXT, _TYPE, _WANTED, _MAJOR, _MINOR = 0, 1, 2, 3, 4, 5  # registers


def attach_rules(planned: list[Json], rules: list[Json]) -> None:
    """Let the rules decide on devices in the cgroup; it takes the program with it when it goes."""
    if not rules:
        return
    if not planned:
        message = "linux.resources.devices: this host has no cgroups"
        raise errors.OperationError(message)
    try:
        program = _load(assemble([*rules, *_DEFAULT_RULES]))
        cgroup = os.open(planned[0]["leaf"], os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            syscalls.bpf_prog_attach(cgroup, program)
        finally:
            os.close(cgroup)
            os.close(program)
    except OSError as error:
        text = errors.reason(error)
        if error.errno in {errno.E2BIG, errno.ENOSPC}:
            text = "too many rules for the kernel's verifier"
        message = f"linux.resources.devices: {text}"
        raise errors.OperationError(message) from None


def _load(program: bytes) -> int:
    """Load the program; an old kernel counts it as locked memory, whose limit may be too low."""
    try:
        return syscalls.bpf_prog_load(program)
    except PermissionError:
        soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
        if soft == hard:
            raise
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (hard, hard))
        try:
            return syscalls.bpf_prog_load(program)
        finally:
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (soft, hard))


def assemble(rules: list[Json]) -> bytes:
    """Return the program for the rules; without a rule that matches everything is allowed."""
    code = [
        instruction(_LOAD, _TYPE, source=_CONTEXT, offset=0),
        instruction(_LOAD, _WANTED, source=_CONTEXT, offset=0),
        instruction(_AND, _TYPE, constant=0xFFFF),
        instruction(_SHIFT_RIGHT, _WANTED, constant=16),
        instruction(_LOAD, _MAJOR, source=_CONTEXT, offset=4),
        instruction(_LOAD, _MINOR, source=_CONTEXT, offset=8),
    ]
    for index in range(len(rules) - 1, -1, -1):
        rule = rules[index]
        code += _rule(rule, f"linux.resources.devices[{index}]")
        if _is_about_everything(rule):
            break  # nothing is left over for the rules before it
    code += [instruction(_MOVE, _RESULT, constant=1), instruction(_EXIT)]
    return b"".join(code)


def _rule(rule: Json, name: str) -> list[bytes]:
    access = sum(_ACCESS[kind] for kind in set(rule.get("access", "rwm")))
    if rule["allow"]:
        then = [
            instruction(_AND, _WANTED, constant=_ALL & ~access),
            instruction(_JUMP_IF_NOT, _WANTED, offset=2, constant=0),
            instruction(_MOVE, _RESULT, constant=1),
            instruction(_EXIT),
        ]
    else:
        then = [
            instruction(_JUMP_IF_ANY, _WANTED, offset=1, constant=access),
            instruction(_JUMP, 0, offset=2),
            instruction(_MOVE, _RESULT, constant=0),
            instruction(_EXIT),
        ]
    conditions = []
    if rule.get("type", "a") != "a":
        conditions.append((_TYPE, _TYPES[rule["type"]]))
    for register, member in ((_MAJOR, "major"), (_MINOR, "minor")):
        number = rule.get(member, -1)
        if not -1 <= number <= _HIGHEST:
            message = f"{name}.{member}: no device has the number {number}"
            raise errors.OperationError(message)
        if number != -1:
            conditions.append((register, number))
    code = then
    for register, number in conditions:
        code = [instruction(_JUMP_IF_NOT, register, offset=len(code), constant=number), *code]
    return code


def _is_about_everything(rule: Json) -> bool:
    return (
        rule.get("type", "a") == "a"
        and rule.get("major", -1) == -1
        and rule.get("minor", -1) == -1
        and set(rule.get("access", "rwm")) == set(_ACCESS)
    )


def instruction(
    operation: int, register: int = 0, *, source: int = 0, offset: int = 0, constant: int = 0
) -> bytes:
    """Return one instruction, a struct bpf_insn."""
    return struct.pack("<BBhI", operation, source << 4 | register, offset, constant)
