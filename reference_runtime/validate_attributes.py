"""What may be said of scheduling, I/O priority, personality and memory policy.

config.md#linux-process, config-linux.md#personality, #memory-policy. What the kernel would ignore
without an error is an error here.
"""

from __future__ import annotations

from reference_runtime import attributes, schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.model import Json

_WITHOUT_NODES = ("MPOL_DEFAULT", "MPOL_LOCAL")
_WITH_OR_WITHOUT_NODES = "MPOL_PREFERRED"  # without: like MPOL_LOCAL


def scheduler(value: Json, where: str) -> None:
    """Check what the policy demands (sched(7))."""
    policy, priority = value["policy"], value.get("priority", 0)
    if policy in attributes.REALTIME:
        if not priority:
            raise schema.wrong(f"{where}.priority", f"must be 1 to 99 with {policy}")
    elif priority:
        raise schema.wrong(f"{where}.priority", f"must be 0 with {policy}")
    if policy != "SCHED_DEADLINE":
        for name in ("runtime", "deadline", "period"):
            if value.get(name):
                raise schema.wrong(f"{where}.{name}", "is for SCHED_DEADLINE only")


def node_list(value: str, where: str) -> None:
    """Check for a list such as 0-3,7."""
    schema.string(value, where)
    try:
        attributes.nodes(value)
    except ValueError as error:
        raise schema.wrong(where, str(error)) from None


def memory_policy(value: Json, where: str) -> None:
    """Check what the mode demands (set_mempolicy(2))."""
    mode, nodes = value["mode"], value.get("nodes")
    if mode in _WITHOUT_NODES:
        if nodes:
            raise schema.wrong(f"{where}.nodes", f"must not be given with {mode}")
    elif not nodes and mode != _WITH_OR_WITHOUT_NODES:
        raise schema.wrong(f"{where}.nodes", f"is required with {mode}")
    if {"MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"} <= set(value.get("flags", [])):
        raise schema.wrong(f"{where}.flags", "static and relative nodes exclude each other")


def personality_flags(value: object, where: str) -> None:
    """Refuse all flags: the specification has none yet (config-linux.md#personality)."""
    schema.array(schema.string)(value, where)
    if value:
        raise schema.wrong(where, "no flags are supported")


SCHEDULER = schema.both(
    schema.members(
        {
            "policy": schema.one_of(attributes.POLICIES),
            "nice": schema.integer(-20, 19),
            "priority": schema.integer(0, 99),
            "flags": schema.array(schema.one_of(attributes.SCHEDULER_FLAGS)),
            **dict.fromkeys(("runtime", "deadline", "period"), schema.uint64),
        },
        required=("policy",),
    ),
    scheduler,
)

IO_PRIORITY = schema.members(
    {"class": schema.one_of(attributes.IO_CLASSES), "priority": schema.integer(0, 7)},
    required=("class", "priority"),
)

PERSONALITY = schema.members(
    {"domain": schema.one_of(attributes.DOMAINS), "flags": personality_flags},
    required=("domain",),
)

MEMORY_POLICY = schema.both(
    schema.members(
        {
            "mode": schema.one_of(attributes.MEMORY_MODES),
            "nodes": node_list,
            "flags": schema.array(schema.one_of(attributes.MEMORY_FLAGS)),
        },
        required=("mode",),
    ),
    memory_policy,
)
