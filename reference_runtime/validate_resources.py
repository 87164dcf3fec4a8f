"""What may be said of huge pages, block I/O, network and RDMA.

config-linux.md#huge-page-limits, #block-io, #network, #rdma.
"""

from __future__ import annotations

from reference_runtime import schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reference_runtime.model import Json

_LONGEST_INTERFACE = 15  # IFNAMSIZ - 1
_HIGHEST_MAJOR, _HIGHEST_MINOR = 2**12 - 1, 2**20 - 1


def page_size(value: str, where: str) -> None:
    """Check for <size><unit-prefix>B, as 64KB, 2MB, 1GB."""
    schema.string(value, where)
    size, end = value[:-2], value[-2:]
    if not (size.isascii() and size.isdigit()) or size[0] == "0" or end not in {"KB", "MB", "GB"}:
        raise schema.wrong(where, f"{value!r} is not of the form 64KB, 2MB or 1GB")


def word(value: str, where: str) -> None:
    """Check for a name that is one word of a control file's line."""
    schema.non_empty(value, where)
    if value.split() != [value]:
        raise schema.wrong(where, "must not contain white space")


def interface(value: str, where: str) -> None:
    """Check for the name of a network interface."""
    word(value, where)
    if len(value.encode()) > _LONGEST_INTERFACE or "/" in value or value in {".", ".."}:
        raise schema.wrong(where, f"{value!r} cannot be the name of a network interface")


def some_of(*names: str) -> schema.Check:
    """Make a check for an object that has at least one of the members."""

    def check(value: Json, where: str) -> None:
        if not value.keys() & set(names):
            raise schema.wrong(where, f"must have {' or '.join(names)}")

    return check


_DEVICE: schema.Table = {
    "major": schema.integer(0, _HIGHEST_MAJOR),
    "minor": schema.integer(0, _HIGHEST_MINOR),
}
_WEIGHTS: schema.Table = dict.fromkeys(("weight", "leafWeight"), schema.uint16)
_THROTTLE = schema.array(
    schema.members({**_DEVICE, "rate": schema.uint64}, required=("major", "minor", "rate"))
)

HUGE_PAGE_LIMITS = schema.array(
    schema.members({"pageSize": page_size, "limit": schema.uint64}, required=("pageSize", "limit"))
)

BLOCK_IO = schema.members(
    {
        **_WEIGHTS,
        "weightDevice": schema.array(
            schema.both(
                schema.members({**_DEVICE, **_WEIGHTS}, required=("major", "minor")),
                some_of("weight", "leafWeight"),
            )
        ),
        **{
            f"throttle{kind}Device": _THROTTLE
            for kind in ("ReadBps", "WriteBps", "ReadIOPS", "WriteIOPS")
        },
    }
)

NETWORK = schema.members(
    {
        "classID": schema.uint32,
        "priorities": schema.array(
            schema.members(
                {"name": interface, "priority": schema.uint32}, required=("name", "priority")
            )
        ),
    }
)

RDMA = schema.mapping(
    schema.both(
        schema.members(dict.fromkeys(("hcaHandles", "hcaObjects"), schema.uint32)),
        some_of("hcaHandles", "hcaObjects"),
    ),
    word,
)
