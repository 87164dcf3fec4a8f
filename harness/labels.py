"""What cases need of Linux security modules: a profile that is loaded, a label that is valid."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness import door
from harness.faults import HostLacks

if TYPE_CHECKING:
    from collections.abc import Iterator

PROFILE = """\
profile {name} flags=(attach_disconnected,mediate_deleted) {{
  file,
  capability,
  network,
  mount,
  umount,
  pivot_root,
  signal,
  ptrace,
  unix,
  deny /denied r,
}}
"""


@contextmanager
def apparmor_profile(directory: Path, name: str) -> Iterator[str]:
    """Load a profile that allows everything but reading /denied; unload it at the end."""
    source = directory / f"{name}.apparmor"
    source.write_text(PROFILE.format(name=name))
    door.output(["apparmor_parser", "--skip-cache", "--replace", str(source)])
    try:
        yield name
    finally:
        door.output(["apparmor_parser", "--remove", str(source)])
        source.unlink()


TYPES = ("container_t", "svirt_lxc_net_t", "spc_t", "unconfined_t")
"""Of processes, as usual policies name them; the first that is valid is taken."""


def selinux_label() -> str:
    """Return a label for a process that is not our own; HostLacks if the policy has none."""
    own = Path("/proc/self/attr/current").read_text().rstrip("\0\n")
    user, role, type_, *level = own.split(":", 3)
    for candidate in TYPES:
        for prefix in (f"{user}:{role}", "system_u:system_r"):
            label = ":".join([prefix, candidate, *(["s0"] if level else [])])
            if candidate != type_ and _valid(label):
                return label
    raise HostLacks(f"the SELinux policy has none of the types {', '.join(TYPES)}")


def _valid(label: str) -> bool:
    try:
        with Path("/sys/fs/selinux/context").open("wb", buffering=0) as file:
            file.write(label.encode() + b"\0")
    except OSError:
        return False
    return True
